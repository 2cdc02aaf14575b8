"""Planted faults: each .ptx file beside this one is a correct program with its broken twins.

A file is a test of ../ptx/harness.py. Besides, lines end in labels, and twins change labelled lines:

    bar.sync 0; //# sync
    //? broken no-barrier: drop sync;; finds race load store
    //? broken small-count: sync = bar.sync 0, 32;; finds barrier sync
    //? correct finds formal proxy copy load

`finds [formal] KIND LINE [LINE]` names a finding and the labels of its lines; a second line that is left out may be
any. A twin may have several edits and several findings, separated by `;;`. The correct program has no findings but those
of its `correct` lines.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "ptx"))
import harness  # noqa: E402

FILES = sorted(HERE.glob("*.ptx"))
PTXAS = next(pathlib.Path(os.environ.get("TILEWRIGHT_VENV", HERE.parents[2] / "build" / "venv")).glob(
    "lib/python3*/site-packages/nvidia/cu13/bin/ptxas"))


class Program:
    def __init__(self, path):
        self.lines = path.read_text().splitlines()
        self.labels = {}
        for number, line in enumerate(self.lines, 1):
            code, mark, label = line.rpartition("//# ")
            if mark:
                assert label not in self.labels, f"label {label} twice"
                self.labels[label] = number
        self.twins = [line[len("//? broken "):] for line in self.lines if line.startswith("//? broken ")]
        self.correct = [line[len("//? correct "):] for line in self.lines if line.startswith("//? correct ")]

    def twin(self, text):
        """Name, PTX and expected findings of a twin."""
        name, _, rest = text.partition(":")
        lines, expected = list(self.lines), []
        for part in (piece.strip() for piece in rest.split(";;") if piece.strip()):
            if part.startswith("finds "):
                expected.append(self.expectation(part))
            elif part.startswith("drop "):
                for label in part.split()[1:]:
                    lines[self.labels[label] - 1] = ""
            else:
                label, _, code = part.partition(" = ")
                assert label in self.labels, f"no label {label}"
                lines[self.labels[label] - 1] = code.strip() + ";"
        assert expected, f"twin {name} expects nothing"
        return name.strip(), "\n".join(lines) + "\n", expected

    def expectation(self, text):
        words = text.split()[1:]
        severity = "formal" if words[0] == "formal" else "error"
        words = words[severity == "formal":]
        return severity, words[0], [self.labels[label] for label in words[1:]]


def findings(ptx, tmp_path, results=True):
    """What the check says of a program; with `results`, the program has to compute what it should as well."""
    test = harness.Test(ptx)
    path, report = tmp_path / "test.ptx", tmp_path / "findings.json"
    path.write_text(ptx)
    command, files = test.command(path, tmp_path)
    done = subprocess.run([command[0], "--check", report] + command[1:], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    if results and test.fails is None:
        assert done.returncode == 0, done.stderr
        for name, value, file in files:
            test.names[name] = harness.np.fromfile(file, value.dtype).reshape(value.shape)
        test.check()
    return json.loads(report.read_text())["findings"], done.stderr


def matches(finding, expected):
    severity, kind, lines = expected
    if (finding["severity"], finding["kind"]) != (severity, kind):
        return False
    found = [finding["ptx_line"], finding.get("other_ptx_line")]
    return lines in (found[:len(lines)], found[::-1][:len(lines)])


def cases():
    for path in FILES:
        for text in Program(path).twins:
            yield pytest.param(path, text, id=f"{path.stem}-{text.partition(':')[0]}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_correct(path, tmp_path):
    program = Program(path)
    found, text = findings("\n".join(program.lines) + "\n", tmp_path)
    allowed = [program.expectation(line) for line in program.correct]
    for expected in allowed:
        assert any(matches(finding, expected) for finding in found), f"expected {expected}\n{text}"
    assert all(any(matches(finding, expected) for expected in allowed) for finding in found), text


@pytest.mark.parametrize("path, text", list(cases()))
def test_broken(path, text, tmp_path):
    _, ptx, expected = Program(path).twin(text)
    found, report = findings(ptx, tmp_path, results=False)
    for each in expected:
        assert any(matches(finding, each) for finding in found), f"expected {each}\n{report}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ptxas(path, tmp_path):
    done = subprocess.run([PTXAS, "-arch=sm_90a", path, "-o", tmp_path / "out.cubin"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
