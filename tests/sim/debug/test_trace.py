"""tilewright sim --trace: what is printed of each instruction, against values that the tests compute."""

import re
import struct

import numpy as np
import pytest
from debugging import ALL, BUILD, HERE, Ptx, at, compiled, run, steps, text_of

ADDRESS = r"cuMemAlloc #\d+ \+ "


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    ptx = Ptx("values")
    return ptx, steps(ptx.run(tmp_path_factory.mktemp("values"), trace="values:1:0"))


@pytest.mark.parametrize("label, register, value, form", [
    ("uniform", "%r1", lambda lane: 7, str),
    ("lanes", "%r2", lambda lane: lane, str),
    ("product", "%r3", lambda lane: 7 * lane, str),
    ("negative", "%s1", lambda lane: -7 * lane, str),
    ("squares", "%r4", lambda lane: lane * lane, str),
    ("bits", "%b1", lambda lane: lane % 4, hex),
    ("float", "%f1", lambda lane: float(lane), lambda value: f"{value:g}"),
    ("halves", "%f2", lambda lane: lane / 2, lambda value: f"{value:g}"),
    ("double", "%fd1", lambda lane: lane / 2, lambda value: f"{value:g}"),
    ("half", "%h1", lambda lane: lane / 2, lambda value: f"{value:g}"),
    ("pair", "%b3", lambda lane: (lane, lane), lambda value: f"({value[0]}, {value[1]})"),
    ("choice", "%r5", lambda lane: int(lane < 12), str),
    ("element", "%v.y", lambda lane: 8, str),
    ("wide", "%rd2", lambda lane: 8 * lane, str),
    ("load", "%r8", lambda lane: 7 * lane, str),
    ("local", "%r11", lambda lane: 7 * lane, str),
    ("folded", "%r13", lambda lane: lane + 5, str),
])
def test_results(values, label, register, value, form):
    ptx, found = values
    step = at(found, ptx, label)
    assert step.results == {register: text_of(value, ALL, form)}
    assert step.block == (1, 0, 0)


def test_nan_has_its_bits(values):
    ptx, found = values
    bits = int(re.search(r"nan\((0x[0-9a-f]+)\)", at(found, ptx, "nan").results["%f3"]).group(1), 16)
    assert np.isnan(struct.unpack("f", struct.pack("I", bits))[0])
    assert at(found, ptx, "nan").results["%f3"] == f"{{nan({bits:#x}) in lanes 0x1, 0.5 in lanes 0xfffffffe}}"


def test_sources_are_those_before(values):
    ptx, found = values
    assert at(found, ptx, "squares").sources == {"%r2": text_of(lambda lane: lane)}
    assert at(found, ptx, "element").sources == {"%v.x": "7"}


def test_predicates_and_lanes(values):
    ptx, found = values
    assert at(found, ptx, "predicate").results == {"%p1": "lanes 0xfff"}
    assert at(found, ptx, "always").results == {"%p2": "true"}
    guarded = at(found, ptx, "guarded")
    assert guarded.notes == ["lanes 0xfff"]
    assert guarded.results == {"%r6": text_of(lambda lane: lane + 100, 0xFFF)}
    assert guarded.sources == {"%p1": "lanes 0xfff", "%r2": text_of(lambda lane: lane, 0xFFF)}
    skipped = at(found, ptx, "skipped")
    assert skipped.notes == ["skipped by all lanes"] and not skipped.results


def test_addresses_are_named(values):
    ptx, found = values
    assert re.fullmatch(ADDRESS + "0", at(found, ptx, "pointer").results["%rd1"])
    assert re.fullmatch(ADDRESS + re.escape("0 +8"), at(found, ptx, "address").results["%rd3"])
    store, = at(found, ptx, "store").details
    assert re.fullmatch("writes 8 bytes a lane at " + ADDRESS + re.escape("16 +8"), store)
    assert at(found, ptx, "store").sources["%r4"] == text_of(lambda lane: lane * lane)
    shared, = at(found, ptx, "shared").details
    assert shared == "writes 4 bytes a lane at shared 'tile' + 64 +4"
    broadcast = at(found, ptx, "broadcast")
    assert broadcast.details == ["reads 16 bytes a lane at shared 'tile' + 64"]
    assert broadcast.results == {"%f4": "0", "%f5": "0.5", "%f6": "1", "%f7": "1.5"}
    assert at(found, ptx, "local").details == ["reads 4 bytes a lane at local 'own' + 4"]
    atomic = at(found, ptx, "atomic")
    assert atomic.details == ["updates 4 bytes a lane at variable 'counter' + 0"]
    # The first block has counted to 32.
    assert atomic.results == {"%r12": text_of(lambda lane: 32 + lane)}


def test_text_is_one_line(values):
    ptx, found = values
    line = next(number for number, text in enumerate(ptx.text.splitlines(), 1) if "semicolon" in text)
    step, = [step for step in found if step.line == line]
    assert step.text == "add.u32 %r13, %r2, 5;"


def test_every_instruction_once(values):
    ptx, found = values
    code = [line for line in ptx.text.splitlines() if re.match(r"    [a-z@].*;|    /\*", line)]
    assert len(found) == len(code)
    assert {step.warp for step in found} == {0} and {step.block for step in found} == {(1, 0, 0)}
    numbers = [step.step for step in found if "skipped by all lanes" not in step.notes]
    assert numbers == sorted(set(numbers)) and numbers[0] > len(code)  # behind the first block


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    ptx = Ptx("flow")
    return ptx, steps(ptx.run(tmp_path_factory.mktemp("flow"), trace="flow"))


def test_divergence(flow):
    ptx, found = flow
    branch = at(found, ptx, "branch")
    assert branch.notes == ["lanes 0x3ff", "taken by 10 of 32 lanes"]
    small, large = 0x3FF, ALL & ~0x3FF
    assert at(found, ptx, "small").results == {"%r3": text_of(lambda lane: lane + 2000, small)}
    assert at(found, ptx, "large").results == {"%r3": text_of(lambda lane: lane + 1000, large)}
    assert at(found, ptx, "small").notes == [f"lanes {small:#x}"]
    joined = at(found, ptx, "joined")
    assert joined.notes == []
    assert joined.results == {"%r4": text_of(lambda lane: lane + (2001 if lane < 10 else 1001))}
    # The second warp goes one way.
    assert at(found, ptx, "joined", 1).results == {"%r4": text_of(lambda lane: lane + 32 + 1001)}


def test_names_that_hide_others(flow):
    ptx, found = flow
    assert at(found, ptx, "before").results == {"%t": "77"}
    assert at(found, ptx, "hidden").results == {"%t": "1.5"}
    assert at(found, ptx, "deepest").results == {"%t": "9"}
    outer = at(found, ptx, "outeragain")
    assert outer.sources == {"%t": "1.5"} and outer.results == {"%f1": "3"}
    assert at(found, ptx, "shown").sources == {"%t": "77"} and at(found, ptx, "shown").results == {"%r2": "78"}


def test_calls(flow):
    ptx, found = flow
    argument = [lane + (2001 if lane < 10 else 1001) for lane in range(32)]
    assert at(found, ptx, "call").sources == {"%r4": text_of(lambda lane: argument[lane])}
    assert at(found, ptx, "entered").results == {"%r3": text_of(lambda lane: argument[lane] + 1)}
    assert at(found, ptx, "inside").results == {"%r2": text_of(lambda lane: 2 * (argument[lane] + 1))}
    assert at(found, ptx, "answered").results == {"%out": text_of(lambda lane: 2 * (argument[lane] + 1))}
    assert at(found, ptx, "returned").results == {"%r6": text_of(lambda lane: 2 * (argument[lane] + 1) + 1)}


def test_result_of_a_call_in_a_register(tmp_path):
    ptx = Ptx("flow")
    output = ptx.run(tmp_path, trace="flow:0:1")
    returned, = re.findall(r" {30}returned (.*)", output)
    assert returned == "%r5 = " + text_of(lambda lane: 2 * (lane + 32 + 1002))


def test_barrier_shows_once_with_its_wait(flow):
    ptx, found = flow
    first, second = at(found, ptx, "barrier", 0), at(found, ptx, "barrier", 1)
    waited, = first.notes
    # What the other warp did meanwhile, less what the first one does of them.
    assert re.fullmatch(r"waited \d+ steps", waited) and not second.notes
    came = max(step.step for step in found if step.warp == 0 and step.step < first.step)
    assert int(waited.split()[1]) == first.step - came
    assert first.details == second.details == ["barrier 0: now in phase 1"]
    assert at(found, ptx, "receive").results == {"%r9": str(2 * (63 + 1002) + 1)}


def test_loops(flow):
    ptx, found = flow
    rounds = [step for step in found if step.line == ptx.lines["loop"] and step.warp == 1]
    assert [step.results for step in rounds] == [{"%r10": str(i)} for i in range(1, 5)]


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    ptx = Ptx("copies")
    return ptx, steps(ptx.run(tmp_path_factory.mktemp("copies"), trace="copies:0:0"))


def test_mbarrier_and_copies(copies):
    ptx, found = copies
    name = "mbarrier shared 'full' + 0: "
    idle = "phase 0, 1 of 1 arrival pending"
    # Shared memory is zeros before, which is no mbarrier.
    assert at(found, ptx, "init").details == [f"{name}no mbarrier -> {idle}"]
    expected = "phase 0, 0 of 1 arrival pending, 768 bytes to come"
    assert at(found, ptx, "expect").details == [f"{name}{idle} -> {expected}"]
    moved, state = at(found, ptx, "bulk").details
    assert re.fullmatch(f"copies 256 bytes from {ADDRESS}64 to shared 'line' \\+ 0", moved)
    left = expected.replace("768", str(768 - 256))
    assert state == f"{name}{expected} -> {left}"
    box, state = at(found, ptx, "tensor").details
    bytes_of_box = 16 * 8 * 4
    assert re.fullmatch(f"loads a box of 16x8 f32, {bytes_of_box} bytes, from tensor {ADDRESS}0 at \\(4,3\\) to "
                        r"shared 'box' \+ 0", box)
    assert state == f"{name}{left} -> phase 1, 1 of 1 arrival pending"
    wait = [step for step in found if step.line == ptx.lines["wait"]]
    assert wait[-1].results == {"%p2": "true"}


def test_products(copies):
    ptx, found = copies
    product, queue = at(found, ptx, "product").details
    rest = "(leading 128, stride 256, no swizzle)"
    # A descriptor counts in units of 16 bytes.
    assert product == (f"product m64n8k16: A at shared 'operands' + 0 {rest}, "
                       f"B at shared 'operands' + {128 * 16} {rest}")
    assert queue.endswith("1 issued, 0 done")  # the other warps have not come yet
    assert at(found, ptx, "done").details[-1].endswith("1 issued, 1 done")
    # All operands are ones: each sum is over k.
    assert at(found, ptx, "use").sources == {"%f0": "16"} and at(found, ptx, "use").results == {"%f4": "32"}


def test_fragments(copies):
    ptx, found = copies
    store = at(found, ptx, "fragment")
    # The stride is a number, whatever the matrix is made of.
    assert store.sources == {"%r7": "1024", "%r11": "16"} | {f"%f{i}": "16" for i in range(4)}
    row = 16 * 4
    assert store.details == [f"writes {row} bytes at shared 'operands' + {row * i}" for i in range(4)] + [
        "and in 12 other places"]


def test_tensor_copies_of_the_corpus(tmp_path):
    source = HERE.parent / "corpus" / "programs" / "tma_transpose.cu"
    program = compiled(source, tmp_path / "program", "-std=c++17", "-O1", "-lcuda", f"-I{source.parents[1]}")
    x, y = 2, 1
    done = run([program], trace=f"transpose:{x},{y}:0")
    assert done.returncode == 0, done.stderr
    boxes = [detail for step in steps(done.stderr) for detail in step.details if " a box of 32x32 f32" in detail]
    load, store = boxes
    assert load.startswith("loads") and f"at ({32 * x},{32 * y}) to shared" in load and "::tile'" in load
    assert store.startswith("stores") and store.endswith(f"at ({32 * y},{32 * x})") and "::turned'" in store


def test_deadlock_and_fault(tmp_path):
    stuck = Ptx("deadlock")
    output = stuck.run(tmp_path, result=702, trace="stuck")
    assert "trace: deadlock after" in output
    step = at(steps(output), stuck, "stuck")
    assert step.text == "barrier.sync 1, 64;" and step.notes == ["lanes 0xffffffff", f"waited from step {step.step} to the end"]
    faulty = Ptx("fault")
    found = faulty.run(tmp_path, result=700, trace="faulty")
    assert at(steps(found), faulty, "last").results == {"%r1": "5"}
    step = at(steps(found), faulty, "fault")
    assert step.notes == ["fault"] and step.sources == {"%rd1": "64", "%r1": "5"}
    assert step.details[0].startswith("lane 0: ")


def test_other_blocks_and_warps_are_left_out(tmp_path):
    found = steps(Ptx("values").run(tmp_path, trace="values:*:0"))
    assert {step.block for step in found} == {(0, 0, 0), (1, 0, 0)}
    assert {step.warp for step in steps(Ptx("flow").run(tmp_path, trace="flow:0,0,0:1"))} == {1}


def test_limit(tmp_path):
    output = Ptx("values").run(tmp_path, trace="values", trace_limit=5)
    assert len(steps(output)) == 5
    assert output.splitlines()[-1] == "trace: the limit of 5 instructions is reached, the rest is cut"


def test_output_file(tmp_path):
    path = tmp_path / "trace.%p.txt"
    output = Ptx("values").run(tmp_path, trace="values:1", trace_output=path)
    assert output == ""
    file, = tmp_path.glob("trace.*.txt")
    assert re.fullmatch(r"trace\.\d+\.txt", file.name)
    assert len(steps(file.read_text())) > 30


@pytest.mark.parametrize("wanted, message", [
    ("valeus", "no kernel 'valeus' ran, did you mean 'values'? These did: 'values'"),
    ("something", "no kernel 'something' ran; these did: 'values'"),
    ("values:7", "no launch of 'values' has block (7,0,0)"),
    ("values:0:3", "no launch of 'values' has block (0,0,0), warp 3"),
])
def test_nothing_to_trace(tmp_path, wanted, message):
    output = Ptx("values").run(tmp_path, trace=wanted)
    assert output.splitlines()[-1] == f"tilewright-sim: trace: {message}"
    assert not steps(output)


def test_cuda_names(tmp_path):
    """Mangled, demangled, and without parameters, template arguments and namespaces."""
    source = tmp_path / "names.cu"
    source.write_text("namespace space { template <int n, typename T> __global__ void kernel(T *at) { at[n] = n; } }\n"
                      "int main() { float *at; cudaMalloc(&at, 64); space::kernel<3><<<1, 1>>>(at);\n"
                      "return cudaDeviceSynchronize(); }\n")
    program = compiled(source, tmp_path / "names")
    for name in ["_ZN5space6kernelILi3EfEEvPT0_", "void space::kernel<3, float>(float*)",
                 "void space::kernel<3, float>", "space::kernel<3, float>", "space::kernel", "kernel"]:
        done = run([program], trace=name)
        assert done.returncode == 0 and steps(done.stderr), (name, done.stderr)
    assert not steps(run([program], trace="kern").stderr)


@pytest.mark.parametrize("variables, message", [
    ({"trace": ""}, None),
    ({"trace": "5"}, "TILEWRIGHT_SIM_TRACE: expected KERNEL[:BLOCK[:WARP]], but got '5'"),
    ({"trace": "k:1,2,3,4"}, "TILEWRIGHT_SIM_TRACE: '1,2,3,4' is no block: x, x,y or x,y,z"),
    ({"trace": "k:0:1,2"}, "TILEWRIGHT_SIM_TRACE: '1,2' is no warp's number"),
    ({"trace": "k:x"}, "TILEWRIGHT_SIM_TRACE: expected KERNEL[:BLOCK[:WARP]], but got 'k:x'"),
    ({"trace": "k", "trace_limit": "many"}, "TILEWRIGHT_SIM_TRACE_LIMIT: expected a number from 1, but got 'many'"),
    ({"trace": "k", "trace_limit": "0"}, "TILEWRIGHT_SIM_TRACE_LIMIT: expected a number from 1, but got '0'"),
])
def test_wrong_wishes(tmp_path, variables, message):
    path = tmp_path / "init.py"
    path.write_text("import ctypes, sys\nsys.exit(ctypes.CDLL('libcuda.so.1').cuInit(0))\n")
    done = run(["python3", path], **variables)
    if message is None:
        assert done.returncode == 0 and done.stderr == ""
    else:
        assert done.returncode == 1 and done.stderr == f"tilewright-sim: {message}\n"


def test_checks_see_the_same(tmp_path):
    """Both at once: findings and trace."""
    ptx = Ptx("fault")
    output = ptx.run(tmp_path, result=700, trace="faulty", check="all")
    assert at(steps(output), ptx, "fault") and "error: memory:" in output


def test_tool_refuses_before_it_runs(tmp_path):
    tool = BUILD / "bin" / "tilewright"
    if not tool.exists():
        pytest.skip("the compiler is not built")
    marker = tmp_path / "ran"
    done = run([tool, "sim", "--trace", "k:0:1,2", "--", "touch", marker])
    assert done.returncode == 2 and done.stderr == "tilewright-sim: trace: '1,2' is no warp's number\n"
    assert not marker.exists()
    assert run([tool, "sim", "--trace-limit", "5", "--", "touch", marker]).returncode == 2
    assert not marker.exists()


