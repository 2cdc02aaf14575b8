"""Refreshes the excerpts in docs/one-layer.md from what the compiler prints today.

    scripts/one_layer.py            rewrites the page
    scripts/one_layer.py --check    says what has changed instead; exit code 1 if anything has
    scripts/one_layer.py --keep DIR leaves the whole IR of every step in DIR too

An excerpt is the code block that follows a comment

    <!-- excerpt STEP [types]: /FIRST/../LAST/ ; /FIRST/..</LAST/ -->

with the lines of that step from the first one that matches FIRST to the next that matches LAST (`..<`: without it), one
range after the other. Steps are named after their pass. What is left out of a line is its types; long lines are cut.
"""

import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = ROOT / "build" / "bin"
PAGE = ROOT / "docs" / "one-layer.md"
MODEL = ROOT / "models" / "SmolLM2-135M" / "config.json"
# Two layers: the first is like any but the last, and every step still prints at once.
LAYERS = 2
LIMITS = "max-tokens=2048 max-seqs=64 max-rows=64 max-context=2048"
KERNEL = "gemm_3072x576_gated_decode_8_"
WIDTH = 150

# Name of the step, and its pipeline on the step before; as in passes/Pipelines.cpp.
GRAPH_STEPS = [
    *((name, f"func.func({name})") for name in (
        "xf-hoist-weights", "xf-gather-rows-early", "xf-pair-rope-columns", "xf-merge-matmuls",
        "xf-form-gated-activations", "xf-pair-gate-columns", "xf-fold-norms")),
    ("canonicalize", "func.func(canonicalize,cse)"),
    ("xf-form-kernels", "func.func(xf-form-kernels)"),
    ("xf-make-plans", f"xf-make-plans{{{LIMITS}}}"),
    ("xf-tune-kernels", f"func.func(xf-tune-kernels{{sku=h800-sxm sku-directory={ROOT}/autotune/skus}})"),
    ("xf-split-attention", "func.func(xf-split-attention)"),
    ("xf-plan-memory", "func.func(xf-plan-memory)"),
    ("lower-xf-to-tile", "lower-xf-to-tile"),
]
TILE_STEPS = [
    ("tile-canonicalize", "tile.kernel(canonicalize,cse)"),
    *((name, f"tile.kernel({name})") for name in (
        "tile-expand-tile-loops", "tile-assign-layouts", "tile-expand-rings", "tile-insert-fences",
        "tile-plan-shared-memory", "tile-collect-parameters")),
]


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{pathlib.Path(command[0]).name}: {done.stderr.strip()}")
    return done.stdout


def one_kernel(module):
    """The kernel that the page follows, alone."""
    lines = module.splitlines()
    first = next(i for i, line in enumerate(lines) if f"tile.kernel @{KERNEL}" in line)
    last = next(i for i in range(first, len(lines)) if lines[i] == "  }")
    return "\n".join(lines[first:last + 1]) + "\n"


def make_steps(folder):
    """The text of every step, by name."""
    config = json.loads(MODEL.read_text())
    config["num_hidden_layers"] = LAYERS
    model = folder / "model"
    model.mkdir(parents=True, exist_ok=True)
    (model / "config.json").write_text(json.dumps(config))
    steps = {"config.json": MODEL.read_text()}

    def put(name, text):
        steps[name] = text
        path = folder / f"{len(steps) - 1:02}-{name}.mlir"
        path.write_text(text)
        return path

    path = put("import", run(BIN / "tilewright-import", model, "--config-only", "--max-context", 2048))
    for name, pipeline in GRAPH_STEPS:
        path = put(name, run(BIN / "tilewright-opt", path, f"--pass-pipeline=builtin.module({pipeline})"))
    path = put("tile", one_kernel(steps["lower-xf-to-tile"]))
    for name, pipeline in TILE_STEPS:
        path = put(name, run(BIN / "tilewright-opt", path, f"--pass-pipeline=builtin.module({pipeline})"))
    put("tile-lower-to-nvvm", run(BIN / "tilewright-opt", path, "-tile-lower-to-nvvm"))
    put("ptx", run(BIN / "tilewright-translate", path))
    put("report", run(BIN / "tilewright-translate", path, "--to=report", "--require-clean"))
    return steps


def skip_balanced(text, at):
    """Index behind the type that starts at `at`: up to a separator outside of brackets."""
    depth = 0
    while at < len(text):
        if depth == 0 and text[at] in " ,)]}":
            return at
        arrow = text[at] == ">" and text[at - 1] == "-"
        depth += 0 if arrow else (text[at] in "<([{") - (text[at] in ">)]}")
        at += 1
    return at


def drop_types(line):
    line = re.sub(r" : i64\b", "", line)
    pattern = re.compile(r"(?: : | -> | to |, )(?=\(?(?:tensor<|!tile\.))")
    while match := pattern.search(line):
        end = skip_balanced(line, match.end())
        line = line[:match.start()] + line[end:]
    return line


def select(lines, ranges, where):
    parts = []
    for text in ranges.split(" ; "):
        match = re.fullmatch(r"/(.*?)/(?:\.\.(<?)/(.*)/)?", text.strip())
        if not match:
            sys.exit(f"{where}: cannot read the range {text}")
        first, exclusive, last = match.groups()
        start = next((i for i, line in enumerate(lines) if re.search(first, line)), None)
        if start is None:
            sys.exit(f"{where}: no line matches /{first}/")
        end = start + 1
        if last is not None:
            end = next((i for i in range(start + 1, len(lines)) if re.search(last, lines[i])), None)
            if end is None:
                sys.exit(f"{where}: no line behind /{first}/ matches /{last}/")
            end += 0 if exclusive else 1
        if parts:
            parts.append("...")
        parts += lines[start:end]
    return parts


def excerpt(steps, step, types, ranges):
    lines = [line.expandtabs(4).rstrip() for line in steps[step].splitlines()]
    if not types and step not in ("config.json", "ptx", "report"):
        lines = [drop_types(line) for line in lines]
    chosen = select(lines, ranges, f"excerpt {step}")
    indent = min(len(line) - len(line.lstrip()) for line in chosen if line.strip() and not re.match(r"\.\.\.|#", line))
    chosen = [line if re.match(r"\.\.\.|#", line) else line[indent:] for line in chosen]
    return [line if len(line) <= WIDTH else line[:WIDTH].rstrip() + " ..." for line in chosen]


def refresh(page, steps):
    """The page with every excerpt as it is now."""
    pattern = re.compile(r"(<!-- excerpt ([\w.-]+)( types)?: (.*?) -->\n```\w*\n).*?(```\n)", re.DOTALL)

    def replace(match):
        head, step, types, ranges, tail = match.groups()
        return head + "\n".join(excerpt(steps, step, types, ranges)) + "\n" + tail

    return pattern.sub(replace, page)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        steps = make_steps(flags.keep or pathlib.Path(scratch))
    old = PAGE.read_text()
    new = refresh(old, steps)
    if not flags.check:
        PAGE.write_text(new)
        return
    if old != new:
        sys.stderr.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(PAGE), "now"))
        sys.exit("docs/one-layer.md is out of date: run scripts/one_layer.py, and read the text around what changed")


if __name__ == "__main__":
    main()
