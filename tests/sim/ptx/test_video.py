"""Every variant of the video instructions in forms/control.txt, against the manual's pseudocode (ISA 9.7.18) in Python's
integers of any size."""

import re

import forms
import harness
import numpy as np

LANES = 32
HEAD = """.version 8.5
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 p_a, .param .u64 p_b, .param .u64 p_c, .param .u64 p_d)
{
    .reg .b32 %r<8>; .reg .b64 %d<8>;
    mov.u32 %r4, %tid.x; mul.wide.u32 %d0, %r4, 4;
    ld.param.u64 %d1, [p_a]; add.u64 %d1, %d1, %d0; ld.global.b32 %r1, [%d1];
    ld.param.u64 %d1, [p_b]; add.u64 %d1, %d1, %d0; ld.global.b32 %r2, [%d1];
    ld.param.u64 %d1, [p_c]; add.u64 %d1, %d1, %d0; ld.global.b32 %r3, [%d1];
    ld.param.u64 %d1, [p_d]; add.u64 %d1, %d1, %d0;
"""


def extend(value, bits, signed):
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def clamp(value, bits, signed):
    low = -(1 << (bits - 1)) if signed else 0
    high = (1 << (bits - 1 if signed else bits)) - 1
    return min(max(value, low), high)


def part(word, selector, signed):
    if not selector:
        return extend(word, 32, signed)
    bits = 8 if selector[0] == "b" else 16
    return extend(word >> bits * int(selector[1]), bits, signed)


def compare(name, a, b):
    return int({"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[name])


def operation(op, modifiers, a, b):
    if op in ("vshl", "vshr"):
        b = b & 31 if "wrap" in modifiers else min(b, 32)
        return a << b if op == "vshl" else a >> b
    if op == "vset":
        return compare(next(m for m in modifiers if m in ("eq", "ne", "lt", "le", "gt", "ge")), a, b)
    average = (a + b + 1) >> 1 if a + b >= 0 else (a + b) >> 1
    return {"vadd": a + b, "vsub": a - b, "vabsdiff": abs(a - b), "vmin": min(a, b), "vmax": max(a, b), "vavrg": average}[op]


def scalar(op, modifiers, types, operands, a, b, c):
    signed_d, signed_a, signed_b = types
    selectors = [selector for _, selector in operands]
    value = operation(op, modifiers, part(a, selectors[1], signed_a), part(b, selectors[2], signed_b))
    bits = 32 if not selectors[0] else 8 if selectors[0][0] == "b" else 16
    if "sat" in modifiers:
        value = clamp(value, bits, signed_d)
    third = extend(c, 32, signed_d)
    if selectors[0]:
        shift = bits * int(selectors[0][1])
        mask = ((1 << bits) - 1) << shift
        return (value << shift & mask) | (c & ~mask)
    for name, second in (("add", value + third), ("min", min(value, third)), ("max", max(value, third))):
        if name in modifiers:
            return second
    return value


def mad(modifiers, types, operands, a, b, c):
    _, signed_a, signed_b = types
    minus = [sign for sign, _ in operands]
    product = part(a, operands[1][1], signed_a) * part(b, operands[2][1], signed_b)
    negative = minus[1] != minus[2]
    signed = signed_a or signed_b or negative or minus[3]
    product = -product if negative else product
    third = -extend(c, 32, True) if minus[3] else extend(c, 32, signed)
    value = product + third + ("po" in modifiers)
    value >>= 7 if "shr7" in modifiers else 15 if "shr15" in modifiers else 0
    return clamp(value, 32, signed) if "sat" in modifiers else value


def simd(op, lanes, modifiers, types, operands, a, b, c):
    signed_d, signed_a, signed_b = types
    bits = 32 // lanes
    elements = [(word >> bits * i) for word in (a, b) for i in range(lanes)]
    mask, select_a, select_b = (selector[1:][::-1] for _, selector in operands[:3])
    select_a = select_a or "".join(str(i) for i in range(lanes))
    select_b = select_b or "".join(str(i + lanes) for i in range(lanes))
    mask = mask or "".join(str(i) for i in range(lanes))
    result = c
    for i in range(lanes):
        if str(i) not in mask:
            continue
        value = operation(op, modifiers, extend(elements[int(select_a[i])], bits, signed_a),
                          extend(elements[int(select_b[i])], bits, signed_b))
        if "sat" in modifiers:
            value = clamp(value, bits, signed_d)
        if "add" in modifiers:
            result += value
        else:
            field = ((1 << bits) - 1) << bits * i
            result = (result & ~field) | (value << bits * i & field)
    return result


def evaluate(instruction, a, b, c):
    name, rest = instruction.split(None, 1)
    op, *modifiers = name.split(".")
    operands = [(sign == "-", selector) for sign, selector in re.findall(r"(-?)%r\d+(?:\.(\w+))?", rest)]
    types = [m == "s32" for m in modifiers if m in ("u32", "s32")]
    if op.startswith("vset"):
        types = [False] + types
    if op == "vmad":
        return mad(modifiers, types, operands, a, b, c)
    if op[-1] in "24":
        return simd(op[:-1], int(op[-1]), modifiers, types, operands, a, b, c)
    return scalar(op, modifiers, types, operands, a, b, c)


def operands_of_test():
    """Pairs of edges, and random words."""
    edges = np.array([0, 1, 0x7F, 0x80, 0xFF, 0x7FFF8000, 0x80007FFF, 0xFFFFFFFF], np.uint32)
    random = np.random.default_rng(5)
    words = random.integers(0, 2**32, (3, LANES), dtype=np.uint32)
    words[:, :8] = edges, edges[::-1], np.roll(edges, 3)
    # Small second operands for shifts.
    words[1, 8:14] = [0, 1, 31, 32, 33, 40]
    return words


# A secondary min or max of a result that left 32 bits is open in the manual; every other combination is compared.
def is_open(instruction, a, b):
    name = instruction.split()[0].split(".")
    return name[-1] in ("min", "max") and "sat" not in name and not (
        -(2**31) <= evaluate(instruction.replace("." + name[-1], "", 1), a, b, 0) < 2**31)


def test_video(tmp_path):
    variants = forms.swept_by("test_video.py")
    assert len(variants) > 5000
    a, b, c = operands_of_test()
    body = "".join(f"    {v};\n    st.global.b32 [%d1 + {4 * LANES * i}], %r0;\n" for i, v in enumerate(variants))
    path = tmp_path / "video.ptx"
    path.write_text(HEAD + body + "    ret;\n}\n")
    test = harness.Test("//! out d = np.zeros((%d, 32), u32)" % len(variants))
    inputs = [("in", name, values) for name, values in zip("abc", (a, b, c))]
    test.arguments = inputs + test.arguments
    test.run(path)
    got = test.names["d"]
    for i, variant in enumerate(variants):
        for lane in range(LANES):
            words = int(a[lane]), int(b[lane]), int(c[lane])
            want = evaluate(variant, *words) & 0xFFFFFFFF
            if got[i, lane] != want and not is_open(variant, *words[:2]):
                raise AssertionError(f"{variant} of {[hex(w) for w in words]}: got {got[i, lane]:#x}, want {want:#x}")
