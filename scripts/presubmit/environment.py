#!/usr/bin/env python3
"""Checks that docs/environment.md has exactly the TILEWRIGHT_* environment variables that the code reads."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = "docs/environment.md"
# How C++ and Python name a variable, perhaps for a function of ours that reads it, and how the shell reads it.
READS = re.compile(r'(?:\$\{|")(TILEWRIGHT_[A-Z_]+)\b(?="|[:}])')
ROW = re.compile(r"^\| `(TILEWRIGHT_[A-Z_]+)`")
SHELL = {"scripts/demo", "scripts/env", "scripts/setup", "scripts/test"}


def reads():
    """Where each variable is read first."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split()
    found = {}
    for path in sorted(listed):
        if not (path.endswith((".h", ".c", ".cpp", ".py", ".sh")) or path in SHELL) or not (ROOT / path).is_file():
            continue
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            for match in READS.finditer(line):
                found.setdefault(match.group(1), f"{path}:{number}")
    return found


def documented():
    page = ROOT / PAGE
    lines = page.read_text().splitlines() if page.exists() else []
    return {match.group(1): f"{PAGE}:{number}" for number, line in enumerate(lines, 1) if (match := ROW.match(line))}


def main():
    code, page = reads(), documented()
    problems = [f"{place}: {name} is not in {PAGE}" for name, place in code.items() if name not in page]
    problems += [f"{place}: no code reads {name}" for name, place in page.items() if name not in code]
    for problem in sorted(problems):
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
