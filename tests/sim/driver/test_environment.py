"""Variables of the environment with values that they cannot have: one line says so, none is taken for no wish."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
INIT = "import ctypes, sys; sys.exit(ctypes.CDLL('libcuda.so.1').cuInit(0))"
# Launches a kernel whose blocks store their numbers to one place, so that there is something to tell of it.
LAUNCH = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
PTX = b'''.version 8.0
.target sm_90
.address_size 64
.visible .entry k(.param .u64 out) {
  .reg .b32 %r<2>; .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [out]; mov.u32 %r1, %ctaid.x; st.global.u32 [%rd1], %r1; ret;
}'''
context, module, kernel, out = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint64()
def check(code): assert code == 0, code
check(cuda.cuInit(0))
check(cuda.cuCtxCreate_v4(ctypes.byref(context), None, 0, 0))
check(cuda.cuModuleLoadData(ctypes.byref(module), PTX))
check(cuda.cuModuleGetFunction(ctypes.byref(kernel), module, b"k"))
check(cuda.cuMemAlloc_v2(ctypes.byref(out), ctypes.c_size_t(4)))
check(cuda.cuLaunchKernel(kernel, 8, 1, 1, 1, 1, 1, 0, None, (ctypes.c_void_p * 1)(ctypes.addressof(out)), None))
check(cuda.cuCtxSynchronize())
"""
INVALID_VALUE, NO_DEVICE = 1, 100  # CUDA_ERROR_*
MOST = 2**64 - 1
SEED = f"expected a seed, 0 to {MOST}, but got "
# The variable without its prefix, a value, what is said of it behind the variable's name.
WRONG = [
    ("CHECK", "speed", "unknown check 'speed'; there are all, memory, "),
    *(("PERTURB", value, f"{SEED}'{value}'\n") for value in ("x", "-1", "1.5", " 1", "1 ", str(MOST + 1))),
    *(("SCHEDULE", value, f"{SEED}'{value}'\n") for value in ("x", "-1", "7x", str(MOST + 1))),
    *(("SCHEDULES", value, f"'{value}' is not a number of schedules, 2 to 10000\n") for value in ("x", "1", "10001")),
    ("TRACE", "5", "expected KERNEL[:BLOCK[:WARP]], but got '5'\n"),
    ("TRACE_LIMIT", "0", "expected a number from 1, but got '0'\n"),
    ("BREAK", "line", "expected [KERNEL@][FILE:]LINE[:BLOCK[:WARP]], but got 'line'\n"),
    *(("BREAK_HITS", value, f"expected a number from 1, but got '{value}'\n") for value in ("x", "0")),
    *(("TIMEOUT", value, f"expected a number of seconds, 1 to 86400, but got '{value}'\n")
      for value in ("x", "0", "-1", "1s", "86401")),
    *(("THREADS", value, f"expected a number of threads, 1 to 1024, but got '{value}'\n")
      for value in ("all", "0", "-1", "1025")),
]
# Files: any text is a name, and that it cannot be written is told when it is. With what gives something to write.
FILES = {
    "CHECK_JSON": {"CHECK": "all"},
    "SCHEDULES_JSON": {"SCHEDULES": "8"},
    "TRACE_OUTPUT": {"TRACE": "k"},
    "PROFILE": {},
    "ANNOTATE": {},
    "TIMELINE": {},
}


def run(program, **variables):
    environment = {name: value for name, value in os.environ.items() if not re.match("TILEWRIGHT_SIM_.", name)}
    environment |= {f"TILEWRIGHT_SIM_{name}": value for name, value in variables.items()}
    environment["LD_LIBRARY_PATH"] = str(BUILD / "lib" / "sim")
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=environment)


@pytest.mark.parametrize("name, value, message", WRONG)
def test_wrong_values(name, value, message):
    done = run(INIT, **{name: value})
    assert done.returncode == INVALID_VALUE
    assert done.stderr.startswith(f"tilewright-sim: TILEWRIGHT_SIM_{name}: {message}") and done.stderr.count("\n") == 1


def test_a_wrong_board():
    done = run(INIT, SKU="h900")
    assert done.returncode == NO_DEVICE
    assert done.stderr.startswith("tilewright-sim: no SKU 'h900'") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", FILES)
def test_files_that_cannot_be_written(tmp_path, name):
    path = tmp_path / "no" / "file"
    done = run(LAUNCH, **FILES[name], **{name: str(path)})
    assert done.returncode == 0, done.stderr
    assert f"cannot write '{path}'" in done.stderr


@pytest.mark.parametrize("name", [*dict.fromkeys(name for name, *_ in WRONG), "SKU", *FILES])
def test_empty_is_unset(name):
    done = run(INIT, **{name: ""})
    assert (done.returncode, done.stderr) == (0, "")


def test_one_schedule_or_several():
    done = run(INIT, SCHEDULE="3", SCHEDULES="4")
    assert (done.returncode, done.stderr) == (INVALID_VALUE, "tilewright-sim: TILEWRIGHT_SIM_SCHEDULES: runs launches in orders of "
                                              "its own, and TILEWRIGHT_SIM_SCHEDULE asks for another one\n")
    assert run(INIT, SCHEDULE="0", SCHEDULES="4").returncode == 0


@pytest.mark.parametrize("name, values", [
    ("PERTURB", ("0", str(MOST))),
    ("SCHEDULE", ("0", str(MOST))),
    ("SCHEDULES", ("2", "10000")),
    ("TRACE_LIMIT", ("1",)),
    ("BREAK_HITS", ("1",)),
    ("TIMEOUT", ("1", "86400")),
    ("THREADS", ("1", "1024")),
])
def test_limits_are_right(name, values):
    for value in values:
        assert run(INIT, **{name: value}).returncode == 0, value


@pytest.mark.parametrize("name, setting", [("SCHEDULE", "a seed"), ("TIMEOUT", "a number of seconds"), ("PERTURB", "a seed")])
def test_wrong_values_after_the_start(name, setting):
    """A program may change its own environment: what then comes to a module or a launch fails there."""
    program = LAUNCH.replace("check(cuda.cuInit(0))", "check(cuda.cuInit(0))\n"
                             f"ctypes.CDLL(None).setenv(b'TILEWRIGHT_SIM_{name}', b'x', 1)")
    assert program != LAUNCH
    done = run(program)
    assert done.returncode == 1 and f"AssertionError: {INVALID_VALUE}" in done.stderr
    assert f"TILEWRIGHT_SIM_{name}: expected {setting}" in done.stderr


def test_every_variable_is_here():
    page = (ROOT / "docs" / "environment.md").read_text()
    assert set(re.findall(r"^\| `TILEWRIGHT_SIM_(\w+)`", page, re.MULTILINE)) == {name for name, *_ in WRONG} | {"SKU", *FILES}
