#!/usr/bin/env python3
"""Makes small random models of every family, as ordinary Hugging Face directories, by Transformers itself.

    make_tiny.py [-o DIR] [NAME...]    default: all of them, into build/test-models

Two layers with head sizes that real models have. Between them the variants cover what a family's config can say: tied
and untied embeddings, biases, Q/K norms, head_dim apart from hidden / heads, rope scaling, sliding windows shorter than
the tests' sequences, the three checkpoint types, one file and shards, and the older spelling of config.json.
A directory is made once: it holds a fingerprint of this file, and appears by one rename.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFAULT = ROOT / "build" / "test-models"
FINGERPRINT = "fingerprint.txt"

LLAMA3_SCALING = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                  "high_freq_factor": 4.0, "original_max_position_embeddings": 64}


def plain(theta: float) -> dict:
    return {"rope_type": "default", "rope_theta": theta}


COMMON = dict(num_hidden_layers=2, max_position_embeddings=1024, bos_token_id=1, eos_token_id=2, initializer_range=0.06)

# name -> (class of the config, dtype of the checkpoint, fields of the config, how it is saved)
VARIANTS = {
    "llama-tied": ("LlamaConfig", "bfloat16", dict(
        vocab_size=512, hidden_size=256, intermediate_size=512, num_attention_heads=4, num_key_value_heads=2,
        tie_word_embeddings=True, rope_parameters=plain(10000.0)), {}),
    "llama3-rope": ("LlamaConfig", "bfloat16", dict(
        vocab_size=1000, hidden_size=384, intermediate_size=640, num_attention_heads=3, num_key_value_heads=1,
        tie_word_embeddings=False, rope_parameters=LLAMA3_SCALING, eos_token_id=[2, 7]), {"old_spelling": True}),
    "llama-linear-rope": ("LlamaConfig", "float16", dict(
        vocab_size=512, hidden_size=192, intermediate_size=384, num_attention_heads=2, num_key_value_heads=2,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}), {}),
    "llama-sharded": ("LlamaConfig", "float32", dict(
        vocab_size=512, hidden_size=320, intermediate_size=448, num_attention_heads=4, num_key_value_heads=2,
        tie_word_embeddings=False, rope_parameters=plain(10000.0)), {"max_shard_size": "600KB"}),
    "llama-bias": ("LlamaConfig", "bfloat16", dict(
        vocab_size=512, hidden_size=256, intermediate_size=512, num_attention_heads=4, num_key_value_heads=2,
        tie_word_embeddings=True, attention_bias=True, mlp_bias=True, rope_parameters=plain(10000.0)), {}),
    "qwen2": ("Qwen2Config", "bfloat16", dict(
        vocab_size=512, hidden_size=256, intermediate_size=512, num_attention_heads=4, num_key_value_heads=1,
        tie_word_embeddings=False, rope_parameters=plain(1000000.0)), {"old_spelling": True}),
    "qwen2-mixed-window": ("Qwen2Config", "float32", dict(
        vocab_size=512, hidden_size=256, intermediate_size=512, num_attention_heads=2, num_key_value_heads=2,
        tie_word_embeddings=True, use_sliding_window=True, sliding_window=20, max_window_layers=1,
        rope_parameters=plain(1000000.0)), {}),
    "qwen3": ("Qwen3Config", "bfloat16", dict(
        vocab_size=512, hidden_size=256, intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, head_dim=128,
        tie_word_embeddings=True, rope_parameters=plain(1000000.0)), {}),
    "mistral-window": ("MistralConfig", "bfloat16", dict(
        vocab_size=512, hidden_size=512, intermediate_size=768, num_attention_heads=4, num_key_value_heads=2, head_dim=128,
        tie_word_embeddings=False, sliding_window=24, rope_parameters=plain(10000.0)), {"old_spelling": True}),
}


def make_model(name: str):
    """The model of a variant, with every parameter random: what a fresh model leaves at one or zero (norms, biases)
    would hide a missing multiplication or addition."""
    import torch
    import transformers

    config_class, dtype, fields, _ = VARIANTS[name]
    config = getattr(transformers, config_class)(**(COMMON | fields))
    torch.manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little"))
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if key.endswith("norm.weight"):
                parameter.uniform_(0.5, 1.5)
            elif key.endswith("bias"):
                parameter.normal_(std=0.2)
    return model.to(getattr(torch, dtype)).eval()


def respell(path: pathlib.Path) -> None:
    """Rewrites config.json as Transformers 4 wrote it, the spelling of most published checkpoints."""
    config = json.loads(path.read_text())
    config["torch_dtype"] = config.pop("dtype")
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope if rope["rope_type"] != "default" else None
    config.pop("layer_types", None)  # came with Transformers 4.52, after most of them
    config["transformers_version"] = "4.45.0"
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def make(name: str, parent: pathlib.Path, fingerprint: str) -> None:
    out = parent / name
    if (out / FINGERPRINT).exists() and (out / FINGERPRINT).read_text() == fingerprint:
        return
    saving = dict(VARIANTS[name][3])
    old_spelling = saving.pop("old_spelling", False)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{name}.") as scratch:
        fresh = pathlib.Path(scratch) / name
        make_model(name).save_pretrained(fresh, **saving)
        if old_spelling:
            respell(fresh / "config.json")
        (fresh / FINGERPRINT).write_text(fingerprint)
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    print(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=pathlib.Path, default=DEFAULT)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(VARIANTS))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(VARIANTS)
    if unknown:
        sys.exit(f"make_tiny: no such model: {', '.join(sorted(unknown))}; there are {', '.join(VARIANTS)}")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TQDM_DISABLE"] = "1"
    arguments.output.mkdir(parents=True, exist_ok=True)
    fingerprint = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest() + "\n"
    for name in arguments.names or VARIANTS:
        make(name, arguments.output, fingerprint)


if __name__ == "__main__":
    main()
