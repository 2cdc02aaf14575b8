"""Compiles a chat model, answers a prompt on the simulator word by word, and sums up what that took.

Usage: demo.py MODEL_DIR BUNDLE PROMPT
"""

import json
import os
import subprocess
import sys
import time

import tilewright
from tokenizers import Tokenizer

SKU = "h800-sxm"
MAX_CONTEXT = 2048
MAX_NEW_TOKENS = 64


def is_current(bundle, inputs):
    """True if the bundle is newer than everything it was made from."""
    if not os.path.exists(bundle):
        return False
    made = os.path.getmtime(bundle)
    return all(os.path.getmtime(path) < made for path in inputs)


def compile_model(model, bundle):
    """Compiles unless that was done already; returns the summary of the compilation."""
    summary_file = bundle + ".json"
    inputs = ["build/bin/tilewright", os.path.join(model, "config.json")]
    if is_current(bundle, inputs) and os.path.exists(summary_file):
        with open(summary_file, encoding="utf-8") as file:
            return json.load(file)
    command = ["build/bin/tilewright", "compile", model, "-o", bundle, "--target", "sm_90a", "--sku", SKU,
               "--max-context", str(MAX_CONTEXT), "--json"]
    print("compiling", model, "for", SKU, file=sys.stderr)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)
    with open(summary_file, "wb") as file:
        file.write(done.stdout)
    return json.loads(done.stdout)


def encode_chat(model, tokenizer, prompt):
    """The prompt as the model's chat template puts it."""
    with open(os.path.join(model, "tokenizer_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    template = config.get("chat_template")
    if template is None:
        with open(os.path.join(model, "chat_template.jinja"), encoding="utf-8") as file:
            template = file.read()
    import jinja2

    text = jinja2.Environment().from_string(template).render(
        messages=[{"role": "user", "content": prompt}], add_generation_prompt=True)
    return tokenizer.encode(text, add_special_tokens=False).ids


def answer(model, bundle, prompt):
    """Prints the answer as it comes; returns (prompt tokens, seconds to the first token, new tokens, seconds after it)."""
    tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
    tokens = encode_chat(model, tokenizer, prompt)
    times, new, shown = [time.monotonic()], [], ""

    def show(_, token):
        nonlocal shown
        times.append(time.monotonic())
        new.append(token)
        text = tokenizer.decode(new, skip_special_tokens=True)
        # A character may take several tokens: wait until it is whole.
        if not text.endswith("\ufffd"):
            print(text[len(shown):], end="", flush=True)
            shown = text

    with tilewright.load(bundle, weights=model, device="sim:" + SKU) as loaded:
        times[0] = time.monotonic()
        loaded.generate([tokens], max_new_tokens=MAX_NEW_TOKENS, on_token=show)
    print()
    return len(tokens), times[1] - times[0], len(new), times[-1] - times[1]


def summarize(summary, bundle, answered):
    """One summary of the compilation and of the run."""
    inspected = json.loads(subprocess.check_output(["build/bin/tilewright", "inspect", bundle, "--json"]))
    kernels = inspected["kernels"]
    registers = [kernel["ptxas"]["registers"] for kernel in kernels]
    spills = sum(kernel["ptxas"]["spill_bytes"] for kernel in kernels)
    launches = len(inspected["entry_points"]["decode"]["launches"])
    layers = inspected["model"]["num_hidden_layers"]
    prompt_tokens, first, count, rest = answered
    seconds = ", ".join(f"{stage} {value:.1f}" for stage, value in summary["seconds"].items())
    print()
    print(f"compiled in {summary['total_seconds']:.1f} s ({seconds})")
    print(f"{len(kernels)} kernels, {launches} launches per token over {layers} layers")
    print(f"ptxas {inspected['ptxas']['version']}: at most {max(registers)} registers, {spills} bytes spilled")
    rate = (count - 1) / rest if rest > 0 else 0
    print(f"simulated {SKU}: {prompt_tokens} prompt tokens in {first:.1f} s, then {rate:.1f} tokens/s of host time")


def main():
    model, bundle, prompt = sys.argv[1:4]
    summary = compile_model(model, bundle)
    summarize(summary, bundle, answer(model, bundle, prompt))


if __name__ == "__main__":
    main()
