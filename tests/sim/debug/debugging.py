"""Runs the PTX files of this folder on the driver with tools of debugging on, and reads what these print.

Comments at the head of a file say how it is launched (tests/sim/check/run_recipes.py); `//# label` names a line.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from compiler import UNSANITIZED  # noqa: E402

ROOT = HERE.parents[2]
BUILD = pathlib.Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
VENV = pathlib.Path(os.environ.get("TILEWRIGHT_VENV", ROOT / "build" / "venv"))
LIBRARIES = BUILD / "lib" / "sim"
RUNNER = HERE.parent / "check" / "run_recipes.py"
HEAD = re.compile(r" *(\d+) \((\d+),(\d+),(\d+)\) +w(\d+) +(\d+): (.*)")
ALL = 0xFFFFFFFF


def compiled(source, program, *flags):
    """The program that nvcc makes of a CUDA source, with PTX inside."""
    nvcc = next(VENV.glob("lib/python3*/site-packages/nvidia/cu13/bin/nvcc"))
    subprocess.run([*UNSANITIZED, nvcc, "-cudart", "shared", "-gencode", "arch=compute_90a,code=compute_90a", *flags,
                    source, "-o", program, f"-L{LIBRARIES}"], check=True)
    return program


class Ptx:
    def __init__(self, name):
        self.text = (HERE / f"{name}.ptx").read_text()
        self.entry = re.search(r"\.entry (\w+)", self.text).group(1)
        self.lines = {}
        for number, line in enumerate(self.text.splitlines(), 1):
            _, mark, label = line.partition("//# ")
            if mark:
                assert label not in self.lines, label
                self.lines[label] = number

    def run(self, directory, result=0, **variables):
        """What the process prints on stderr."""
        path = directory / "recipes.json"
        path.write_text(json.dumps([{"name": self.entry, "ptx": self.text}]))
        done = run([sys.executable, RUNNER, LIBRARIES / "libcuda.so.1", path], **variables)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)[0]["result"] == result, done.stderr
        return done.stderr


def run(command, **variables):
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)}
    environment |= {f"TILEWRIGHT_SIM_{name.upper()}": str(value) for name, value in variables.items()}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


class Step:
    """An executed instruction as the trace has it."""

    def __init__(self, match):
        step, x, y, z, warp, line, rest = match.groups()
        self.step, self.block, self.warp, self.line = int(step), (int(x), int(y), int(z)), int(warp), int(line)
        self.text, *self.notes = rest.split("  [")
        self.notes = [note.rstrip("]") for note in self.notes]
        self.sources, self.results, self.details = {}, {}, []

    def add(self, line):
        """A line below the instruction."""
        if line.startswith("-> "):
            self.results = registers(line[3:])
        elif line.startswith("%"):
            self.sources = registers(line)
        else:
            self.details.append(line)


def registers(text):
    """{name: value} of "%r1 = 5, %r2 = {1 in lanes 0x1, ...}"."""
    return dict(part.split(" = ", 1) for part in re.split(r", (?=%)", text))


def steps(output):
    found = []
    for line in output.splitlines():
        if match := HEAD.fullmatch(line):
            found.append(Step(match))
        elif line.startswith(" " * 30) and found:
            found[-1].add(line.strip())
    return found


def at(found, ptx, label, warp=0):
    """The only step of a warp at a label."""
    here = [step for step in found if step.line == ptx.lines[label] and step.warp == warp]
    assert len(here) == 1, (label, [step.step for step in here])
    return here[0]


def text_of(values, lanes=ALL, form=str):
    """What is printed of one value a lane; `values` is a function of the lane."""
    numbers = [lane for lane in range(32) if lanes >> lane & 1]
    of = [values(lane) for lane in numbers]
    texts = [form(value) for value in of]
    if len(set(texts)) == 1:
        return texts[0]
    if len(of) > 2:
        try:
            stride = (of[1] - of[0]) / (numbers[1] - numbers[0])
            if all(value == of[0] + stride * (lane - numbers[0]) for lane, value in zip(numbers, of)):
                return f"{texts[0]} {stride:+g}"
        except TypeError:
            pass  # no numbers
    different = list(dict.fromkeys(texts))
    if len(different) <= 4:
        masks = [sum(1 << lane for lane, text in zip(numbers, texts) if text == each) for each in different]
        return "{" + ", ".join(f"{each} in lanes {mask:#x}" for each, mask in zip(different, masks)) + "}"
    return "{" + ", ".join(texts[:4]) + f", ... {len(of)} lanes, {len(different)} different}}"
