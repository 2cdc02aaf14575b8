"""Races between the work of different streams: kernels, copies and fills that nothing orders, and all that orders them."""

import pytest
import test_host

PRELUDE = """
import threading
def kernel(name, parameters, body):
    head = ", ".join(f".param .u64 {each}" for each in parameters)
    loads = "".join(f"ld.param.u64 %{each}, [{each}];" for each in parameters)
    registers = ", ".join(f"%{each}" for each in parameters)
    return f'''.entry {name}({head}) {{
  .reg .b64 {registers}; .reg .b32 %r<4>; .reg .pred %p; .reg .b64 %at, %offset; {loads}
  mov.u32 %r1, %tid.x; mul.wide.u32 %offset, %r1, 4;
  {body}
  ret;
}}
'''
MODULE = load(
    kernel("put", ["to"], "add.u64 %at, %to, %offset; st.global.u32 [%at], %r1; //put")
    + kernel("move", ["from", "to"], "add.u64 %at, %from, %offset; ld.global.u32 %r2, [%at];"
             "add.u64 %at, %to, %offset; st.global.u32 [%at], %r2;")
    + kernel("count", ["to"], "red.global.add.u32 [%to], 1;")
    + kernel("tell", ["to", "flag"], "setp.ne.u32 %p, %r1, 0; @%p bra END; st.global.u32 [%to], 7;"
             "st.release.gpu.global.u32 [%flag], 1; END:")
    + kernel("hear", ["from", "flag", "to"], "setp.ne.u32 %p, %r1, 0; @%p bra END;"
             "POLL: ld.acquire.gpu.global.u32 %r2, [%flag]; setp.eq.u32 %p, %r2, 0; @%p bra POLL;"
             "ld.global.u32 %r2, [%from]; st.global.u32 [%to], %r2; END:"))
BYTES = 128
def stream(flags=1):
    made = ctypes.c_void_p()
    assert cuda.cuStreamCreate(ctypes.byref(made), flags) == 0
    return made
def event():
    made = ctypes.c_void_p()
    assert cuda.cuEventCreate(ctypes.byref(made), 0) == 0
    return made
def record(event, stream): assert cuda.cuEventRecord(event, stream) == 0
def wait(stream, event): assert cuda.cuStreamWaitEvent(stream, event, 0) == 0
def run(stream, name, *arguments, threads=32):
    function = ctypes.c_void_p()
    assert cuda.cuModuleGetFunction(ctypes.byref(function), MODULE, name.encode()) == 0
    values = [ctypes.c_uint64(each) for each in arguments]
    pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(each) for each in values])
    assert cuda.cuLaunchKernel(function, 1, 1, 1, threads, 1, 1, 0, stream, pointers, None) == 0
def buffer(size=BYTES):
    address = allocate(size)
    assert cuda.cuMemsetD8_v2(ctypes.c_uint64(address), 0, ctypes.c_size_t(size)) == 0
    return address
def fill(stream, address): assert cuda.cuMemsetD8Async(ctypes.c_uint64(address), 1, ctypes.c_size_t(BYTES), stream) == 0
def pinned():
    address = ctypes.c_void_p()
    assert cuda.cuMemAllocHost_v2(ctypes.byref(address), ctypes.c_size_t(BYTES)) == 0
    return address
def fetch(stream, host, address):
    assert cuda.cuMemcpyDtoHAsync_v2(host, ctypes.c_uint64(address), ctypes.c_size_t(BYTES), stream) == 0
def capture(origin, work):
    assert cuda.cuStreamBeginCapture_v2(origin, 2) == 0
    work()
    graph, exec = ctypes.c_void_p(), ctypes.c_void_p()
    assert cuda.cuStreamEndCapture(origin, ctypes.byref(graph)) == 0
    assert cuda.cuGraphInstantiateWithFlags(ctypes.byref(exec), graph, ctypes.c_uint64(0)) == 0
    return exec
def fork(origin, other, first, second, join=False):
    def work():
        forked, joined = event(), event()
        record(forked, origin); wait(other, forked)
        first()
        if join: record(joined, origin); wait(other, joined)
        second()
        record(joined, other); wait(origin, joined)
    return work
a, b = buffer(), buffer()
s, t = stream(), stream()
"""

# What the message has to name of both sides.
RACES = {
    "writes": ("run(s, 'put', a); run(t, 'put', a)", "st.global.u32", "st.global.u32 of kernel 'put' that writes"),
    "write_read": ("run(s, 'put', a); run(t, 'move', a, b)", "st.global.u32", "ld.global.u32"),
    "read_write": ("run(s, 'move', a, b); run(t, 'put', a)", "st.global.u32", "ld.global.u32"),
    "last_byte": ("run(s, 'put', a); run(t, 'put', a + BYTES - 4, threads=1)", "st.global.u32", "st.global.u32"),
    "fill": ("run(s, 'put', a); fill(t, a)", "st.global.u32", "the fill that writes"),
    "copy": ("h = pinned(); run(s, 'put', a); fetch(t, h, a)", "st.global.u32", "the copy that reads"),
    "copy_into_source": ("h = pinned(); fetch(t, h, a); run(s, 'put', a)", "st.global.u32", "the copy that reads"),
    "non_blocking_and_default": ("run(s, 'put', a); run(None, 'put', a)", "st.global.u32", "st.global.u32"),
    "event_too_early": ("e = event(); record(e, s); run(s, 'put', a); wait(t, e); run(t, 'put', a)",
                        "st.global.u32", "st.global.u32"),
    "other_streams_event": ("u, e = stream(), event(); run(s, 'put', a); record(e, u); wait(t, e); run(t, 'put', a)",
                            "st.global.u32", "st.global.u32"),
    "waited_for_the_other": ("run(s, 'put', a); cuda.cuStreamSynchronize(t); run(t, 'put', a)",
                             "st.global.u32", "st.global.u32"),
    "weak_and_atomic": ("run(s, 'count', a); run(t, 'put', a)", "st.global.u32", "red.global.add.u32"),
    "branches_of_a_graph": ("g = capture(s, fork(s, t, lambda: run(s, 'put', a), lambda: run(t, 'put', a)));"
                            "cuda.cuGraphLaunch(g, s)", "st.global.u32", "st.global.u32"),
    "graph_and_stream": ("g = capture(s, lambda: run(s, 'put', a)); cuda.cuGraphLaunch(g, s); run(t, 'put', a)",
                         "st.global.u32", "st.global.u32"),
    "second_launch_of_many": ("for _ in range(5): run(s, 'put', a)\nrun(t, 'move', a, b)", "st.global.u32", "ld.global.u32"),
}

ORDERED = {
    "one_stream": "run(s, 'put', a); run(s, 'move', a, b); fill(s, a)",
    "event": "e = event(); run(s, 'put', a); record(e, s); wait(t, e); run(t, 'put', a)",
    "event_recorded_twice": "e = event(); record(e, s); run(s, 'put', a); record(e, s); wait(t, e); run(t, 'put', a)",
    "event_by_way_of_a_third": "u, e, f = stream(), event(), event(); run(s, 'put', a); record(e, s); wait(u, e);"
                               "record(f, u); wait(t, f); run(t, 'put', a)",
    "stream_synchronized": "run(s, 'put', a); cuda.cuStreamSynchronize(s); run(t, 'put', a)",
    "context_synchronized": "run(s, 'put', a); cuda.cuCtxSynchronize(); run(t, 'put', a)",
    "event_synchronized": "e = event(); run(s, 'put', a); record(e, s); cuda.cuEventSynchronize(e); run(t, 'put', a)",
    "event_queried": "e = event(); run(s, 'put', a); record(e, s)\nwhile cuda.cuEventQuery(e): pass\nrun(t, 'put', a)",
    "blocking_and_default": "u = stream(0); run(u, 'put', a); run(None, 'put', a); run(u, 'put', a)",
    "blocking_through_default": "u, v = stream(0), stream(0); run(u, 'put', a); run(None, 'put', b); run(v, 'put', a)",
    "neighbours": "run(s, 'put', a, threads=16); run(t, 'put', a + 64, threads=16)",
    "both_read": "c = buffer(); run(s, 'move', a, b); run(t, 'move', a, c)",
    "both_atomic": "run(s, 'count', a); run(t, 'count', a)",
    "flag_between_kernels": "f = buffer(); run(s, 'tell', a, f); run(t, 'hear', a, f, b)",
    "joined_branches": "g = capture(s, fork(s, t, lambda: run(s, 'put', a), lambda: run(t, 'put', a), join=True));"
                       "cuda.cuGraphLaunch(g, s); cuda.cuGraphLaunch(g, s)",
    "branches_apart": "g = capture(s, fork(s, t, lambda: run(s, 'put', a), lambda: run(t, 'put', b)));"
                      "cuda.cuGraphLaunch(g, s); run(s, 'move', a, b)",
    "graph_behind_event": "g = capture(s, lambda: run(s, 'put', a)); e = event(); cuda.cuGraphLaunch(g, s); record(e, s);"
                          "wait(t, e); run(t, 'put', a)",
    "host_function": "done = threading.Event(); call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: done.set());"
                     "run(s, 'put', a); cuda.cuLaunchHostFunc(s, call, None); done.wait(); run(t, 'put', a)",
    "value": "f = buffer(); run(s, 'put', a); cuda.cuStreamWriteValue32_v2(s, ctypes.c_uint64(f), 1, 0);"
             "cuda.cuStreamWaitValue32_v2(t, ctypes.c_uint64(f), 1, 0); run(t, 'put', a)",
    "synchronous_copy": "u = stream(0); run(u, 'put', a); h = (ctypes.c_char * BYTES)();"
                        "cuda.cuMemcpyDtoH_v2(h, ctypes.c_uint64(a), ctypes.c_size_t(BYTES)); run(t, 'put', a)",
    "freed_and_given_out_again": "c = ctypes.c_uint64(); cuda.cuMemAllocAsync(ctypes.byref(c), ctypes.c_size_t(BYTES), s);"
                                 "run(s, 'put', c.value); cuda.cuMemFreeAsync(c, s);"
                                 "cuda.cuMemAllocAsync(ctypes.byref(c), ctypes.c_size_t(BYTES), t); run(t, 'put', c.value)",
}
END = "\nassert cuda.cuCtxSynchronize() == 0\n"


def check(tmp_path, program):
    done, found = test_host.run(tmp_path, PRELUDE + program + END)
    assert done.returncode == 0, done.stderr
    return found


@pytest.mark.parametrize("name", RACES)
def test_race(name, tmp_path):
    program, mine, theirs = RACES[name]
    found = check(tmp_path, program)
    assert found, "nothing was found"
    for finding in found:
        assert (finding["kind"], finding["severity"]) == ("race", "error"), finding
        assert finding["kernel"] in ("put", "move", "count") and finding["ptx_line"], finding
        assert finding["message"].startswith("no stream, event or wait of the host orders this "), finding
        assert "cuMemAlloc of 128 bytes" in finding["object"], finding
    texts = [finding["message"] for finding in found]
    assert any(mine in text and theirs in text for text in texts), texts


@pytest.mark.parametrize("name", ORDERED)
def test_ordered(name, tmp_path):
    assert check(tmp_path, ORDERED[name]) == []


def test_both_sides_are_shown(tmp_path):
    program = "run(s, 'put', a); cuda.cuStreamQuery(t); run(t, 'put', a, threads=1)"
    done, (finding,) = test_host.run(tmp_path, PRELUDE + program + END)
    assert finding["ptx_line"] == finding["other_ptx_line"] and finding["other_thread"] == [0, 0, 0]
    assert "note: the other side" in done.stderr


def test_only_with_the_check_of_races(tmp_path):
    done, found = test_host.run(tmp_path, PRELUDE + RACES["writes"][0] + END, checks="memory,barrier")
    assert (done.returncode, found) == (0, [])
