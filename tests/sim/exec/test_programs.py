"""CUDA C++ kernels, compiled to PTX by nvcc and run on the engine."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "ptx")]
import harness  # noqa: E402
from compiler import UNSANITIZED  # noqa: E402

PROGRAMS = sorted((HERE / "programs").glob("*.cu"))
VENV = pathlib.Path(os.environ.get("TILEWRIGHT_VENV", HERE.parents[2] / "build" / "venv"))
CUDA = next(VENV.glob("lib/python3*/site-packages/nvidia/cu13"))


def compile_ptx(source, directory, arch="sm_90a"):
    """The PTX of a .cu file."""
    out = directory / (source.stem + ".ptx")
    include = [f"-I{path}" for path in (CUDA / "include", CUDA / "include" / "cccl")]
    # A host compiler is needed for the preprocessor only.
    command = [*UNSANITIZED, CUDA / "bin" / "nvcc", "-ptx", f"-arch={arch}", "-std=c++17", "-w", *include, source, "-o", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_program(source, tmp_path):
    ptx = compile_ptx(source, tmp_path)
    text = source.read_text()
    harness.Test(text).run(ptx)
    harness.Test(text).run(ptx, threads=1)
