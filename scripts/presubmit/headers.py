#!/usr/bin/env python3
"""Checks how sources begin: `//===- Name.h - What it is ---===//`, and headers with a guard made of their path."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUFFIXES = {".h", ".cpp", ".c", ".td", ".def"}
GUARD = re.compile(r"^#ifndef (\w+)\n#define \1$", re.MULTILINE)


def check(path, text):
    """What is wrong with a file, a line number and a sentence each."""
    first = text.split("\n", 1)[0]
    if not re.match(rf"(//|/\*)===- {re.escape(path.name)} - \S", first):
        yield 1, f"expects the line '//===- {path.name} - What it is ---===//'"
    elif first.startswith("//") and not first.endswith("===//"):
        yield 1, "the first line must end in '===//', on the same line"
    # What is meant to be included several times says so at its top.
    opening = re.match(r"(//.*\n)*", text)[0]
    if path.suffix in (".h", ".td") and not re.search(r"[Ii]ncluded (once for each|by one file)", opening):
        expected = "TILEWRIGHT_" + re.sub(r"\W", "_", str(path)).upper()
        guard = GUARD.search(text)
        if not guard or guard[1] != expected:
            line = text.count("\n", 0, guard.start()) + 1 if guard else 1
            yield line, f"expects the guard {expected}"


def main():
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True)
    errors = []
    for path in map(pathlib.PurePosixPath, listed.stdout.splitlines()):
        # A change to the precompiled header, which nobody includes, would rebuild everything.
        if path.suffix in SUFFIXES and path.parts[0] != "cmake" and (ROOT / path).exists():
            errors += [f"{path}:{line}: {problem}" for line, problem in check(path, (ROOT / path).read_text())]
    print("\n".join(errors), file=sys.stderr, end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
