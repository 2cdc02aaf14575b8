#!/usr/bin/env python3
"""Breaks the synchronization of kernels, one instruction at a time, and counts how many of the broken twins the checks find.

    mutate.py --build build/sim-only --json OUT.json RECORDING.launch ... KERNEL.cu ...
    mutate.py --build build --json OUT.json --ptx FILE -- COMMAND ...

A recording is a launch that tests/sim/triton wrote with `pytest --record=FOLDER`; a kernel in CUDA C++ has the comments of
tests/sim/exec/programs (run with the project's Python then). With --ptx, COMMAND is run for each twin
of that file, which lies in its place meanwhile: PTX, a bundle of Tilewright's, or a program of nvcc's, when its PTX is embedded
as plain text (--compress-mode=none).

Each twin is run once under TILEWRIGHT_SIM_CHECK=all. A twin is
    found        an error is reported
    formal       only what the ISA forbids by the letter is reported
    failed       the driver fails the launch without a finding
    wrong        nothing is reported, and the result differs: a miss
    silent       nothing is reported, and the result is right: a miss, or a harmless change
    harmless     as silent, and mutate_explain.py proves that what was removed orders nothing
    redundant    as silent, and mutate_pairs.py names the instruction that orders the same: without both it is found
    unreached    as silent, and a trap in the instruction's place is never met, or no operation meets the mbarrier
    refused      the module does not load: no mutant
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import zipfile

import mutate_explain
import mutate_operators
import mutate_pairs

HERE = pathlib.Path(__file__).resolve().parent
REFUSALS = ("CUDA_ERROR_INVALID_PTX", "CUDA_ERROR_INVALID_IMAGE", "CUDA_ERROR_NO_BINARY_FOR_GPU")
MISSES = ("wrong", "silent")


@dataclasses.dataclass
class Run:
    said: str
    findings: list
    hung: bool = False


class Runner:
    """Runs a command under all checks."""

    def __init__(self, build, timeout, schedule=None):
        self.timeout = timeout
        self.folder = tempfile.TemporaryDirectory()
        self.report = pathlib.Path(self.folder.name) / "findings.json"
        library = str(build / "lib" / "sim")
        self.environment = os.environ | {
            "TILEWRIGHT_BUILD_DIR": str(build), "TILEWRIGHT_SIM_CHECK": "all", "TILEWRIGHT_SIM_CHECK_JSON": str(self.report),
            "TILEWRIGHT_SIM_THREADS": "1", "LD_LIBRARY_PATH": library, "PYTHONDONTWRITEBYTECODE": "1"}
        if schedule is not None:
            self.environment["TILEWRIGHT_SIM_SCHEDULE"] = str(schedule)

    def run(self, command):
        self.report.unlink(missing_ok=True)
        try:
            ran = subprocess.run(command, env=self.environment, capture_output=True, text=True, errors="replace", timeout=self.timeout)
        except subprocess.TimeoutExpired:
            return Run("timeout", [], hung=True)
        return self.ended(ran.returncode, ran.stdout)

    def run_forked(self, function):
        """As `run`, for a function that prints: it starts sooner than an interpreter."""
        self.report.unlink(missing_ok=True)
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                self.become(function, said)
            handle = os.pidfd_open(child)
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            in_time = poll.poll(self.timeout * 1000)
            os.close(handle)
            if not in_time:
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            said.seek(0)
            return self.ended(os.waitstatus_to_exitcode(status), said.read()) if in_time else Run("timeout", [], hung=True)

    def become(self, function, said):
        """In the child: prints into `said`, and does not come back."""
        code = 1
        try:
            os.environ.update(self.environment)
            os.dup2(said.fileno(), 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            sys.stdout = open(1, "w", closefd=False)
            function()
            sys.stdout.flush()
            code = 0
        finally:
            os._exit(code)

    def ended(self, code, said):
        findings = json.loads(self.report.read_text())["findings"] if self.report.exists() else []
        return Run(said.strip() if code == 0 else f"exit {code}: {said.strip()}", findings)


class Recorded:
    """A recorded launch and its PTX."""

    def __init__(self, path):
        sys.path.insert(0, str(HERE / "triton"))
        import replay
        self.name, self.say = path.stem, replay.say
        self.launch = replay.Launch.read(path)
        self.text = self.launch.ptx

    def run(self, runner, text):
        return runner.run_forked(lambda: self.say(self.launch, text))

    def finish(self):
        pass


def recorded(path, build, folder):
    """One case, or none for a program that is meant to fail."""
    if path.suffix == ".launch":
        return [Recorded(path)]
    script = {".cu": "mutate_cuda.py", ".json": "mutate_tile.py"}[path.suffix]
    # In a process of its own: a driver keeps its settings for as long as it is loaded.
    said = subprocess.run([sys.executable, HERE / script, path, build, folder], check=True, capture_output=True, text=True)
    # Below what the kernel prints.
    place = said.stdout.splitlines()[-1]
    return [] if place == "None" else [Recorded(pathlib.Path(place))]


class Program:
    """A command and the file of its PTX, which may be a binary with PTX in it; twins take the file's place."""

    def __init__(self, path, command):
        self.name, self.path, self.command = path.name, path, command
        self.bytes = path.read_bytes()
        self.text = self.bytes.decode("latin-1")
        self.binary = b"\0" in self.bytes

    def run(self, runner, text):
        data = text.encode("latin-1")
        if self.binary and len(data) != len(self.bytes):
            return Run("CUDA_ERROR_INVALID_PTX", [])
        # A new file: the old one may be mapped by nobody, but may be linked from elsewhere.
        self.path.unlink()
        self.path.write_bytes(data)
        self.path.chmod(0o755)
        return runner.run(self.command)

    def finish(self):
        self.path.unlink()
        self.path.write_bytes(self.bytes)
        self.path.chmod(0o755)


class Bundled:
    """A kernel of a bundle, and a command that runs the bundle."""

    def __init__(self, path, member, command):
        self.name, self.path, self.member, self.command = pathlib.PurePath(member).stem, path, member, command
        with zipfile.ZipFile(path) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.text = self.members[member].decode()

    def run(self, runner, text):
        self.write(self.members | {self.member: text.encode()})
        return runner.run(self.command)

    def write(self, members):
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_STORED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    def finish(self):
        self.write(self.members)


def programs(path, command):
    if not zipfile.is_zipfile(path):
        return [Program(path, command)]
    with zipfile.ZipFile(path) as archive:
        return [Bundled(path, name, command) for name in archive.namelist() if name.endswith(".ptx")]


def fitted(mutant, binary):
    """In a binary a replacement has to be as long as what it replaces; None where it is longer."""
    if not binary:
        return mutant
    room = mutant.end - mutant.begin - len(mutant.replacement)
    return dataclasses.replace(mutant, replacement=mutant.replacement + " " * room) if room >= 0 else None


def verdict(run, baseline):
    if run.hung:
        return "hung"
    if any(refusal in run.said for refusal in REFUSALS):
        return "refused"
    fresh = [finding for finding in run.findings if key(finding) not in baseline]
    if any(finding["severity"] == "error" for finding in fresh):
        return "found"
    if fresh:
        return "formal"
    if "CUDA_ERROR" in run.said:
        return "failed"
    return None


def key(finding):
    """Twins keep their lines; which of the two sides comes first may change."""
    lines = sorted(finding.get(name) or 0 for name in ("ptx_line", "other_ptx_line"))
    return finding["kind"], finding["severity"], finding["kernel"], *lines


def classify(case, runner, mutant, baseline, known, graph):
    run = case.run(runner, mutant.apply(case.text))
    result = verdict(run, known)
    if result is None:
        result = "silent" if run.said == baseline.said else "wrong"
    if result == "silent":
        guard = mutate_operators.guard_of(mutant.original)
        trap = fitted(dataclasses.replace(mutant, replacement=f"{guard}trap;"), getattr(case, "binary", False))
        if trap and case.run(runner, trap.apply(case.text)).said == baseline.said:
            result = "unreached"
    why = mutate_explain.reason(graph, mutant) if result == "silent" else None
    kinds = sorted({finding["kind"] for finding in run.findings if key(finding) not in known})
    lines = sorted({line for finding in run.findings for line in (finding.get("ptx_line"), finding.get("other_ptx_line")) if line})
    return {"case": case.name, "line": mutant.line, "operator": mutant.operator, "original": mutant.original, "why": why,
            "verdict": "harmless" if why else result, "kinds": kinds, "lines": lines, "said": run.said[:200]}


def examine(case, runner, limit):
    """(what the unbroken program reports, one row for each twin)."""
    baseline = case.run(runner, case.text)
    known = {key(finding) for finding in baseline.findings}
    graph = mutate_explain.Graph(case.text)
    fitting = [fitted(mutant, getattr(case, "binary", False)) for mutant in mutate_operators.mutants(case.text)[:limit]]
    mutants = [mutant for mutant in fitting if mutant]
    rows = [classify(case, runner, mutant, baseline, known, graph) for mutant in mutants]
    pairs = mutate_pairs.Pairs(case, runner, mutants, known, key)
    needless = [mutant for row, mutant in zip(rows, mutants) if row["verdict"] in ("silent", "harmless")]
    for row, mutant in zip(rows, mutants):
        if row["verdict"] == "silent":
            row["why"] = pairs.explain(mutant, needless)
            row["verdict"] = "redundant" if row["why"] else "silent"
    case.finish()
    unused = {row["line"] for row in rows if row["operator"] == "barrier not initialized" and row["verdict"] in ("silent", "redundant")}
    for row in rows:
        # An operation on what is no mbarrier is a fault, so nothing met this one.
        if row["line"] in unused and "mbarrier.init" in row["original"]:
            row["verdict"], row["why"] = "unreached", "no operation meets the mbarrier"
    return baseline, rows


def share(rows):
    counts = collections.Counter(row["verdict"] for row in rows)
    real = sum(counts.values()) - counts["refused"] - counts["unreached"] - counts["harmless"]
    found = counts["found"] + counts["formal"] + counts["failed"]
    return found, real, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="*", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build directory with lib/sim/libcuda.so.1")
    parser.add_argument("--ptx", type=pathlib.Path, help="what holds the command's PTX")
    parser.add_argument("--json", type=pathlib.Path, help="where the rows go")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one run")
    parser.add_argument("--limit", type=int, help="so many twins of each kernel")
    parser.add_argument("--schedule", type=int, help="seed of the schedule")
    arguments = sys.argv[1:]
    command = []
    if "--" in arguments:
        command = arguments[arguments.index("--") + 1:]
        arguments = arguments[:arguments.index("--")]
    options = parser.parse_args(arguments)
    runner = Runner(options.build.resolve(), options.timeout, options.schedule)
    cases = [case for path in options.recordings for case in recorded(path, options.build.resolve(), runner.folder.name)]
    if options.ptx:
        cases += programs(options.ptx, command)
    everything, alarms = [], []
    for case in cases:
        baseline, rows = examine(case, runner, options.limit)
        for finding in baseline.findings:
            print(f"{case.name}: reported without a fault: {finding['kind']} line {finding.get('ptx_line')}: {finding['message']}")
            alarms.append({"case": case.name} | finding)
        found, real, counts = share(rows)
        print(f"{case.name}: {found} of {real}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())), flush=True)
        for row in rows:
            if row["verdict"] in MISSES + ("hung",):
                print(f"  {row['line']}: {row['verdict']}: {row['operator']}: {row['original']}", flush=True)
        everything += rows
    found, real, counts = share(everything)
    print(f"all: {found} of {real} ({found / max(real, 1):.1%}): " + ", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
    if options.json:
        options.json.write_text(json.dumps({"without_fault": alarms, "mutants": everything}, indent=1))


if __name__ == "__main__":
    main()
