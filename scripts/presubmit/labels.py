#!/usr/bin/env python3
"""Follows constraint labels from the description to the verifier to the test.

An op (type, attribute) `rms_norm` whose description has "(C2)" needs a comment `// rms_norm_c2` in a .cpp file beside the .td,
and a test function `@rms_norm_c2` below tests/<the same folder>. A comment without a description is reported too.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORD = re.compile(r"^def\s+(\w+)\s*:\s*(.*?)\{", re.MULTILINE | re.DOTALL)
LABEL = re.compile(r"^\s*- \(C(\d+)\)", re.MULTILINE)
COMMENT = re.compile(r"//\s*(\w+_c\d+)\b")
# A test may go on after the label: @kernel_c3_twice.
TEST = re.compile(r"@(\w+?_c\d+)(?![0-9])")


def described(folder):
    """Label -> where it is described, for one folder of .td files."""
    labels = {}
    for path in sorted(folder.glob("*.td")):
        text = path.read_text()
        records = list(RECORD.finditer(text))
        for record, following in zip(records, [*records[1:], None]):
            body = text[record.end() : following.start() if following else len(text)]
            names = re.findall(r'"(\w+)"', record[2])
            if not names:
                continue
            # Ops give their mnemonic first, attributes and types after the class name.
            mnemonic = names[1] if record[1].endswith(("Attr", "Type")) and len(names) > 1 else names[0]
            for match in LABEL.finditer(body):
                line = text.count("\n", 0, record.end() + match.start(1)) + 1
                labels[f"{mnemonic}_c{match[1]}"] = f"{path.relative_to(ROOT)}:{line}"
    return labels


def found(folder, pattern, suffix, recursive):
    """Label -> where it is first found."""
    labels = {}
    for path in sorted(folder.rglob("*" + suffix) if recursive else folder.glob("*" + suffix)):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for match in pattern.finditer(line):
                labels.setdefault(match[1], f"{path.relative_to(ROOT)}:{number}")
    return labels


def check(folder):
    labels = described(folder)
    comments = found(folder, COMMENT, ".cpp", recursive=False)
    tests = found(ROOT / "tests" / folder.relative_to(ROOT), TEST, ".mlir", recursive=True)
    # Checks of ir/reference/check are tested beside the interpreter that runs them.
    tests |= found(ROOT / "tests" / folder.parent.relative_to(ROOT), TEST, ".mlir", recursive=False)
    errors = []
    for label, where in labels.items():
        if label not in comments:
            errors.append(f"{where}: no verifier comment '// {label}' in {folder.relative_to(ROOT)}")
        if label not in tests:
            errors.append(f"{where}: no test '@{label}' in tests/{folder.relative_to(ROOT)}")
    for label, where in comments.items():
        if label not in labels:
            errors.append(f"{where}: '{label}' is in no description")
    return errors


def main():
    folders = {path.parent for path in (ROOT / "ir").rglob("*.td")}
    errors = [error for folder in sorted(folders) for error in check(folder)]
    print("\n".join(errors), file=sys.stderr, end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
