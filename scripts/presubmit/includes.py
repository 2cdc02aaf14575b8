#!/usr/bin/env python3
"""Checks who includes whom against the table in includes.json, and that includes of ours start at the repository root."""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = json.loads(pathlib.Path(__file__).with_name("includes.json").read_text())
FOLDERS = TABLE["may_include"]
INCLUDE = re.compile(r'^\s*#?\s*include\s+["<]([^">]+)[">]')
PATTERNS = ["*.h", "*.c", "*.cpp", "*.td", "*.inc"]


def folder_of(path):
    """The longest folder of the table that holds `path`, or None."""
    parents = [parent.as_posix() for parent in pathlib.PurePosixPath(path).parents]
    return next((parent for parent in parents if parent in FOLDERS), None)


def allowed(source, target):
    grants = [source, *FOLDERS[source]]
    return "*" in grants or any(target == grant or target.startswith(grant + "/") for grant in grants)


def check_include(source, included, directory):
    """What is wrong with one include, or None."""
    target = folder_of(included)
    if target is None:
        for prefix in TABLE["never_external"].get(source, []):
            if included.startswith(prefix):
                return f"{source} must not include {included}"
        if (directory / included).exists() and not (ROOT / included).exists():
            return f"'{included}' is not given from the repository root"
        return None
    if not allowed(source, target):
        return f"{source} must not include {target} ({included})"
    return None


def check_file(path):
    source = folder_of(path)
    if source is None:
        return [f"{path}: its folder is not in includes.json"]
    errors = []
    for number, line in enumerate((ROOT / path).read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        error = match and check_include(source, match[1], (ROOT / path).parent)
        if error:
            errors.append(f"{path}:{number}: {error}")
    return errors


def main():
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PATTERNS],
                             cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [path for path in listing.split("\0") if path and (ROOT / path).exists()]
    errors = [error for path in paths for error in check_file(path)]
    print("\n".join(errors), file=sys.stderr, end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
