#!/usr/bin/env python3
"""Holds each README against the tree.

A folder with sources has a README.md with a tree: a fenced block without a language, whose lines begin with names. Below it,
    Name.h, .cpp     or Name.{h,cpp}, Name.*, *Test.cpp, Name (with any ending), folder/, One.cpp  Two.cpp
must exist, indented names in the folder above them. A table may stand for the tree. The other way round, each source and each subfolder is named in the
tree; Name.h names Name.cpp too (in tests the mirrored tree says what a file is about: only subfolders must be named). Paths in `backticks` and in links must exist; one with a word in capitals is a pattern.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = {".cpp", ".h", ".c", ".td", ".py", ".def", ".sh"}
# Folders of test data and of sources that a folder above describes by their kind.
NEED_NONE = re.compile(r"^(tests/|models/|docs/|cmake|\.)")
ROW = re.compile(r"^\| (`[^|]*`) \|", re.MULTILINE)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMES = re.compile(r"^[\w.*{},/+-]+$")
PATTERN = re.compile(r"[A-Z]{3,}|[<>$…]|\.\.")
REFERENCE = re.compile(r"`([\w.*{},/+-]+)`|\]\(([\w./-]+)\)")
ENDINGS = "cpp|h|c|td|py|sh|def|md|json|mlir|txt|ptx|map"


def tracked():
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True)
    return [path for path in map(pathlib.PurePosixPath, listed.stdout.splitlines()) if (ROOT / path).exists()]


def expand(name):
    """a.{h,cpp} -> a.h, a.cpp"""
    match = re.search(r"\{([^}]*)\}", name)
    if not match:
        return [name]
    return [part for choice in match[1].split(",") for part in expand(name[: match.start()] + choice + name[match.end() :])]


def find(folder, name):
    """What a name stands for below a folder, empty if nothing."""
    name = re.sub(r"[A-Z]{4,}", "*", name.rstrip("/"))
    if not name or name.startswith("/") or "**" in name:
        return []
    return [path for pattern in (name, name + ".*") for path in folder.glob(pattern)]


class Tree:
    """The names in one fenced block."""

    def __init__(self, folder, text):
        self._folder, self._stack = folder, []
        self.found, self.missing, self.lines = set(), [], 0
        for number, line in enumerate(text.splitlines()):
            self._read(number, line)

    def _read(self, number, line):
        indent = len(line) - len(line.lstrip())
        chunks = re.split(r"\s{2,}", line.strip())
        while self._stack and self._stack[-1][0] >= indent:
            self._stack.pop()
        base = self._stack[-1][1] if self._stack else self._folder
        for column, chunk in enumerate(chunks):
            self._read_chunk(number, chunk, base, indent if column == 0 else None)

    def _read_chunk(self, number, chunk, base, indent):
        """`indent` is None but for the first chunk of a line."""
        pieces = re.split(r",? ", chunk)
        plain = not re.search(r"[./*]", chunk)
        first = indent is not None
        if not all(NAMES.match(piece) for piece in pieces) or (not first and (plain or len(pieces) > 1)):
            return
        if plain and not find(base, pieces[0]) and (len(pieces) > 1 or not self.lines):
            return  # prose
        stem = ""
        for piece in pieces:
            if piece.startswith(".."):
                return
            name = stem + piece if piece.startswith(".") else piece
            stem = name.rsplit(".", 1)[0]
            for part in expand(name):
                hits = find(base, part)
                if not hits and part == self._folder.name + "/":
                    hits = [self._folder]
                self.lines += bool(hits)
                self.found.update(hits)
                if not hits:
                    self.missing.append((number, part))
                if first and hits and part.endswith("/"):
                    self._stack.append((indent, hits[0]))


def is_sketch(text):
    return re.search(r"-->|──|^\s*\|", text, re.MULTILINE) is not None


def exists(folder, name):
    if PATTERN.search(name) or name.startswith(("/", "build/")):
        return True
    bases = [folder, *(parent for parent in folder.parents if parent.is_relative_to(ROOT))]
    return any(find(base, part) for part in expand(name) for base in bases)


def check_references(readme, text):
    errors = []
    prose = BLOCK.sub(lambda match: "\n" * match[0].count("\n"), text)
    for number, line in enumerate(prose.splitlines(), 1):
        for match in REFERENCE.finditer(line):
            name = match[1] or match[2]
            is_path = match[2] or ("/" in name.rstrip("/") and re.search(rf"(/|\.({ENDINGS}))$", name))
            if is_path and not exists(readme.parent, name):
                errors.append(f"{readme.relative_to(ROOT)}:{number}: no such file: {name}")
    return errors


def check(readme, files):
    """Errors of one README; `files` are those of its folder."""
    text, where = readme.read_text(), readme.relative_to(ROOT)
    errors, found, trees = check_references(readme, text), set(), 0
    for block in BLOCK.finditer(text):
        if block[1] or is_sketch(block[2]):
            continue
        tree = Tree(readme.parent, block[2])
        if not tree.lines:
            continue
        trees += 1
        found |= tree.found
        first = text.count("\n", 0, block.start(2)) + 1
        errors += [f"{where}:{first + number}: no such file: {name}" for number, name in tree.missing]
    for row in ROW.finditer(text):
        hits = [hit for name in re.findall(r"`([\w.*/+-]+)[^`]*`", row[1]) for hit in find(readme.parent, name)]
        trees += bool(hits)
        found.update(hits)
    if not trees:
        return errors + [f"{where}: has no tree of its folder"]
    is_test = where.parts[0] == "tests"
    named = {path.resolve() for path in found}
    stems = {path.with_suffix("") for path in named}
    for path in files:
        if path.relative_to(where.parent).parts[0].startswith("."):
            continue
        child = readme.parent / path.relative_to(where.parent).parts[0]
        if child.is_dir():
            known = any(child == other or child in other.parents for other in named)
        else:
            known = child.suffix not in SOURCES or is_test or child.with_suffix("") in stems
        if not known:
            errors.append(f"{where}: {child.name}{'/' if child.is_dir() else ''} is not in its tree")
    return errors


def main():
    files = tracked()
    errors = set()
    for folder in {path.parent for path in files if path.suffix in SOURCES}:
        if not (ROOT / folder / "README.md").exists() and not NEED_NONE.match(str(folder) + "/"):
            errors.add(f"{folder}: has no README.md")
    for readme in (path for path in files if path.name == "README.md"):
        below = [path for path in files if path.is_relative_to(readme.parent)]
        errors.update(check(ROOT / readme, below))
    print("\n".join(sorted(errors)), file=sys.stderr, end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
