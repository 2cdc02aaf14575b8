"""Programmatic dependent launch: griddepcontrol.wait is what orders a dependent behind its prerequisites, and nothing else is."""

import re

import pytest
import test_host


def kernel(name, parameters, *lines):
    """A kernel of 64 threads in which %x holds the thread's place in the buffer x. Marks are comments: //mark."""
    head = ", ".join(f".param .u64 {each}" for each in parameters)
    loads = [f"ld.param.u64 %{each}, [{each}]; add.u64 %{each}, %{each}, %offset;" for each in parameters]
    registers = ", ".join(f"%{each}" for each in parameters)
    return "\n".join([
        f".entry {name}({head}) {{", f".reg .b64 {registers}, %offset, %rd<3>; .reg .b32 %r<8>; .reg .pred %first, %p;",
        ".shared .align 128 .b8 tile[512];", "mov.u32 %r1, %tid.x; mul.wide.u32 %offset, %r1, 4; setp.eq.u32 %first, %r1, 0;",
        *loads, *lines, "ret;", "}", ""])


WAIT, TRIGGER, SYNC = "griddepcontrol.wait;", "griddepcontrol.launch_dependents;", "bar.sync 0;"
LOAD, STORE = "ld.global.u32 %r2, [%from]; //load", "st.global.u32 [%to], %r2; //store"
PUT = "st.global.u32 [%to], %r1; //put"
# One thread copies 256 bytes into shared memory, and waits for them.
BULK = ["mov.u32 %r3, tile; add.u32 %r4, %r3, 256; @!%first bra DONE; mbarrier.init.shared.b64 [%r4], 1;",
        "fence.mbarrier_init.release.cluster; mbarrier.arrive.expect_tx.shared.b64 _, [%r4], 256;",
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r3], [%from], 256, [%r4]; //bulk",
        "POLL: mbarrier.try_wait.parity.shared.b64 %p, [%r4], 0; @!%p bra POLL; DONE:"]
FLAG = "mov.u64 %rd1, flag;"

KERNELS = ".global .u32 flag;\n" + "".join([
    kernel("plain", ["to"], PUT.replace("//put", "//plain")),
    kernel("put", ["to"], TRIGGER, PUT),
    kernel("take", ["from", "to"], TRIGGER, LOAD.replace("//load", "//take"), STORE.replace("//store", "//give")),
    kernel("idle", ["to"], TRIGGER, PUT.replace("//put", "//idle")),
    kernel("move", ["from", "to"], TRIGGER, WAIT, LOAD.replace("//load", "//moved"), STORE.replace("//store", "//moving")),
    kernel("handover", ["from", "to"], WAIT, TRIGGER, LOAD.replace("//load", "//handed"), STORE.replace("//store", "//handing")),
    kernel("unguarded", ["from", "to"], LOAD, STORE),
    kernel("load_early", ["from", "to"], LOAD, WAIT, STORE),
    kernel("store_early", ["from", "to"], PUT.replace("%to", "%from").replace("//put", "//early"), WAIT,
           "ld.global.u32 %r2, [%to];"),
    kernel("zero_early", ["to"], "st.global.u32 [%to], 0; //early", SYNC, WAIT, "st.global.u32 [%to], %r1;"),
    kernel("weights", ["from", "weights", "to"], "ld.global.u32 %r3, [%weights];", WAIT, LOAD, "add.u32 %r2, %r2, %r3;", STORE),
    kernel("leader", ["from", "to"], "@%first griddepcontrol.wait;", SYNC, LOAD, STORE),
    kernel("leader_alone", ["from", "to"], "@%first griddepcontrol.wait;", LOAD, STORE),
    kernel("leader_late", ["from", "to"], SYNC, "@%first griddepcontrol.wait;", LOAD, STORE),
    kernel("leader_flag", ["from", "to"], FLAG, "@!%first bra OTHER; griddepcontrol.wait;",
           "st.release.cta.global.u32 [%rd1], 1; //release", "OTHER: ld.acquire.cta.global.u32 %r3, [%rd1];",
           "setp.eq.u32 %p, %r3, 0; @%p bra OTHER;", LOAD, STORE),
    kernel("bulk", ["from"], WAIT, *BULK),
    kernel("bulk_early", ["from"], *BULK, WAIT),
    kernel("bulk_leader", ["from"], "setp.eq.u32 %p, %r1, 33; @%p griddepcontrol.wait;", SYNC, *BULK),
    kernel("bulk_leader_alone", ["from"], "setp.eq.u32 %p, %r1, 33; @%p griddepcontrol.wait;", *BULK),
    kernel("count", ["to"], TRIGGER, "red.global.add.u32 [%to], 1;"),
    kernel("put_late", ["to"], TRIGGER, "mov.u32 %r2, 0;", "MORE: add.u32 %r2, %r2, 1; setp.lt.u32 %p, %r2, 20000; @%p bra MORE;", PUT),
    kernel("forever", ["to"], TRIGGER, "MORE: add.u32 %r2, %r2, 1; st.global.u32 [%to], %r2; bra MORE;"),
    kernel("stuck", ["to"], TRIGGER, "POLL: ld.relaxed.gpu.global.u32 %r2, [%to]; setp.eq.u32 %p, %r2, 0; @%p bra POLL;"),
    kernel("astray", ["to"], TRIGGER, "mov.u32 %r2, 0;", "MORE: add.u32 %r2, %r2, 1; setp.lt.u32 %p, %r2, 20000; @%p bra MORE;",
           "mov.u64 %rd1, 16; st.global.u32 [%rd1], %r1;"),
])

PRELUDE = """
class Attribute(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int), ("pad", ctypes.c_int), ("value", ctypes.c_uint64 * 8)]
class Config(ctypes.Structure):
    _fields_ = [("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3), ("shared", ctypes.c_uint),
                ("stream", ctypes.c_void_p), ("attributes", ctypes.POINTER(Attribute)), ("count", ctypes.c_uint)]
STREAM_SERIALIZATION, PROGRAMMATIC_EVENT, COMPLETION_EVENT = 6, 7, 12
NO_TIMING = 2
MODULE = load(KERNELS)
BYTES = 256
def stream():
    made = ctypes.c_void_p()
    assert cuda.cuStreamCreate(ctypes.byref(made), 1) == 0
    return made
def event():
    made = ctypes.c_void_p()
    assert cuda.cuEventCreate(ctypes.byref(made), NO_TIMING) == 0
    return made
def buffer():
    address = allocate(BYTES)
    assert cuda.cuMemsetD8_v2(ctypes.c_uint64(address), 0, ctypes.c_size_t(BYTES)) == 0
    return address
def fill(address): assert cuda.cuMemsetD8Async(ctypes.c_uint64(address), 1, ctypes.c_size_t(BYTES), where) == 0
def run(name, *arguments, attributes=(), stream=None):
    function = ctypes.c_void_p()
    assert cuda.cuModuleGetFunction(ctypes.byref(function), MODULE, name.encode()) == 0
    values = [ctypes.c_uint64(each) for each in arguments]
    pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(each) for each in values])
    wishes = (Attribute * max(len(attributes), 1))()
    for wish, (id, *rest) in zip(wishes, attributes): wish.id = id; wish.value[:len(rest)] = rest
    config = Config((1, 1, 1), (64, 1, 1), 0, stream or where, wishes, len(attributes))
    assert cuda.cuLaunchKernelEx(ctypes.byref(config), function, pointers, None) == 0
def then(name, *arguments): run(name, *arguments, attributes=[(STREAM_SERIALIZATION, 1)])
def read(address):
    assert cuda.cuCtxSynchronize() == 0
    host = (ctypes.c_uint * 64)()
    assert cuda.cuMemcpyDtoH_v2(host, ctypes.c_uint64(address), ctypes.c_size_t(BYTES)) == 0
    return list(host)
def captured(work):
    global where
    where = stream()
    assert cuda.cuStreamBeginCapture_v2(where, 2) == 0
    work()
    graph, exec = ctypes.c_void_p(), ctypes.c_void_p()
    assert cuda.cuStreamEndCapture(where, ctypes.byref(graph)) == 0
    assert cuda.cuGraphInstantiateWithFlags(ctypes.byref(exec), graph, ctypes.c_uint64(0)) == 0
    assert cuda.cuGraphLaunch(exec, where) == 0
def behind(kind, first, second):
    other, happened = stream(), event()
    run(*first, attributes=[(kind, happened.value)])
    assert cuda.cuStreamWaitEvent(other, happened, 0) == 0
    run(*second, stream=other)
where = None
a, b, c, d = buffer(), buffer(), buffer(), buffer()
"""
END = "\nassert cuda.cuCtxSynchronize() == 0\n"
NO_WAIT = "no griddepcontrol.wait, of this thread or of one that it synchronizes with, orders this "
NO_ORDER = "; griddepcontrol.launch_dependents orders no memory"
IN_TIME = "; it starts late enough, which orders no memory"

# Programs, and the marks of both sides.
RACES = {
    "no_wait": ("run('put', a); then('unguarded', a, b)", {("load", "put")}),
    "load_before_wait": ("run('put', a); then('load_early', a, b)", {("load", "put")}),
    "store_before_wait_into_what_is_read": ("run('take', a, b); then('store_early', a, c)", {("early", "take")}),
    "store_before_wait_into_what_is_written": ("run('put', a); then('store_early', a, c)", {("early", "put")}),
    "written_again_behind_the_wait": ("run('put', a); then('zero_early', a)", {("early", "put")}),
    "wait_of_another_thread": ("run('put', a); then('leader_alone', a, b)", {("load", "put")}),
    "barrier_before_the_wait": ("run('put', a); then('leader_late', a, b)", {("load", "put")}),
    "bulk_load_before_wait": ("run('put', a); then('bulk_early', a)", {("bulk", "put")}),
    "bulk_load_and_wait_of_another_thread": ("run('put', a); then('bulk_leader_alone', a)", {("bulk", "put")}),
    "weights_that_the_primary_writes": ("run('put', a)\nthen('load_early', a, b)", {("load", "put")}),
    "last_of_three": ("run('put', a); then('move', a, b); then('load_early', b, c)", {("load", "moving")}),
    "last_of_three_and_the_first": ("run('put', a); then('move', a, b); then('load_early', a, c)", {("load", "put")}),
    "reuse_of_a_buffer": ("for i in range(3): run('move', a, b); then('store_early', a, c)", {("early", "moved")}),
    "other_stream": ("where = stream(); run('put', a); then('unguarded', a, b)", {("load", "put")}),
    "graph": ("captured(lambda: (run('put', a), then('unguarded', a, b)))", {("load", "put")}),
    "event": ("behind(PROGRAMMATIC_EVENT, ('put', a), ('unguarded', a, b))", {("load", "put")}),
}

# The wait is there, but not in the launch between.
UNPASSED = {
    "middle_does_not_wait": ("run('put', a); then('idle', c); then('move', a, b)", {("moved", "put")}),
    "graph": ("captured(lambda: (run('put', a), then('idle', c), then('move', a, b)))", {("moved", "put")}),
}

# Nothing orders memory, though the order in time is right.
FORMAL = {
    "primary_lets_nobody_start": ("run('plain', a); then('unguarded', a, b)", {("load", "plain")}),
    "middle_waits_first": ("run('put', a); then('handover', a, b); then('unguarded', a, c)", {("load", "put")}),
}

ORDERED = {
    "wait": "run('put', a); then('move', a, b)",
    "ordinary_launch": "run('put', a); run('unguarded', a, b)",
    "weights_before_the_wait": "fill(d); run('put', a); then('weights', a, d, b)",
    "leader_and_barrier": "run('put', a); then('leader', a, b)",
    "leader_and_flag": "run('put', a); then('leader_flag', a, b)",
    "bulk_load": "run('put', a); then('bulk', a)",
    "bulk_load_behind_a_leader": "run('put', a); then('bulk_leader', a)",
    "three": "run('put', a); then('move', a, b); then('move', a, c)",
    "many": "for i in range(9): then('move', a, b); then('move', b, a)",
    "ordinary_behind_one_that_does_not_wait": "run('put', a); then('idle', c); run('unguarded', a, b)",
    "before_the_first": "fill(a); run('idle', b); then('unguarded', a, c)",
    "before_the_first_of_three": "run('plain', a); run('idle', b); then('idle', c); then('unguarded', a, d)",
    "fill_between": "run('put', a); fill(c); then('unguarded', a, b)",
    "event_between": "run('put', a); cuda.cuEventRecord(event(), where); then('unguarded', a, b)",
    "host_between": "run('put', a); cuda.cuCtxSynchronize(); then('unguarded', a, b)",
    "both_read": "fill(a); run('take', a, b); then('unguarded', a, c)",
    "both_count": "run('count', a); then('count', a)",
    "copy_behind": "run('put', a); then('move', a, b); fill(a); fill(b)",
    "graph": "captured(lambda: (run('put', a), then('move', a, b)))",
    "graph_behind_one_that_does_not_wait": "captured(lambda: (run('put', a), then('idle', c), run('unguarded', a, b)))",
    "event": "behind(PROGRAMMATIC_EVENT, ('put', a), ('move', a, b))",
}


def check(tmp_path, program):
    done, found = test_host.run(tmp_path, f"KERNELS = {KERNELS!r}\n" + PRELUDE + program + END)
    assert done.returncode == 0, done.stderr
    return found


def marks_of(finding):
    lines = KERNELS.splitlines()
    # load() puts three lines before.
    return tuple(re.search("//(.*)", lines[finding[key] - 4])[1] for key in ("ptx_line", "other_ptx_line"))


def expect(found, marks, severity, *words):
    assert {marks_of(each) for each in found} == marks, found
    for each in found:
        assert (each["kind"], each["severity"]) == ("race", severity), each
        assert all(word in each["message"] for word in words), each
        assert "cuMemAlloc of 256 bytes" in each["object"], each


@pytest.mark.parametrize("name", RACES)
def test_race(name, tmp_path):
    program, marks = RACES[name]
    expect(check(tmp_path, program), marks, "error", NO_WAIT, " of a dependent launch behind the ", NO_ORDER)


@pytest.mark.parametrize("name", UNPASSED)
def test_wait_that_is_not_passed_on(name, tmp_path):
    program, marks = UNPASSED[name]
    expect(check(tmp_path, program), marks, "error", "waits for the launch before, none of whose threads has waited", NO_ORDER)


@pytest.mark.parametrize("name", FORMAL)
def test_formal(name, tmp_path):
    program, marks = FORMAL[name]
    expect(check(tmp_path, program), marks, "formal", NO_WAIT, IN_TIME)


@pytest.mark.parametrize("name", ORDERED)
def test_ordered(name, tmp_path):
    assert check(tmp_path, ORDERED[name]) == []


def test_event_at_the_start_of_a_launch(tmp_path):
    """Whoever waits for it cannot wait for the rest."""
    found = check(tmp_path, "behind(COMPLETION_EVENT, ('put', a), ('move', a, b))")
    expect(found, {("moved", "put")}, "error", "no stream, event or wait of the host orders this ld.global.u32")


def results(tmp_path, program, seed, checks="", **environment):
    """What a program prints under a seed."""
    done, _ = test_host.run(tmp_path, f"KERNELS = {KERNELS!r}\n" + PRELUDE + program, checks=checks,
                            TILEWRIGHT_SIM_SCHEDULE=str(seed), **environment)
    return done


RIGHT = str(list(range(64)))
# Each with a wait, and without it.
SCHEDULED = {
    "wait": ("run('put', a); then('move', a, b); print(read(b))", "run('put', a); then('unguarded', a, b); print(read(b))"),
    "slow_primary": ("run('put_late', a); then('leader', a, b); print(read(b))",
                     "run('put_late', a); then('leader_alone', a, b); print(read(b))"),
    "other_stream": ("where = stream(); run('put', a); then('move', a, b); print(read(b))",
                         "where = stream(); run('put', a); then('load_early', a, b); print(read(b))"),
    "three": ("run('put_late', a); then('move', a, c); then('move', c, b); print(read(b))",
              "run('put_late', a); then('idle', d); then('move', a, b); print(read(b))"),
}
SEEDS = range(1, 7)


@pytest.mark.parametrize("name", SCHEDULED)
def test_schedules(name, tmp_path):
    """Under a seed a dependent runs beside its primary: what only happens to be in order comes out wrong some time."""
    right, wrong = SCHEDULED[name]
    for seed in SEEDS:
        done = results(tmp_path, right, seed)
        assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", RIGHT), seed
    outputs = [results(tmp_path, wrong, seed).stdout.strip() for seed in SEEDS]
    assert any(output != RIGHT for output in outputs)
    assert outputs == [results(tmp_path, wrong, seed).stdout.strip() for seed in SEEDS], "a seed does not give the same run again"


@pytest.mark.parametrize("seed", [1, 2])
def test_checks_of_launches_that_overlap(seed, tmp_path):
    for program in ("run('put', a); then('unguarded', a, b)", "run('put_late', a); then('unguarded', a, b)"):
        done, found = test_host.run(tmp_path, f"KERNELS = {KERNELS!r}\n" + PRELUDE + program + END, TILEWRIGHT_SIM_SCHEDULE=str(seed))
        assert done.returncode == 0 and marks_of(found[0]) == ("load", "put") and len(found) == 1
    for program in ("run('put_late', a); then('move', a, b); then('leader', b, c); then('move', c, d)",
                    "where = stream()\nfor i in range(20): then('move', a, b); then('move', b, a)"):
        done, found = test_host.run(tmp_path, f"KERNELS = {KERNELS!r}\n" + PRELUDE + program + END, TILEWRIGHT_SIM_SCHEDULE=str(seed))
        assert (done.returncode, found) == (0, []), done.stderr


@pytest.mark.parametrize("program, code, words", [
    ("run('astray', a); then('move', a, b)", 700, "'astray'"),
    ("run('astray', a); then('unguarded', a, b)", 700, "'astray'"),
    ("run('forever', a); then('move', a, b)", 702, "kernel 'forever' has not ended within 1 s"),
    ("run('put', a); then('stuck', b)", 702, "'stuck'"),
])
def test_failures_of_launches_that_overlap(program, code, words, tmp_path):
    """A primary that fails, or never ends, takes its dependent with it; nobody hangs."""
    program += "\nprint(cuda.cuCtxSynchronize())"
    done = results(tmp_path, program, 1, TILEWRIGHT_SIM_TIMEOUT="1")
    assert (done.returncode, done.stdout.strip()) == (0, str(code)), done.stderr
    assert words in done.stderr, done.stderr
