"""What the host does wrong with memory, and what becomes of findings: text, JSON, order, ways to end the process."""

import json
import os
import signal
import subprocess
import sys

import pytest
import recipes

PRELUDE = """
import ctypes, os, signal, sys
cuda = ctypes.CDLL(sys.argv[1])
context = ctypes.c_void_p()
started = cuda.cuInit(0)
if started: sys.exit(started)
cuda.cuCtxCreate_v4(ctypes.byref(context), None, 0, 0)
def allocate(size):
    address = ctypes.c_uint64()
    assert cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(size)) == 0
    return address.value
def load(text):
    module = ctypes.c_void_p()
    head = ".version 8.3\\n.target sm_90a\\n.address_size 64\\n"
    assert cuda.cuModuleLoadData(ctypes.byref(module), (head + text).encode()) == 0
    return module
def launch(module, name, *arguments, blocks=1, threads=1):
    function = ctypes.c_void_p()
    assert cuda.cuModuleGetFunction(ctypes.byref(function), module, name.encode()) == 0
    values = [ctypes.c_uint64(each) for each in arguments]
    pointers = (ctypes.c_void_p * max(len(values), 1))(*[ctypes.addressof(each) for each in values])
    assert cuda.cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, None, pointers, None) == 0
    return cuda.cuCtxSynchronize()
POKE = '''.entry poke(.param .u64 address) {
  .reg .b64 %p;
  ld.param.u64 %p, [address];
  st.global.u32 [%p], 1;
  ret;
}
'''
"""


def run(tmp_path, program, checks="all", json_path=None, **environment):
    """(process, findings), where the file of findings is there."""
    path = json_path or tmp_path / "findings.json"
    done = subprocess.run([sys.executable, "-c", PRELUDE + program, recipes.LIBRARY], capture_output=True, text=True,
                          timeout=60, env=os.environ | {"TILEWRIGHT_SIM_CHECK": checks,
                                                        "TILEWRIGHT_SIM_CHECK_JSON": str(path)} | environment)
    if not os.path.isfile(path):
        return done, None
    document = json.loads(path.read_text())
    assert list(document) == ["schema_version", "findings"]
    return done, document["findings"]


def only(found):
    (finding,) = found
    return finding


def test_a_clean_program_leaves_an_empty_list(tmp_path):
    done, found = run(tmp_path, "a = allocate(64); assert launch(load(POKE), 'poke', a) == 0")
    assert (done.returncode, done.stderr, found) == (0, "", [])


def test_without_checks_nothing_is_written(tmp_path):
    done, found = run(tmp_path, "a = allocate(64); assert launch(load(POKE), 'poke', a + 64) == 0", checks="")
    assert (done.returncode, done.stderr, found) == (0, "", None)


@pytest.mark.parametrize("program, words", [
    ("a = allocate(64); cuda.cuMemFree_v2(ctypes.c_uint64(a)); assert cuda.cuMemFree_v2(ctypes.c_uint64(a)) == 1",
     "0 bytes into cuMemAlloc of 64 bytes, allocation #1, which is freed"),
    ("a = ctypes.c_uint64(); assert cuda.cuMemAllocAsync(ctypes.byref(a), ctypes.c_size_t(64), None) == 0;"
     "cuda.cuMemFreeAsync(a, None); cuda.cuMemFreeAsync(a, None); cuda.cuCtxSynchronize()",
     "0 bytes into cuMemAllocAsync of 64 bytes, allocation #1, which is freed"),
    ("a = allocate(64); assert cuda.cuMemFree_v2(ctypes.c_uint64(a + 16)) == 1", "16 bytes into cuMemAlloc of 64"),
    ("a = allocate(64); assert cuda.cuMemcpyHtoD_v2(ctypes.c_uint64(a), bytes(80), ctypes.c_size_t(80)) == 1",
     "copy of 80 bytes leaves its allocation; 16 bytes behind cuMemAlloc of 64 bytes"),
    ("a = allocate(64); assert cuda.cuMemcpyDtoH_v2(bytes(80), ctypes.c_uint64(a + 8), ctypes.c_size_t(64)) == 1",
     "copy of 64 bytes leaves its allocation; 8 bytes behind cuMemAlloc of 64 bytes"),
    ("a = allocate(64); assert cuda.cuMemsetD32_v2(ctypes.c_uint64(a), 0, ctypes.c_size_t(17)) == 1",
     "fill of 68 bytes leaves its allocation; 4 bytes behind"),
    ("a = allocate(64); cuda.cuMemFree_v2(ctypes.c_uint64(a));"
     "assert cuda.cuMemsetD8_v2(ctypes.c_uint64(a), 0, ctypes.c_size_t(64)) == 1", "which is freed"),
])
def test_host_calls(program, words, tmp_path):
    done, found = run(tmp_path, program)
    assert done.returncode == 0, done.stderr
    finding = only(found)
    assert (finding["kind"], finding["severity"], finding["kernel"]) == ("memory", "error", None)
    assert (finding["ptx_line"], finding["block"], finding["thread"]) == (None, None, None)
    assert words in f"{finding['message']}; {finding['object']}"
    assert done.stderr.splitlines()[0].startswith("error: memory: ")


def test_variable_of_an_unloaded_module(tmp_path):
    done, found = run(tmp_path, """
module = load(".visible .global .align 4 .u32 table[8];\\n" + POKE)
address, size = ctypes.c_uint64(), ctypes.c_size_t()
assert cuda.cuModuleGetGlobal_v2(ctypes.byref(address), ctypes.byref(size), module, b"table") == 0
other = load(POKE)
assert launch(other, "poke", address.value) == 0
assert cuda.cuModuleUnload(module) == 0
assert launch(other, "poke", address.value + 4) == 0
""")
    assert done.returncode == 0, done.stderr
    finding = only(found)
    assert (finding["kind"], finding["kernel"], finding["ptx_line"]) == ("memory", "poke", 7)
    assert finding["object"].startswith("4 bytes into variable 'table' of 32 bytes in ")
    assert finding["object"].endswith(", which is freed")


def test_freed_memory_is_not_given_out_again_at_once(tmp_path):
    done, found = run(tmp_path, """
a = allocate(64)
cuda.cuMemFree_v2(ctypes.c_uint64(a))
b = allocate(64)
assert a != b
assert launch(load(POKE), "poke", a) == 0
""")
    assert done.returncode == 0, done.stderr
    assert only(found)["object"] == "0 bytes into cuMemAlloc of 64 bytes, allocation #1, which is freed"


LOC = """
.entry poke(.param .u64 address) {
  .reg .b64 %p, %o;
  .reg .b32 %t, %b;
  .loc 1 7 3
  ld.param.u64 %p, [address];
  mov.u32 %t, %tid.x;
  mov.u32 %b, %ctaid.x;
  mad.lo.u32 %t, %b, 32, %t;
  mul.wide.u32 %o, %t, 4;
  .loc 1 9 5
  add.u64 %p, %p, %o;
\tst.global.u32 \t[%p], 1;
  ret;
}
.file 1 "dir/poke.cu"
"""


def test_repeats_are_folded_and_the_first_is_shown(tmp_path):
    program = f"LOC = {LOC!r}\na = allocate(256)\nassert launch(load(LOC), 'poke', a, blocks=4, threads=32) == 0\n"
    for threads in ("1", "4"):
        done, found = run(tmp_path, program, TILEWRIGHT_SIM_THREADS=threads)
        assert done.returncode == 0, done.stderr
        finding = only(found)
        assert finding | {"address": None, "object": None} == {
            "kind": "memory", "severity": "error", "kernel": "poke", "ptx_line": 16, "other_ptx_line": None,
            "source": "dir/poke.cu:9", "address": None, "object": None, "block": [2, 0, 0], "thread": [0, 0, 0],
            "other_block": None, "other_thread": None, "message": "the access writes 4 bytes outside of every object",
            "count": 64}
        assert finding["object"] == "directly behind cuMemAlloc of 256 bytes, allocation #1"
        name = done.stderr.split(":")[0]
        assert done.stderr == (
            f"{name}:16:2: error: memory: the access writes 4 bytes outside of every object\n"
            "\tst.global.u32 \t[%p], 1;\n"
            "\t^\n"
            "  kernel 'poke', block (2,0,0), thread (0,0,0), dir/poke.cu:9\n"
            f"  address {finding['address']}: directly behind cuMemAlloc of 256 bytes, allocation #1\n"
            "  64 times\n"
            "tilewright-sim: 1 error\n")


BAD = "a = allocate(64); launch(load(POKE), 'poke', a + 64);"


@pytest.mark.parametrize("end, code", [
    ("os._exit(5)", 5), ("os.abort()", -signal.SIGABRT), ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ("sys.exit(6)", 6), ("cuda.cuCtxDestroy_v2(context); sys.exit(7)", 7),
    ("ctypes.CDLL(None).quick_exit(8)", 8), ("ctypes.string_at(8)", -signal.SIGSEGV)])
def test_every_way_to_end_leaves_the_findings(end, code, tmp_path):
    done, found = run(tmp_path, BAD + end)
    assert done.returncode == code
    assert only(found)["kernel"] == "poke"
    assert "error: memory:" in done.stderr


def test_a_forked_child_reports_nothing_of_its_parent(tmp_path):
    done, found = run(tmp_path, BAD + "pid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('end')")
    assert done.returncode == 0 and len(found) == 1
    assert done.stderr.count("error: memory:") == 1 and done.stderr.count("tilewright-sim: 1 error") == 1


def test_kinds_are_chosen_one_by_one(tmp_path):
    done, found = run(tmp_path, BAD, checks="initialization,race")
    assert (done.returncode, done.stderr, found) == (0, "", [])


def test_unknown_kinds_are_told(tmp_path):
    done, found = run(tmp_path, "", checks="memory,speed")
    assert (done.returncode, found) == (1, None)
    assert done.stderr.startswith("tilewright-sim: TILEWRIGHT_SIM_CHECK: unknown check 'speed'; there are all, memory, ")


def test_unwritable_file_is_told(tmp_path):
    done, found = run(tmp_path, BAD, json_path=tmp_path / "no" / "findings.json")
    assert found is None and done.returncode == 0
    assert "cannot write" in done.stderr and "error: memory:" in done.stderr


def test_number_of_the_process_in_the_name(tmp_path):
    done, _ = run(tmp_path, BAD + "print(os.getpid())", json_path=tmp_path / "%p.json")
    assert json.loads((tmp_path / f"{int(done.stdout)}.json").read_text())["findings"]


def test_chosen_by_the_program(tmp_path):
    program = PRELUDE.replace("started =", "cuda.tilewright_sim_configure_checks(b'memory', sys.argv[2].encode())\n"
                              "started =") + BAD + """
assert cuda.tilewright_sim_configure_checks(b'memory', b'') == 210
"""
    path = tmp_path / "findings.json"
    done = subprocess.run([sys.executable, "-c", program, recipes.LIBRARY, path], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(path.read_text())["findings"]) == 1


def test_guards_take_no_memory_from_programs_that_need_all(tmp_path):
    done, found = run(tmp_path, """
free, total = ctypes.c_size_t(), ctypes.c_size_t()
def left():
    assert cuda.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)) == 0
    return free.value
before = left()
half = before // 2 // 512 * 512
for _ in range(2):
    first, second = allocate(half), allocate(half)
    assert left() == before - 2 * half
    cuda.cuMemFree_v2(ctypes.c_uint64(first))
    cuda.cuMemFree_v2(ctypes.c_uint64(second))
assert left() == before
""")
    assert (done.returncode, done.stderr, found) == (0, "", [])
