"""`tilewright sim`: the program it runs, its exit code, and what becomes of findings."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import TOOL, USAGE, expect_error, output_of, tilewright

FINDINGS = 3
# A program that opens the driver by its name, as any CUDA program does.
DEVICE_NAME = """
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
assert cuda.cuInit(0) == 0
name, count = ctypes.create_string_buffer(64), ctypes.c_int()
assert cuda.cuDeviceGetCount(ctypes.byref(count)) == 0
for device in range(count.value):
    assert cuda.cuDeviceGetName(name, 64, device) == 0
    print(name.value.decode())
"""
DOUBLE_FREE = """
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
context, address = ctypes.c_void_p(), ctypes.c_uint64()
assert cuda.cuInit(0) == 0
assert cuda.cuCtxCreate_v4(ctypes.byref(context), None, 0, 0) == 0
assert cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(64)) == 0
for _ in range(int(sys.argv[1])):
    cuda.cuMemFree_v2(address)
sys.exit(int(sys.argv[2]))
"""

def launching(kernel, body, grid, block, size, after):
    """A program that launches a kernel on `size` zeroed bytes at %rd1, and what it does then."""
    return f"""
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
PTX = b'''.version 8.0
.target sm_90
.address_size 64
.visible .entry {kernel}(.param .u64 out) {{
  .reg .b32 %r<4>; .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
{body}
}}'''
def check(code): assert code == 0, code
context, module, kernel, out = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint64()
check(cuda.cuInit(0))
check(cuda.cuCtxCreate_v4(ctypes.byref(context), None, 0, 0))
check(cuda.cuModuleLoadData(ctypes.byref(module), PTX))
check(cuda.cuModuleGetFunction(ctypes.byref(kernel), module, b"{kernel}"))
check(cuda.cuMemAlloc_v2(ctypes.byref(out), ctypes.c_size_t({size})))
check(cuda.cuMemsetD8_v2(out, ctypes.c_ubyte(0), ctypes.c_size_t({size})))
parameters = (ctypes.c_void_p * 1)(ctypes.addressof(out))
check(cuda.cuLaunchKernel(kernel, {grid}, 1, 1, {block}, 1, 1, 0, None, parameters, None))
{after}
"""


# Counts in memory for ever, which no proof shows to be endless; exits with the code of the wait for it.
COUNTING = launching("count", """again:
  atom.global.add.u32 %r1, [%rd1], 1;
  bra again;""", 1, 32, 4, "sys.exit(cuda.cuCtxSynchronize() % 256)")
LAUNCH_TIMEOUT = 702  # CUDA_ERROR_LAUNCH_TIMEOUT

# Every block takes a ticket; prints who came when.
TICKETS = launching("k", """  atom.global.add.u32 %r1, [%rd1], 1;
  mov.u32 %r2, %ctaid.x; add.u32 %r2, %r2, 1;
  mul.wide.u32 %rd2, %r2, 4; add.s64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3], %r1;
  ret;""", 8, 1, 36, """tickets = (ctypes.c_uint32 * 9)()
check(cuda.cuMemcpyDtoH_v2(tickets, out, ctypes.c_size_t(36)))
print(list(tickets)[1:])""")


def sim(*options, program, arguments=(), environment=None):
    return tilewright("sim", *options, "--", sys.executable, "-c", program, *arguments, environment=environment)


def check(directory, frees, code, *options):
    """(process, findings) of a program that frees its memory so many times."""
    path = directory / "findings.json"
    options = ("--json", path, *(options if "--check" in options else ("--check", "all", *options)))
    result = sim(*options, program=DOUBLE_FREE, arguments=(frees, code))
    return result, json.loads(path.read_text())["findings"]


def test_programs_find_the_simulated_driver():
    assert output_of(sim(program=DEVICE_NAME)) == "NVIDIA H800\n"
    assert output_of(sim("--sku", "h20,h200", "--threads", "1", program=DEVICE_NAME)) == "NVIDIA H20\nNVIDIA H200\n"


def test_schedules():
    def order(*options):
        return json.loads(output_of(sim("--threads", "1", *options, program=TICKETS)))

    assert order() == list(range(8)) == order("--schedule", "0")
    orders = [order("--schedule", str(seed)) for seed in (1, 2, 3)]
    assert all(sorted(each) == list(range(8)) for each in orders)
    assert len({tuple(each) for each in orders} - {tuple(range(8))}) == 3
    assert orders[0] == order("--schedule", "1")


def compared(directory, program, *options):
    """(process, document) of a program whose launches ran in several orders."""
    path = directory / "findings.json"
    result = sim("--schedules", "8", "--json", path, *options, program=program)
    return result, json.loads(path.read_text())


def test_schedules_that_disagree(tmp_path):
    result, document = compared(tmp_path, TICKETS)
    assert result.returncode == FINDINGS
    # The program has its results of the default order.
    assert json.loads(result.stdout) == list(range(8))
    (found,) = document["schedules"]
    assert document["findings"] == []
    assert (found["severity"], found["kernel"], found["launch"], found["launches"]) == ("error", "k", 1, 1)
    assert set(found["seeds"]) <= set(range(1, 8)) and found["failure"] is None
    difference = found["difference"]
    assert difference["object"].startswith("byte ") and "cuMemAlloc" in difference["object"]
    assert "kernel 'k', launch 1: the result depends on the order of execution" in result.stderr
    # That seed alone gives the value of the report.
    place = int(difference["object"].split()[1]) // 4 - 1
    order = json.loads(output_of(sim("--schedule", str(difference["seed"]), program=TICKETS)))
    assert str(order[place]) == difference["other"] != difference["default"] == str(place)


def test_schedules_that_agree(tmp_path):
    # Blocks store their own numbers: no order shows.
    program = TICKETS.replace("st.global.u32 [%rd3], %r1", "st.global.u32 [%rd3], %r2")
    assert program != TICKETS
    result, document = compared(tmp_path, program)
    assert json.loads(output_of(result)) == list(range(1, 9))
    assert document == {"schema_version": 1, "findings": [], "schedules": []}
    # Without a report the exit code tells.
    assert sim("--schedules", "2", program=program).returncode == 0
    assert sim("--schedules", "8", "--error-exitcode", "9", program=TICKETS).returncode == 9


def test_schedules_together_with_checks(tmp_path):
    result, document = compared(tmp_path, TICKETS, "--check", "all")
    assert result.returncode == FINDINGS
    assert document["findings"] == [] and len(document["schedules"]) == 1


@pytest.mark.parametrize("value", ["1", "x", ""])
def test_wrong_numbers_of_schedules_in_the_environment(value):
    program = "import ctypes; print(ctypes.CDLL('libcuda.so.1').cuInit(0))"
    result = sim(program=program, environment={"TILEWRIGHT_SIM_SCHEDULES": value})
    assert result.stdout == ("1\n" if value else "0\n")
    assert not value or "TILEWRIGHT_SIM_SCHEDULES: " in result.stderr


def test_arguments_are_passed_on_as_they_are():
    arguments = ["--check", "--", "-h", "", "[1,2]", "a b", "$HOME", "--help"]
    result = tilewright("sim", "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", *arguments)
    assert output_of(result) == f"{arguments}\n"


def test_seeds_reach_the_simulator():
    program = "import os; print(os.environ.get('TILEWRIGHT_SIM_SCHEDULE'), os.environ.get('TILEWRIGHT_SIM_PERTURB'))"
    assert output_of(sim(program=program)) == "None None\n"
    assert output_of(sim("--schedule", "7", "--perturb", str(2**63), program=program)) == f"7 {2**63}\n"
    inherited = {"TILEWRIGHT_SIM_SCHEDULE": "3", "TILEWRIGHT_SIM_PERTURB": "5"}
    assert output_of(sim(program=program, environment=inherited)) == "3 5\n"
    assert output_of(sim("--schedule", "0", "--perturb", "0", program=program, environment=inherited)) == "0 0\n"


def test_schedule_and_schedules_exclude_each_other_in_the_environment_too():
    program = "import os; print(os.environ.get('TILEWRIGHT_SIM_SCHEDULE'), os.environ.get('TILEWRIGHT_SIM_SCHEDULES'))"
    inherited = {"TILEWRIGHT_SIM_SCHEDULE": "3", "TILEWRIGHT_SIM_SCHEDULES": "4"}
    assert output_of(sim("--schedule", "7", program=program, environment=inherited)) == "7 \n"
    assert output_of(sim("--schedules", "5", program=program, environment=inherited)) == " 5\n"


def test_other_library_paths_stay():
    program = "import os; print(os.environ['LD_LIBRARY_PATH'].split(':')[1:])"
    assert output_of(sim(program=program, environment={"LD_LIBRARY_PATH": "/a:/b"})) == "['/a', '/b']\n"


@pytest.mark.parametrize("end, code", [
    ("raise SystemExit(0)", 0), ("raise SystemExit(77)", 77), ("import os; os.abort()", 128 + signal.SIGABRT),
    ("import os; os.kill(os.getpid(), 9)", 128 + signal.SIGKILL)])
def test_exit_code_is_the_programs(end, code):
    assert sim(program=end).returncode == code
    assert sim("--check", "all", program=end).returncode == code


def test_programs_that_cannot_run(tmp_path):
    missing = tmp_path / "missing"
    expect_error(tilewright("sim", "--", missing), 127, f"error: cannot run '{missing}': No such file or directory")
    plain = tmp_path / "plain"
    plain.write_text("")
    expect_error(tilewright("sim", "--", plain), 126, f"error: cannot run '{plain}': Permission denied")


def test_findings_change_the_exit_code(tmp_path):
    result, findings = check(tmp_path, 1, 5)
    assert (result.returncode, result.stderr, findings) == (5, "", [])
    result, findings = check(tmp_path, 2, 5)
    assert (result.returncode, len(findings), findings[0]["kind"]) == (FINDINGS, 1, "memory")
    assert result.stderr.startswith("error: memory: ")
    result, findings = check(tmp_path, 2, 5, "--error-exitcode", 9)
    assert (result.returncode, len(findings)) == (9, 1)
    result, findings = check(tmp_path, 2, 5, "--check", "race,proxy")
    assert (result.returncode, findings) == (5, [])


def test_findings_of_all_processes_are_joined(tmp_path):
    path, script = tmp_path / "findings.json", tmp_path / "program.py"
    script.write_text(DOUBLE_FREE)
    one = f"{sys.executable} {script}"
    result = tilewright("sim", "--check", "memory", "--json", path, "--", "sh", "-c",
                        f"{one} 2 0 & {one} 3 0 & {one} 1 0; wait")
    document = json.loads(path.read_text())
    assert (result.returncode, document["schema_version"]) == (FINDINGS, 1)
    assert sorted(finding["count"] for finding in document["findings"]) == [1, 2]


def test_programs_without_cuda(tmp_path):
    path = tmp_path / "findings.json"
    assert output_of(tilewright("sim", "--check", "all", "--json", path, "--", "echo", "plain")) == "plain\n"
    assert json.loads(path.read_text()) == {"schema_version": 1, "findings": []}


def test_nothing_is_left_behind(tmp_path):
    result = sim("--check", "all", program=DOUBLE_FREE, arguments=(2, 0), environment={"TMPDIR": str(tmp_path)})
    assert result.returncode == FINDINGS
    assert list(tmp_path.iterdir()) == []


def test_termination_is_passed_on(tmp_path):
    program = "import time; print('ready', flush=True); time.sleep(60)"
    process = subprocess.Popen([TOOL, "sim", "--", sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("arguments, message", [
    ((), "error: the program to run comes after --"),
    (("--check", "speed", "--", "true"), "tilewright-sim: unknown check 'speed'"),
    (("--sku", "h900", "--", "true"), "tilewright-sim: no SKU 'h900'"),
    (("--schedules", "1", "--", "true"), "error: --schedules"),
    (("--schedules", "4", "--schedule", "7", "--", "true"), "error: --schedule"),
    (("--json", "x.json", "--", "true"), "error: --json requires --check or --schedules"),
    (("--error-exitcode", "9", "--", "true"), "error: --error-exitcode requires --check or --schedules"),
    (("--check", "all", "--error-exitcode", "256", "--", "true"), "error: --error-exitcode"),
    (("--threads", "0", "--", "true"), "error: --threads"),
    (("--perturb", "much", "--", "true"), "error: Could not convert: --perturb = much"),
    (("--thread", "1", "--", "true"), "error: The following argument"),
])
def test_usage(arguments, message):
    result = tilewright("sim", *arguments)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert result.stderr.startswith(message), result.stderr


def test_unwritable_file(tmp_path):
    path = tmp_path / "no" / "findings.json"
    result = tilewright("sim", "--check", "all", "--json", path, "--", "true")
    expect_error(result, 1, f"error: cannot write '{path}'")
    assert not os.path.exists(path)


@pytest.mark.parametrize("options, code", [([], LAUNCH_TIMEOUT % 256), (["--check", "deadlock"], FINDINGS)])
def test_a_kernel_that_takes_too_long_is_ended(options, code):
    begin = time.monotonic()
    done = sim("--timeout", "1", *options, program=COUNTING)
    assert time.monotonic() - begin < 20
    assert done.returncode == code, done.stderr
    assert "kernel 'count' has not ended within 1 s" in done.stderr
    assert "block (0,0,0) warp 0 runs, " in done.stderr
    assert ("error: deadlock: the kernel has not ended within its time limit" in done.stderr) == bool(options)


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_a_wrong_time_limit_is_refused(seconds):
    done = tilewright("sim", "--timeout", seconds, "--", "true")
    assert done.returncode == USAGE and done.stderr.startswith("error: --timeout: Value"), done.stderr
