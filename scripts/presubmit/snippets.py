#!/usr/bin/env python3
"""Holds code that pages quote against the files it is quoted from.

`<!-- from sim/exec/decode/Integer.cpp -->` in front of a fenced block says that its lines stand in that file, in this order and
next to each other; indentation does not count. A line `...` stands for lines left out.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SNIPPET = re.compile(r"^<!-- from (\S+) -->\n\n?```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines_of(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def find(part, lines, start):
    """Behind the part's first place from `start` on; None if it is nowhere."""
    for at in range(start, len(lines) - len(part) + 1):
        if lines[at : at + len(part)] == part:
            return at + len(part)
    return None


def missing(quoted, lines):
    """The first line of the part that the file does not have."""
    at, part = 0, []
    for line in [*quoted, "..."]:
        if line != "...":
            part.append(line)
            continue
        if part:
            at = find(part, lines, at)
            if at is None:
                return part[0]
        part = []
    return None


def main():
    failed = False
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True, check=True)
    for page in listed.stdout.splitlines():
        if not (ROOT / page).exists():
            continue
        text = (ROOT / page).read_text()
        for match in SNIPPET.finditer(text):
            where = f"{page}:{text.count(chr(10), 0, match.start()) + 1}"
            source = ROOT / match[1]
            line = missing(lines_of(match[2]), lines_of(source.read_text())) if source.is_file() else match[1]
            if line is not None:
                print(f"{where}: not in {match[1]}: {line}", file=sys.stderr)
                failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
