"""Runs instructions that are functions of their lanes: all variants in one kernel, a thread for each set of operands.

Sources and destinations are 64-bit words; a register of fewer bits takes the low ones, a predicate the lowest.
"""

import re

import harness
import numpy as np

BLOCK = 128
DESTINATIONS = 3  # registers of each kind that a variant may write
REGISTERS = 10    # of each kind; the last one is for code around a variant
SPARE = REGISTERS - 1
READ = {"h": "cvt.u64.u16 %w, {0};", "r": "cvt.u64.u32 %w, {0};", "d": "mov.b64 %w, {0};", "p": "selp.u64 %w, 1, 0, {0};"}
WRITE = {"h": "cvt.u16.u64 {0}, {1};", "r": "cvt.u32.u64 {0}, {1};", "d": "mov.b64 {0}, {1};",
         "p": "and.b64 %w, {1}, 1; setp.ne.u64 {0}, %w, 0;"}


def renumbered(variant):
    """The instruction with its destinations numbered from 0 and its sources from DESTINATIONS, and the destinations. A source's
    number is its place among the operands, constants included."""
    name, rest = variant.split(None, 1)
    parts = rest.split(",")
    counts = {}

    def destination(match):
        counts[match.group(1)] = counts.get(match.group(1), -1) + 1
        return f"%{match.group(1)}{counts[match.group(1)]}"

    first = re.sub(r"%([hrdp])\d+", destination, parts[0])
    sources = [re.sub(r"%([hrdp])\d+", lambda m: f"%{m.group(1)}{DESTINATIONS + i}", part) for i, part in enumerate(parts[1:])]
    return f"{name} {','.join([first] + sources)};", re.findall(r"%[hrdp]\d+", first)


def one(variant, around):
    """Code of a variant: its destinations, and what `around` stores after it, go to the next rows."""
    text, stored = renumbered(variant)
    before, after, more = around(variant) if around else ("", "", [])
    lines = [before, text, after]
    for register in stored + more:
        lines.append(READ[register[1]].format(register) + " st.global.b64 [%out], %w; add.u64 %out, %out, %step;")
    return " ".join(line for line in lines if line), len(stored + more)


def source(codes, count):
    loads = []
    for i in range(count):
        loads.append(f"ld.param.u64 %at, [p{i}]; add.u64 %at, %at, %off; ld.global.b64 %s{i}, [%at];")
        loads += [WRITE[kind].format(f"%{kind}{DESTINATIONS + i}", f"%s{i}") for kind in "hrdp"]
    params = ", ".join(f".param .u64 p{i}" for i in range(count + 1))
    return f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test({params}, .param .u64 pstep)
{{
    .reg .pred %p<{REGISTERS}>; .reg .b16 %h<{REGISTERS}>; .reg .b32 %r<{REGISTERS}>, %t, %u; .reg .b64 %d<{REGISTERS}>;
    .reg .b64 %s<{count}>, %w, %at, %off, %out, %step;
    mov.u32 %t, %tid.x; mov.u32 %u, %ctaid.x; mad.lo.u32 %t, %u, {BLOCK}, %t; mul.wide.u32 %off, %t, 8;
    ld.param.u64 %out, [p{count}]; add.u64 %out, %out, %off; ld.param.u64 %step, [pstep];
    {" ".join(loads)}
    {chr(10).join("    " + code for code in codes)}
    ret;
}}
"""


def run(variants, operands, tmp_path, around=None):
    """For each variant its rows of results. `operands` are arrays of as many 64-bit words; `around(variant)` may give code before
    and after the instruction, and registers to store beside its destinations."""
    count = len(operands[0])
    padded = -(-count // BLOCK) * BLOCK
    codes, rows = zip(*(one(variant, around) for variant in variants))
    path = tmp_path / "lanes.ptx"
    path.write_text(source(codes, len(operands)))
    test = harness.Test(f"//! grid {padded // BLOCK}\n//! block {BLOCK}")
    test.arguments = [("in", f"s{i}", np.resize(np.asarray(x, np.uint64), padded)) for i, x in enumerate(operands)]
    test.arguments += [("out", "d", np.zeros((sum(rows), padded), np.uint64)), ("value", "step", np.uint64(8 * padded))]
    test.run(path)
    results = iter(test.names["d"][:, :count].tolist())
    return [[next(results) for _ in range(n)] for n in rows]


def pairs(edges, random_count, seed, arity=2):
    """Operands: all pairs of the edges, then random words; further operands are shuffled copies."""
    random = np.random.default_rng(seed)
    edges = np.array(edges, np.uint64)
    noise = [random.integers(0, 2**64, random_count, dtype=np.uint64) for _ in range(arity)]
    first, second = np.repeat(edges, len(edges)), np.tile(edges, len(edges))
    columns = [first, second] + [random.permutation(first) for _ in range(arity - 2)]
    return [np.concatenate(column) for column in zip(columns[:arity], noise)]


def first_wrong(variant, rows, operands, expected):
    """A line about the first lane whose results are not the expected ones, or nothing."""
    for sources, got in zip(operands, zip(*rows)):
        want = expected(variant, *sources)
        want = want if isinstance(want, tuple) else (want,)
        assert len(want) == len(got), f"{variant}: {len(got)} results"
        for g, w in zip(got, want):
            if w is None or g == w or callable(w) and w(g):
                continue
            return (f"{variant}: of {', '.join(hex(s) for s in sources)}: got {g:#x}, want "
                    f"{hex(w) if isinstance(w, int) else w.__doc__}")
    return None


def compare(variants, results, operands, expected):
    """Asserts that each variant's rows are `expected(variant, *lane)` on every lane: a number, a function that accepts the result
    or not, or a tuple of them. With None anything goes."""
    sources = list(zip(*(np.asarray(x, np.uint64).tolist() for x in operands)))
    wrong = [line for variant, rows in zip(variants, results) if (line := first_wrong(variant, rows, sources, expected))]
    assert not wrong, f"{len(wrong)} of {len(variants)} variants\n" + "\n".join(wrong[:20])
