"""tilewright sim --break: what is shown of a warp that comes to a line, against values that the tests compute."""

import re
import struct

import pytest
from debugging import ROOT, Ptx, compiled, run, text_of

SECTIONS = ("stack", "registers", "parameters", "local memory", "mbarriers", "shared memory")


class Hit:
    """One report."""

    def __init__(self, text):
        self.head, self.place, *rest = text.splitlines()
        self.sections = {None: []}
        section = None
        for line in rest:
            if line in SECTIONS:
                section = line
                self.sections[section] = []
            else:
                self.sections[section].append(line)

    def values(self, section):
        """{name: (type, value)}"""
        return {name: (kind, value) for name, kind, value in
                (line.split(None, 2) for line in self.sections.get(section, []))}

    def rows(self, variable):
        """[(offset, hex words, meanings)] of a shared variable; '*' for rows that were left out."""
        lines = self.sections["shared memory"]
        start = next(i for i, line in enumerate(lines) if line.startswith(f"  '{variable}' at "))
        rows = []
        for line in lines[start + 1:]:
            if line.startswith("  '") or line.startswith("  dynamic"):
                break
            if line.strip() == "*":
                rows.append("*")
                continue
            offset, _, rest = line.strip().partition(" ")
            words, _, meaning = rest.partition("|")
            rows.append((int(offset), words.split(), meaning.split()))
        return rows


def hits(output):
    return [Hit(text) for text in re.split(r"^break \d+: ", output, flags=re.MULTILINE)[1:]]


def stop(ptx, directory, where, **variables):
    return hits(ptx.run(directory, **{"break": where}, **variables))


def test_registers_and_context(tmp_path):
    ptx = Ptx("values")
    line = ptx.lines["guarded"]
    hit, = stop(ptx, tmp_path, line)
    assert hit.head == f"kernel 'values', launch 1, block (0,0,0), warp 0, after {hit.head.split()[-2]} steps"
    assert hit.place == f"at image.ptx:{line}, lanes 0xfff"
    source = ptx.text.splitlines()
    assert hit.sections[None] == [f"{'->' if number == line else '  '}{number:6}  {source[number - 1]}"
                                  for number in range(line - 2, line + 3)]
    registers = hit.values("registers")
    lanes = 0xFFF  # those that execute the line
    assert registers["%r2"] == (".u32", text_of(lambda lane: lane, lanes))
    assert registers["%r4"] == (".u32", text_of(lambda lane: lane * lane, lanes))
    assert registers["%s1"] == (".s32", text_of(lambda lane: -7 * lane, lanes))
    assert registers["%f2"] == (".f32", text_of(lambda lane: lane / 2, lanes, lambda value: f"{value:g}"))
    assert registers["%fd1"] == (".f64", text_of(lambda lane: lane / 2, lanes, lambda value: f"{value:g}"))
    assert registers["%b3"][0] == ".f16x2" and registers["%p1"] == (".pred", "true")
    # What nothing has written is not shown: this line would write %r6.
    assert "%r6" not in registers and "%r0" not in registers and "%v.x" not in registers
    parameters = hit.values("parameters")
    assert parameters["n"] == (".u32", "7") and re.fullmatch(r"cuMemAlloc #\d+ \+ 0", parameters["d"][1])


def test_frames_and_stack(tmp_path):
    ptx = Ptx("flow")
    hit, = stop(ptx, tmp_path, f"{ptx.lines['inside']}:0:1")
    stack = [line.split(" at ")[0].strip() for line in hit.sections["stack"]]
    assert stack == ["#0 twice", "#1 outer", "#2 flow"]
    assert [int(line.rsplit(":", 1)[1]) for line in hit.sections["stack"]] == [
        ptx.lines["inside"], ptx.lines["nested"], ptx.lines["call"]]
    # The callee's %r1 and nothing of the caller's registers of the same names.
    argument = text_of(lambda lane: lane + 32 + 1002)
    assert hit.values("registers") == {"%r1": (".u32", argument)}
    assert hit.values("local memory")["value"] == (".u32", argument)


def test_parameter_in_a_register(tmp_path):
    ptx = Ptx("flow")
    hit, = stop(ptx, tmp_path, f"flow@{ptx.lines['entered']}:0:1")
    assert hit.values("registers") == {"%in": (".u32", text_of(lambda lane: lane + 32 + 1001))}


def test_names_that_hide_others(tmp_path):
    ptx = Ptx("flow")
    shown = {}
    for label in ("nestedline", "deepest", "outeragain", "shown"):
        hit, = stop(ptx, tmp_path, ptx.lines[label])
        shown[label] = hit.values("registers")
    assert shown["nestedline"]["%t"] == (".f32", "1.5") and "%inner" not in shown["nestedline"]
    assert "%t" not in shown["deepest"]  # the innermost, not written yet
    assert shown["outeragain"]["%t"] == (".f32", "1.5") and shown["outeragain"]["%inner"] == (".u32", "5")
    assert shown["shown"]["%t"] == (".u32", "77") and "%inner" not in shown["shown"]


def test_divergence(tmp_path):
    ptx = Ptx("flow")
    hit, = stop(ptx, tmp_path, ptx.lines["small"])
    assert hit.place.endswith(", lanes 0x3ff")
    assert hit.values("registers")["%r1"] == (".u32", text_of(lambda lane: lane, 0x3FF))
    hit, = stop(ptx, tmp_path, ptx.lines["joined"])
    assert "lanes" not in hit.place


def test_shared_memory(tmp_path):
    ptx = Ptx("flow")
    hit, = stop(ptx, tmp_path, ptx.lines["receive"])
    sent = [2 * (lane + (2002 if lane < 10 else 1002)) + 1 for lane in range(64)]
    words = [f"{value:08x}" for value in sent]
    rows = hit.rows("exchange")
    assert rows == [(32 * i, words[8 * i:8 * i + 8], [str(value) for value in sent[8 * i:8 * i + 8]]) for i in range(8)]
    values = Ptx("values")
    hit, = stop(values, tmp_path, values.lines["end"])
    rows = hit.rows("tile")
    halves = [lane / 2 for lane in range(32)]
    assert rows[0] == (0, ["00000000"] * 8, ["0"] * 8)
    meaning = [value for row in rows if row != "*" and 64 <= row[0] < 192 for value in row[2]]
    assert meaning == [f"{value:g}" for value in halves]
    bits = [word for row in rows if row != "*" and 64 <= row[0] < 192 for word in row[1]]
    assert bits == [f"{struct.unpack('I', struct.pack('f', value))[0]:08x}" for value in halves]


def test_equal_rows_are_left_out(tmp_path):
    ptx = Ptx("copies")
    hit, = stop(ptx, tmp_path, ptx.lines["done"])
    # 2304 bytes of ones: the first row, a star, the last row.
    ones = ["3f803f80"] * 8
    rows = hit.rows("operands")
    assert [row[:2] if row != "*" else row for row in rows] == [(0, ones), "*", (2304 - 32, ones)]
    # A tensor copy says what the elements are.
    assert "'box' at" in "\n".join(hit.sections["shared memory"]) and hit.rows("box")[0][2] == ["0"] * 8
    assert hit.sections["mbarriers"] == ["  shared 'full' + 0: phase 1, 1 of 1 arrival pending"]


def test_hits_and_warps(tmp_path):
    ptx = Ptx("flow")
    rounds = stop(ptx, tmp_path, f"{ptx.lines['loop']}:0:1", break_hits=3)
    assert [hit.values("registers")["%r10"][1] for hit in rounds] == ["0", "1", "2"]
    assert len(stop(ptx, tmp_path, ptx.lines["loop"], break_hits=100)) == 2 * 4
    # A warp that waits comes once.
    assert len(stop(ptx, tmp_path, ptx.lines["barrier"], break_hits=100)) == 2
    hit, = stop(ptx, tmp_path, f"{ptx.lines['shown']}:*:1")
    assert "block (0,0,0), warp 1," in hit.head
    values = Ptx("values")
    hit, = stop(values, tmp_path, f"values@{values.lines['lanes']}:1")
    assert "block (1,0,0), warp 0," in hit.head
    # The second block has the first one's place on the host, and nothing of its values.
    assert set(hit.values("registers")) == {"%rd1", "%r1"}
    hit, = stop(values, tmp_path, values.lines["skipped"])
    assert hit.place.endswith(", skipped by lanes 0xffffffff")


def test_line_without_code(tmp_path):
    ptx = Ptx("values")
    declaration = next(number for number, line in enumerate(ptx.text.splitlines(), 1) if ".shared" in line)
    hit, = stop(ptx, tmp_path, declaration)
    assert hit.place == f"at image.ptx:{ptx.lines['pointer']}"


@pytest.fixture(scope="module")
def cuda(tmp_path_factory):
    source = ROOT / "docs" / "examples" / "checks.cu"
    program = tmp_path_factory.mktemp("cuda") / "checks"
    compiled(source, program, "-O1", "-lineinfo")
    return source.read_text().splitlines(), program


def test_lines_of_cuda(cuda):
    source, program = cuda
    line = next(number for number, text in enumerate(source, 1) if "= tile[blockDim.x - 1 - threadIdx.x];" in text)
    for where in (f"checks.cu:{line}", f"examples/checks.cu:{line}", f"race@checks.cu:{line}:0:2"):
        hit, = hits(run([program, "race"], **{"break": where}).stderr)
        assert re.search(rf"checks\.cu:{line}$", hit.place.split(", lanes")[0]), hit.place
    assert not hits(run([program, "race"], **{"break": f"hecks.cu:{line}"}).stderr)


@pytest.mark.parametrize("where, message", [
    ("{last}", "no kernel that ran has code at or behind {last}"),
    ("other@{lanes}", "no kernel 'other' ran; these did: 'values'"),
    ("{lanes}:5", "no block (5,0,0) came to {lanes}:5"),
    ("values.cu:3", "no kernel that ran has code at or behind values.cu:3"),
])
def test_nothing_there(tmp_path, where, message):
    ptx = Ptx("values")
    lines = ptx.lines | {"last": len(ptx.text.splitlines()) + 1}
    output = ptx.run(tmp_path, **{"break": where.format(**lines)})
    assert output == f"tilewright-sim: break: {message.format(**lines)}\n"


@pytest.mark.parametrize("where", ["line", "0", "x.cu", "x.cu:y", "5:0:1:2", ":5", "k@", "k@0", "-5"])
def test_wrong_places(tmp_path, where):
    path = tmp_path / "init.py"
    path.write_text("import ctypes, sys\nsys.exit(ctypes.CDLL('libcuda.so.1').cuInit(0))\n")
    done = run(["python3", path], **{"break": where})
    assert done.returncode == 1
    assert done.stderr == ("tilewright-sim: TILEWRIGHT_SIM_BREAK: expected [KERNEL@][FILE:]LINE[:BLOCK[:WARP]], "
                           f"but got '{where}'\n")


def test_trace_and_break_and_checks_at_once(tmp_path):
    ptx = Ptx("flow")
    output = ptx.run(tmp_path, trace="flow:0:0", check="all", **{"break": ptx.lines["send"]})
    assert len(hits(output)) == 1 and "trace: launch 1" in output
