"""Every variant of set, setp, selp and slct, on all pairs of each type's edges (ISA 9.7.6 and 9.7.7)."""

import re

import forms
import harness
import numpy as np

WIDTHS = {"h": 16, "r": 32, "d": 64}
EDGES = {
    16: [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x3C00, 0xBC00, 0x7C00, 0xFC00, 0x7E00, 0x3F80, 0x7F80, 0x7FC0, 0x0001, 0x8001, 0x0100],
    32: [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x00000123,
         0x80000123, 0x3C003C00, 0x7E003C00, 0x3C00FC00, 0x7FC03F80],
    64: [0, 1, 2**63 - 1, 2**63, 2**64 - 1, 0x3FF0000000000000, 0xBFF0000000000000, 0x7FF0000000000000, 0xFFF0000000000000,
         0x7FF8000000000000, 5, 0x8000000000000005, 0x4000000000000000, 1 << 32, 0xFFFFFFFF, 7],
}
COUNT = 256
FIRST = {width: np.repeat(np.array(edges, np.uint64), 16) for width, edges in EDGES.items()}
SECOND = {width: np.tile(np.array(edges, np.uint64), 16) for width, edges in EDGES.items()}
# The third source: a predicate, or what slct looks at.
PREDICATE = np.arange(COUNT) * 7 % 3 == 0
THIRD = np.resize(np.array(EDGES[32], np.uint64), COUNT)[::-1].copy()
FLOATS = ("f16", "bf16", "f32", "f64")


def values(bits, kind, ftz):
    if kind == "bf16":
        return harness.from_bf16(bits.astype(np.uint16)).astype(np.float64)
    size = int(re.search(r"\d+", kind).group()) // 8
    letter = "f" if kind in FLOATS else "i" if kind[0] == "s" else "u"
    result = bits.astype(f"u{size}").view(f"{letter}{size}")
    if ftz and kind in FLOATS:
        least = 2.0**-14 if kind == "f16" else 2.0**-126
        result = np.where(np.abs(result) < least, np.copysign(0, result), result)
    return result


def holds(op, a, b):
    nan = np.isnan(a) | np.isnan(b) if a.dtype.kind == "f" else np.zeros(COUNT, bool)
    op = {"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}.get(op, op)
    if op in ("num", "nan"):
        return ~nan if op == "num" else nan
    ordered = {"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[op[:2]]
    return ordered | nan if op.endswith("u") else ordered & ~nan


def combined(result, modifiers, negated):
    c = ~PREDICATE if negated else PREDICATE
    for name, value in (("and", result & c), ("or", result | c), ("xor", result ^ c)):
        if name in modifiers:
            return value
    return result


ONES = {"f16": 0x3C00, "bf16": 0x3F80, "f32": 0x3F800000}


def one_of(kind, result):
    width = 16 if kind in ("f16", "bf16", "u16", "s16") else 32
    return np.where(result, ONES.get(kind, (1 << width) - 1), 0).astype(np.uint64)


def expected(variant):
    """The destinations: bits, or 0 and 1 for predicates."""
    name = forms.name_of(variant)
    opcode, *modifiers = name.split(".")
    kind = modifiers[-1]
    if opcode in ("selp", "slct"):
        data = modifiers[0] if opcode == "selp" else modifiers[-2]
        width = int(re.search(r"\d+", data).group())
        choose = PREDICATE
        if opcode == "slct":
            choose = values(THIRD, kind, "ftz" in modifiers) >= 0
        return [np.where(choose, FIRST[width], SECOND[width])]
    ftz, op, negated = "ftz" in modifiers, modifiers[0], "!" in variant
    if kind in ("f16x2", "bf16x2"):
        parts = [tuple(side[32] >> np.uint64(shift) & np.uint64(0xFFFF) for side in (FIRST, SECOND)) for shift in (0, 16)]
        results = [combined(holds(op, *(values(x, kind[:-2], ftz) for x in part)), modifiers, negated) for part in parts]
        if opcode == "setp":
            return [r.astype(np.uint64) for r in results]
        half = kind[:-2] if modifiers[-2] == kind else "u16"
        return [one_of(half, results[0]) | one_of(half, results[1]) << np.uint64(16)]
    width = int(re.search(r"\d+", kind).group())
    plain = holds(op, values(FIRST[width], kind, ftz), values(SECOND[width], kind, ftz))
    result = combined(plain, modifiers, negated)
    if opcode == "set":
        return [one_of(modifiers[-2], result)]
    # The second destination combines the opposite of the comparison.
    both = [result, combined(~plain, modifiers, negated)]
    return [r.astype(np.uint64) for r in both[:1 + ("|" in variant)]]


def prepared(variant):
    """Sources in fixed registers, and code that stores the destinations."""
    name, rest = variant.split(None, 1)
    parts = [part.strip() for part in rest.split(",")]
    destinations = re.findall(r"%\w", parts[0])
    sources = [p for p in parts[1:]]
    fixed = [re.sub(r"%([hrdp])\d+", lambda m: f"%{m.group(1)}{9 - i}", source) for i, source in enumerate(sources)]
    if len(sources) == 3 and name.startswith("slct"):
        fixed[2] = "%r5"
    elif len(sources) == 3:
        fixed[2] = ("!" if "!" in sources[2] else "") + "%p7"
    targets = [f"{register}{i}" for i, register in enumerate(destinations)]
    code = f"    {name} {'|'.join(targets)}, {', '.join(fixed)};\n"
    for target in targets:
        convert = {"p": "selp.u64 %w, 1, 0,", "h": "cvt.u64.u16 %w,", "r": "cvt.u64.u32 %w,", "d": "mov.b64 %w,"}[target[1]]
        code += f"    {convert} {target}; st.global.b64 [%out], %w; add.u64 %out, %out, {8 * COUNT};\n"
    return code, len(targets)


def source(codes):
    loads = "".join(
        f"    ld.param.u64 %at, [p{i}]; add.u64 %at, %at, %off; ld.global.b64 %w, [%at]; {to} {register}, %w;\n"
        for i, (to, register) in enumerate([("cvt.u16.u64", "%h9"), ("cvt.u16.u64", "%h8"), ("cvt.u32.u64", "%r9"),
                                            ("cvt.u32.u64", "%r8"), ("mov.b64", "%d9"), ("mov.b64", "%d8"),
                                            ("cvt.u32.u64", "%r5"), ("setp.ne.u64", "%p7")]))
    loads = loads.replace("setp.ne.u64 %p7, %w;", "setp.ne.u64 %p7, %w, 0;")
    params = ", ".join(f".param .u64 p{i}" for i in range(9))
    return f""".version 8.5
.target sm_90a
.address_size 64
.visible .entry test({params})
{{
    .reg .pred %p<8>; .reg .b16 %h<10>; .reg .b32 %r<10>, %t; .reg .b64 %d<10>, %w, %at, %off, %out;
    mov.u32 %t, %tid.x; mul.wide.u32 %off, %t, 8; ld.param.u64 %out, [p8]; add.u64 %out, %out, %off;
{loads}{"".join(codes)}    ret;
}}
"""


def test_compare_forms(tmp_path):
    variants = forms.swept_by("test_compare_forms.py")
    assert len(variants) > 1500
    codes, counts = zip(*(prepared(v) for v in variants))
    path = tmp_path / "compare.ptx"
    path.write_text(source(codes))
    test = harness.Test(f"//! block {COUNT}")
    inputs = [side[width] for width in (16, 32, 64) for side in (FIRST, SECOND)] + [THIRD, PREDICATE.astype(np.uint64)]
    test.arguments = [("in", f"i{n}", x) for n, x in enumerate(inputs)] + [("out", "d", np.zeros((sum(counts), COUNT), np.uint64))]
    test.run(path)
    rows = iter(test.names["d"])
    for variant in variants:
        with np.errstate(all="ignore"):
            wants = expected(variant)
        for want in wants:
            got = next(rows)
            wrong = np.flatnonzero(got != want)
            if len(wrong):
                at = wrong[0]
                width = int(re.search(r"\d+", variant.split()[0].rsplit(".", 1)[1]).group())
                raise AssertionError(f"{variant}: {len(wrong)} wrong, first of {FIRST.get(width, THIRD)[at]:#x}, "
                                     f"{SECOND.get(width, THIRD)[at]:#x}: got {got[at]:#x}, want {want[at]:#x}")
