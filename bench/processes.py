"""Whole processes, as a user starts them: seconds, and the most memory they held.

    bench/processes.py MODEL_DIR [--prompt-tokens N] [--new-tokens N]

Compiles the checkpoint in MODEL_DIR and the config of Llama-3.1-70B, runs the former on the simulator, and prints a
table in Markdown. What the table says is for an otherwise idle machine.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TILEWRIGHT = ROOT / "build" / "bin" / "tilewright"
DEVICE = "sim:h800-sxm"


def measure(*arguments):
    """Runs tilewright; returns its output, and what it took: its children's memory counts where it is larger."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.monotonic()
        process = subprocess.Popen([TILEWRIGHT, *map(str, arguments)], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"tilewright {' '.join(map(str, arguments))}: exit code {process.returncode}")
        output.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return output.read(), {"seconds": seconds, "cpu": cpu, "mib": usage.ru_maxrss / 1024}


def row(name, taken, note=""):
    print(f"| {name} | {taken['seconds']:.2f} | {taken['cpu']:.2f} | {taken['mib']:.0f} | {note} |", flush=True)


def compile_model(name, folder, bundle, *flags):
    text, taken = measure("compile", folder, "-o", bundle, "--max-context", 2048, "--json", *flags)
    summary = json.loads(text)
    stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in summary["seconds"].items())
    row(name, taken, f"{len(summary['kernels'])} kernels; {stages}")


def run_model(model, bundle, prompt_tokens, new_tokens):
    prompt = ",".join(str(100 + i) for i in range(prompt_tokens))
    text, taken = measure("run", bundle, "--weights", model, "--device", DEVICE, "--tokens", prompt,
                          "--max-new-tokens", new_tokens, "--ignore-eos", "--json")
    result = json.loads(text)
    prefill = result["prefill_tokens"] / result["prefill_seconds"]
    decode = result["decode_tokens"] / result["decode_seconds"]
    row("run", taken, f"prefill {result['prefill_tokens']} tokens at {prefill:.1f}/s, decode {decode:.2f} tokens/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--prompt-tokens", type=int, default=64)
    parser.add_argument("--new-tokens", type=int, default=16)
    flags = parser.parse_args()
    large = ROOT / "models" / "Llama-3.1-70B"
    print("| process | seconds | CPU seconds | peak MiB | |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        bundle = pathlib.Path(scratch) / "model.twb"
        compile_model("compile --no-ptxas", flags.model, bundle, "--no-ptxas")
        compile_model("compile", flags.model, bundle)
        compile_model("compile --config-only, Llama-3.1-70B", large, pathlib.Path(scratch) / "large.twb", "--config-only")
        row("inspect", measure("inspect", bundle)[1])
        run_model(flags.model, bundle, flags.prompt_tokens, flags.new_tokens)


if __name__ == "__main__":
    main()
