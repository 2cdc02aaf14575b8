"""Puts what the checks say of docs/examples/checks.cu into docs/simulator.md; with --check, says what has changed instead.

A built simulator and nvcc are needed, so this is a test and not a presubmit check. Reports stand behind comments of the page,
<!-- report KIND --> and <!-- json KIND -->, what schedules disagree on behind <!-- schedules KIND -->, those of
docs/examples/profile.cu behind <!-- profile KERNEL --> and <!-- annotate KERNEL -->. The end of a
warp's trace in docs/examples/reverse.cu stands behind <!-- trace reverse -->, what it sees at a line behind <!-- break reverse -->.
"""

import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "sim" / "debug"))
from debugging import compiled  # noqa: E402

PAGE = ROOT / "docs" / "simulator.md"
SOURCE = ROOT / "docs" / "examples" / "checks.cu"
PROFILED = ROOT / "docs" / "examples" / "profile.cu"
BUILD = pathlib.Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
LIBRARIES = BUILD / "lib" / "sim"
WATCHED = ROOT / "docs" / "examples" / "reverse.cu"
TRACE_LINES = 33
# Behind the comment: the block of the last time, if there was one.
BLOCK = re.compile(r"<!-- (report|json|schedules|profile|annotate|trace|break) (\w+) -->\n(?:\n```\w*\n.*?\n```\n)?", re.DOTALL)
# What no reader needs and other machines have otherwise.
PATHS = [(re.compile(r"[\w./-]*/(\w+\.cu)"), r"\1"), (re.compile(r"[\w./-]*/include/(\w+\.hpp)"), r"\1"),
         (re.compile(r"0x7[0-9a-f]{11}"), "0x7f0000000320")]


def build(directory, source=SOURCE):
    """The example as a user builds it."""
    return compiled(source, directory / source.stem, "-O1", "-lineinfo")


def run(program, kind, directory):
    """(report, JSON) of one kernel."""
    path = directory / "findings.json"
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES), "TILEWRIGHT_SIM_CHECK": "all",
                                "TILEWRIGHT_SIM_CHECK_JSON": str(path)}
    done = subprocess.run([program, kind], capture_output=True, text=True, env=environment, timeout=120)
    texts = [done.stderr, path.read_text()]
    for pattern, replacement in PATHS:
        texts = [pattern.sub(replacement, text) for text in texts]
    return texts


def compare(program, kind):
    """What eight schedules of one kernel disagree on."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES), "TILEWRIGHT_SIM_SCHEDULES": "8"}
    text = subprocess.run([program, kind], capture_output=True, text=True, env=environment, timeout=120).stderr
    for pattern, replacement in PATHS:
        text = pattern.sub(replacement, text)
    return text


def watch(directory, what):
    """The end of the trace of a warp of docs/examples/reverse.cu, or what it sees where it reads its tile."""
    program = directory / WATCHED.stem
    if not program.exists():
        build(directory, WATCHED)
    line = next(number for number, text in enumerate(WATCHED.read_text().splitlines(), 1) if "turned = tile[" in text)
    wish = {"trace": {"TILEWRIGHT_SIM_TRACE": "reverse:1:1"},
            "break": {"TILEWRIGHT_SIM_BREAK": f"{WATCHED.name}:{line}:1:1"}}[what]
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)} | wish
    text = subprocess.run([program], capture_output=True, text=True, env=environment, timeout=120).stderr
    for pattern, replacement in PATHS:
        text = pattern.sub(replacement, text)
    return text if what == "break" else "".join(text.splitlines(True)[-TRACE_LINES:])


def look(directory, kernel):
    """(profile, annotated source) of one kernel of docs/examples/profile.cu."""
    program = directory / PROFILED.stem
    if not program.exists():
        build(directory, PROFILED)
    paths = {name: directory / f"{name}.txt" for name in ("profile", "annotate")}
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)}
    environment |= {f"TILEWRIGHT_SIM_{name.upper()}": str(path) for name, path in paths.items()}
    subprocess.run([program], check=True, env=environment, timeout=120)
    texts = {name: path.read_text() for name, path in paths.items()}
    for pattern, replacement in PATHS:
        texts = {name: pattern.sub(replacement, text) for name, text in texts.items()}
    # A kernel's part of the tables; of the source only the program's own.
    profile = next(part for part in re.split(r"\n\n(?=\S)", texts["profile"]) if part.startswith(kernel))
    annotated = next(part for part in texts["annotate"].split("\n== ") if part.startswith(kernel))
    return {"profile": profile, "annotate": "== " + annotated.split("\n\n-- fatbin")[0]}


def make_page(old):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        program = build(directory)

        def fill(match):
            what, kind = match.groups()
            if what in ("profile", "annotate"):
                return f"<!-- {what} {kind} -->\n\n```\n{look(directory, kind)[what].rstrip()}\n```\n"
            if what in ("trace", "break"):
                return f"<!-- {what} {kind} -->\n\n```\n{watch(directory, what).rstrip()}\n```\n"
            if what == "schedules":
                return f"<!-- schedules {kind} -->\n\n```\n{compare(program, kind).rstrip()}\n```\n"
            report, document = run(program, kind, directory)
            language, text = ("json", document) if what == "json" else ("", report)
            return f"<!-- {what} {kind} -->\n\n```{language}\n{text.rstrip()}\n```\n"

        return BLOCK.sub(fill, old)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    old = PAGE.read_text()
    page = make_page(old)
    if not parser.parse_args().check:
        PAGE.write_text(page)
        return
    if old != page:
        sys.stderr.writelines(difflib.unified_diff(old.splitlines(True), page.splitlines(True), str(PAGE), "now"))
        sys.exit("docs/simulator.md is out of date: run scripts/simulator_page.py")


if __name__ == "__main__":
    main()
