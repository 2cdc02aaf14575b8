#!/usr/bin/env python3
"""Runs clang-tidy with the checks of .clang-tidy on the sources that differ from a revision, on those named, or on all.

    scripts/presubmit/tidy.py [--all | --since REVISION | FILE_OR_FOLDER...] [--thorough] [-j N] [-v]

Needs a configured and built tree. Not a part of presubmit.sh: a file on MLIR takes seconds, the tree minutes. A file that
is clean is not looked at again until it, a header below it, its command or the checks change: build/tidy/clean remembers.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
SCRATCH = BUILD / "tidy"
TOOL = "clang-tidy-22"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Checks that look at the parents of what they find. For that clang-tidy reads all of the precompiled header, which takes
# ten seconds and a gigabyte for each file on MLIR; the other checks together take two.
COSTLY = [
    "bugprone-bool-pointer-implicit-conversion", "bugprone-branch-clone", "bugprone-forward-declaration-namespace",
    "bugprone-inc-dec-in-conditions", "bugprone-infinite-loop", "bugprone-reserved-identifier",
    "bugprone-return-const-ref-from-parameter", "bugprone-sizeof-container", "bugprone-standalone-empty",
    "bugprone-std-namespace-modification", "bugprone-swapped-arguments", "bugprone-terminating-continue",
    "bugprone-throw-keyword-missing", "bugprone-undefined-memory-manipulation", "bugprone-undelegated-constructor",
    "bugprone-unused-raii", "misc-static-assert",
]
# What clang-tidy says of itself: the file it is at, suppressed warnings, what gave them.
CHATTER = re.compile(r"^(\[\d+/\d+\] .*|\d+ warnings? .*|Suppressed .*|Use -header-filter.*)$")
# Where one begins, with its notes behind it.
FINDING = re.compile(r"^(?=\S+:\d+:\d+: error: )", re.MULTILINE)


def fail(message):
    sys.exit(f"tidy: {message}")


def read_commands():
    """Source -> one entry of compile_commands.json: of a file in several targets, the first."""
    path = BUILD / "compile_commands.json"
    if not path.exists():
        fail("no build/compile_commands.json: run scripts/setup")
    entries = {}
    for entry in json.loads(path.read_text()):
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if source.is_relative_to(ROOT) and not source.is_relative_to(BUILD):
            entries.setdefault(str(source.relative_to(ROOT)), entry)
    return entries


def changed_since(revision):
    listed = subprocess.run(["git", "-C", ROOT, "diff", "--name-only", "--diff-filter=d", revision], capture_output=True, text=True)
    if listed.returncode != 0:
        fail(listed.stderr.strip())
    return listed.stdout.split()


def select(entries, arguments):
    """The sources asked for, in order."""
    if arguments.all:
        return sorted(entries)
    if not arguments.paths:
        return sorted(set(changed_since(arguments.since)) & set(entries))
    chosen = set()
    for path in arguments.paths:
        name = os.path.relpath(pathlib.Path(path).resolve(), ROOT)
        below = {source for source in entries if source == name or source.startswith(name + "/")}
        if not below:
            fail(f"{path}: nothing that is compiled")
        chosen |= below
    return sorted(chosen)


class Hasher:
    """Hashes of sources together with all headers of ours and of the build below them."""

    def __init__(self, salt):
        self._salt = salt
        self._files = {}

    def _read(self, path):
        """(hash, headers) of one file."""
        if path not in self._files:
            content = path.read_bytes()
            found = INCLUDE.findall(content.decode(errors="replace"))
            headers = [folder / name for name in found for folder in (ROOT, BUILD) if (folder / name).is_file()]
            self._files[path] = (hashlib.sha256(content).hexdigest(), headers)
        return self._files[path]

    def key(self, source, entry):
        parts, seen, queue = [self._salt, entry["command"]], set(), [ROOT / source]
        while queue:
            path = queue.pop()
            if path in seen:
                continue
            seen.add(path)
            queue += self._read(path)[1]
        parts += sorted(f"{path}:{self._read(path)[0]}" for path in seen)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def check(source, checks):
    """(source, what clang-tidy found, seconds)"""
    start = time.monotonic()
    command = [TOOL, "-p", SCRATCH, "--quiet", "--use-color=false", f"--checks={checks}", source]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if not CHATTER.match(line)]
    if done.returncode != 0 and not lines:
        lines = [f"{source}: {TOOL} failed with exit code {done.returncode}"]
    return source, "\n".join(lines) if done.returncode != 0 else "", time.monotonic() - start


def make_salt():
    version = subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout
    return version + (ROOT / ".clang-tidy").read_text()


def run(entries, sources, arguments):
    """Checks what is not known to be clean; returns how many have findings."""
    checks = "" if arguments.thorough else ",".join("-" + check for check in COSTLY)
    (SCRATCH / "clean").mkdir(parents=True, exist_ok=True)
    (SCRATCH / "compile_commands.json").write_text(json.dumps(list(entries.values())))
    hasher = Hasher(make_salt() + checks)
    keys = {source: hasher.key(source, entries[source]) for source in sources}
    todo = [source for source in sources if not (SCRATCH / "clean" / keys[source]).exists()]
    failed, said = 0, set()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for count, (source, findings, seconds) in enumerate(pool.map(lambda source: check(source, checks), todo), 1):
            if arguments.verbose:
                print(f"[{count}/{len(todo)}] {source}: {seconds:.1f} s", file=sys.stderr)
            if not findings:
                (SCRATCH / "clean" / keys[source]).touch()
                continue
            failed += 1
            # A finding in a header comes with every source that includes it.
            for finding in map(str.rstrip, FINDING.split(findings.replace(f"{ROOT}/", ""))):
                if finding and finding not in said:
                    print(finding, flush=True)
                said.add(finding)
    print(f"tidy: {len(sources)} files, {len(sources) - len(todo)} known to be clean, {failed} with findings", file=sys.stderr)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every source that is compiled")
    parser.add_argument("--since", metavar="REVISION", default="HEAD~1", help="what differs from it (default: HEAD~1)")
    parser.add_argument("--thorough", action="store_true", help="the costly checks too: five times as long")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="processes; each takes up to 1.5 GB")
    parser.add_argument("-v", "--verbose", action="store_true", help="say the seconds of each file")
    parser.add_argument("paths", nargs="*", metavar="FILE_OR_FOLDER")
    arguments = parser.parse_args()
    if not shutil.which(TOOL):
        fail(f"{TOOL} not found: run scripts/setup")
    entries = read_commands()
    sources = select(entries, arguments)
    if not sources:
        print(f"tidy: nothing changed since {arguments.since}", file=sys.stderr)
        return 0
    return 1 if run(entries, sources, arguments) else 0


if __name__ == "__main__":
    sys.exit(main())
