"""Every variant of the integer instructions, on all pairs of edges of each width and on random bits, against the manual's
pseudocode on Python's integers (ISA 9.7.1 and 9.7.2)."""

import re

import forms
import lanes
import pytest

VARIANTS = forms.swept_by("test_integer_forms.py")
M32 = 0xFFFFFFFF


def edges(width):
    top = 1 << width
    near = [0, 1, 2, 3, 7, 31, 32, top // 2 - 1, top // 2, top // 2 + 1, top - 1, top - 2, top - 100, 0x5A,
            (1 << width // 2) - 1, 1 << width // 2, top - (1 << width // 2), 0x0123456789ABCDEF % top, 0xFEDCBA9876543210 % top]
    return list(dict.fromkeys(near))


class Type:
    """`s32`, `u16x2`: how bits are read as integers."""

    def __init__(self, name):
        self.signed = name[0] == "s"
        self.width = int(re.search(r"\d+", name).group())
        self.low = -(1 << self.width - 1) if self.signed else 0
        self.high = (1 << self.width - self.signed) - 1

    def read(self, bits):
        bits &= (1 << self.width) - 1
        return bits - (1 << self.width) if self.signed and bits >> self.width - 1 else bits

    def wrap(self, value):
        return value & (1 << self.width) - 1

    def clamp(self, value):
        return min(max(value, self.low), self.high)

    def half(self, product, modifiers):
        return product >> self.width if "hi" in modifiers else product & (1 << self.width) - 1


def type_of(modifiers):
    return Type(modifiers[-1])


def divided(a, b):
    """Towards zero."""
    return abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)


def packed(function):
    """A function of values for `.u16x2` and `.s16x2`, on each half."""
    def apply(m, a, b):
        t = type_of(m)
        if not m[-1].endswith("x2"):
            return t.wrap(function(m, t.read(a), t.read(b)))
        return t.wrap(function(m, t.read(a), t.read(b))) | t.wrap(function(m, t.read(a >> 16), t.read(b >> 16))) << 16
    return apply


def simple(function):
    def apply(m, *sources):
        t = type_of(m)
        values = [t.read(s) for s in sources]
        result = function(*values)
        return None if result is None else t.wrap(t.clamp(result) if "sat" in m else result)
    return apply


def multiply(m, a, b, c=0):
    t = type_of(m)
    product = t.read(a) * t.read(b)
    if "wide" in m:
        return product + c & (1 << 2 * t.width) - 1
    if "sat" in m:
        return t.wrap(t.clamp(t.read(t.half(product, m)) + t.read(c)))
    return t.wrap(t.half(product, m) + c)


def multiply24(m, a, b, c=0):
    t = type_of(m)
    narrow = Type(("s" if t.signed else "u") + "24")
    product = narrow.read(a) * narrow.read(b)
    part = product >> 16 if "hi" in m else product
    return t.wrap(t.clamp(t.read(part) + t.read(c)) if "sat" in m else part + c)


def bfind(m, a):
    t = type_of(m)
    a = t.wrap(a)
    if t.signed and a >> t.width - 1:
        a = t.wrap(~a)
    if not a:
        return M32
    return t.width - a.bit_length() if "shiftamt" in m else a.bit_length() - 1


def fns(m, mask, base, offset):
    mask, base, offset = mask & M32, base & M32, Type("s32").read(offset)
    if base > 31:
        return None
    if offset == 0:
        return base if mask >> base & 1 else M32
    positions = range(base, 32) if offset > 0 else range(base, -1, -1)
    found = [p for p in positions if mask >> p & 1]
    return found[abs(offset) - 1] if abs(offset) <= len(found) else M32


def bfe(m, a, b, c):
    t = type_of(m)
    a, pos, length, msb = t.wrap(a), b & 0xFF, c & 0xFF, t.width - 1
    sign = a >> min(pos + length - 1, msb) & 1 if t.signed and length else 0
    bits = [a >> pos + i & 1 if i < length and pos + i <= msb else sign for i in range(t.width)]
    return sum(bit << i for i, bit in enumerate(bits))


def bfi(m, a, b, c, d):
    t = type_of(m)
    pos, length, result = c & 0xFF, d & 0xFF, t.wrap(b)
    for i in range(length):
        if pos + i > t.width - 1:
            break
        result = result & ~(1 << pos + i) | (a >> i & 1) << pos + i
    return result


def szext(m, a, b):
    a, b = a & M32, b & M32
    b1, too_large = b & 31, b >= 32 and "clamp" in m
    mask = 0 if too_large else M32 << b1 & M32
    sign = a >> (b1 - 1 & 31) & 1 if b1 and not too_large and m[-1] == "s32" else 0
    return a & ~mask & M32 | (mask if sign else 0)


def bmsk(m, a, b):
    a, b = a & M32, b & M32
    a1, b1, clamp = a & 31, b & 31, "clamp" in m
    mask0 = 0 if clamp and a >= 32 else M32 << a1 & M32
    if a1 + b1 >= 32 or clamp and (a >= 32 or b >= 32):
        mask1 = 0
    else:
        mask1 = M32 if b1 == 0 else M32 << a1 + b1 & M32
    return mask0 & ~mask1


def dot(m, a, b, c):
    parts = [p for p in m if p in ("u32", "s32")]
    wide, narrow = (Type(parts[0][0] + ("8" if m[0] == "dp4a" else "16")), Type(parts[1][0] + "8"))
    first = 2 if "hi" in m else 0
    products = (wide.read(a >> wide.width * i) * narrow.read(b >> 8 * (first + i)) for i in range(32 // wide.width))
    return c + sum(products) & M32


def relu(m, value):
    return max(value, 0) if "relu" in m else value


OPERATIONS = {
    "sub": simple(lambda a, b: a - b),
    "mul": multiply, "mad": multiply, "mul24": multiply24, "mad24": multiply24,
    "sad": simple(lambda a, b, c: c + abs(a - b)),
    # The manual leaves division by zero open.
    "div": simple(lambda a, b: divided(a, b) if b else None),
    "rem": simple(lambda a, b: a - b * divided(a, b) if b else None),
    "abs": simple(abs),
    "neg": simple(lambda a: -a),
    "add": packed(lambda m, a, b: type_of(m).clamp(a + b) if "sat" in m else a + b),
    "min": packed(lambda m, a, b: relu(m, min(a, b))),
    "max": packed(lambda m, a, b: relu(m, max(a, b))),
    "popc": lambda m, a: bin(type_of(m).wrap(a)).count("1"),
    "clz": lambda m, a: type_of(m).width - type_of(m).wrap(a).bit_length(),
    "brev": lambda m, a: int(f"{type_of(m).wrap(a):0{type_of(m).width}b}"[::-1], 2),
    "bfind": bfind, "fns": fns, "bfe": bfe, "bfi": bfi, "szext": szext, "bmsk": bmsk, "dp4a": dot, "dp2a": dot,
}
CARRIES = {"add", "addc", "sub", "subc", "mad", "madc"}


def modifiers_of(variant):
    return forms.name_of(variant).split(".")


def uses_carry(variant):
    m = modifiers_of(variant)
    return m[0] in ("addc", "subc", "madc") or "cc" in m


def width_of(variant):
    return 64 if modifiers_of(variant)[-1][1:] == "64" else 16 if modifiers_of(variant)[-1][1:] in ("16", "16x2") else 32


def arity(variant):
    return variant.count(",")


def expected(variant, *sources):
    m = modifiers_of(variant)
    return OPERATIONS[m[0]](m, *sources[:arity(variant)])


@pytest.mark.parametrize("width", (16, 32, 64))
def test_integers(width, tmp_path):
    variants = [v for v in VARIANTS if not uses_carry(v) and width_of(v) == width]
    assert variants
    operands = lanes.pairs(edges(width), 400, width, 4)
    # Positions, lengths and counts, which mostly are small.
    small = [[0, 1, 2, 5, 8, 16, 31, 32, 33, 63, 64, 65, 200, 255, 256, -1, -3, -31, -32][i % 19] for i in range(len(operands[0]))]
    for variant in [v for v in variants if modifiers_of(v)[0] in ("fns", "bfe", "bfi", "szext", "bmsk")]:
        narrow = operands.copy()
        first = arity(variant) - (1 if modifiers_of(variant)[0] == "szext" else 2)
        for i in range(first, arity(variant)):
            narrow[i] = [small[(lane * (7 if i % 2 else 1)) % len(small)] & 2**64 - 1 for lane in range(len(small))]
        lanes.compare([variant], lanes.run([variant], narrow, tmp_path), narrow, expected)
    lanes.compare(variants, lanes.run(variants, operands, tmp_path), operands, expected)


def with_carry(variant):
    """CC.CF from the last operand's low bit before, and what it is after, as a sum or difference shows it."""
    r = f"%r{lanes.SPARE}"
    if modifiers_of(variant)[0].startswith("sub"):
        before, after = f"sub.cc.u32 {r}, 0, {r};", f"subc.u32 {r}, 0, 0;"
    else:
        before, after = f"add.cc.u32 {r}, {r}, -1;", f"addc.u32 {r}, 0, 0;"
    return f"and.b32 {r}, %r{lanes.DESTINATIONS + 3}, 1; {before}", after, [r]


def carried(variant, a, b, c, d):
    m = modifiers_of(variant)
    t = Type("u" + m[-1][1:])
    old = d & 1
    carry_in = old if m[0] in ("addc", "subc", "madc") else 0
    if m[0].startswith("sub"):
        total = t.wrap(a) - t.wrap(b) - carry_in
        after = -(total < 0)
    else:
        part = t.wrap(type_of(m).half(type_of(m).read(a) * type_of(m).read(b), m)) if m[0].startswith("mad") else t.wrap(a)
        total = part + t.wrap(c if m[0].startswith("mad") else b) + carry_in
        after = total >> t.width
    if "cc" not in m:
        after = -old if m[0].startswith("sub") else old
    return t.wrap(total), after & M32


@pytest.mark.parametrize("width", (32, 64))
def test_carries(width, tmp_path):
    variants = [v for v in VARIANTS if uses_carry(v) and width_of(v) == width]
    assert {modifiers_of(v)[0] for v in variants} == CARRIES
    operands = lanes.pairs(edges(width), 400, 5 + width, 4)
    lanes.compare(variants, lanes.run(variants, operands, tmp_path, with_carry), operands, carried)


def test_none_is_left_out():
    swept = [v for v in VARIANTS if modifiers_of(v)[0] in OPERATIONS and not uses_carry(v)] + [v for v in VARIANTS if uses_carry(v)]
    assert sorted(swept) == sorted(VARIANTS) and len(VARIANTS) > 180
