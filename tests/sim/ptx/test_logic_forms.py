"""Every variant of the logic and shift instructions, on edges and random bits (ISA 9.7.8)."""

import re

import forms
import lanes
import numpy as np

VARIANTS = forms.swept_by("test_logic_forms.py")
EDGES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, 2**63 - 1, 2**63, 2**64 - 1]
AMOUNTS = [0, 1, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 2**31, 2**32 - 1]
TWO = {"and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b}


def shifted(name, kind, width, a, amount):
    """A register's shift clamps its amount to the width."""
    amount = min(amount & 0xFFFFFFFF, width)
    if name == "shl":
        return a << amount
    if kind[0] == "s" and a >> width - 1:
        a -= 1 << width
    return a >> amount


def funnel(modifiers, a, b, c):
    """The upper or lower word of [b, a], shifted."""
    a, b, c = (x & 0xFFFFFFFF for x in (a, b, c))
    n = min(c, 32) if "clamp" in modifiers else c & 31
    both = b << 32 | a
    return (both << n >> 32 if "l" in modifiers else both >> n) & 0xFFFFFFFF


def lop3(a, b, c, table):
    bits = [table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | c >> i & 1) & 1 for i in range(32)]
    return sum(bit << i for i, bit in enumerate(bits))


def permuted(mode, a, b, c):
    data = [(b << 32 | a) >> 8 * i & 0xFF for i in range(8)]
    n = c & 3
    # A row a value of c's low bits: the byte of each place, the highest first.
    rows = {"f4e": [(3, 2, 1, 0), (4, 3, 2, 1), (5, 4, 3, 2), (6, 5, 4, 3)], "b4e": [(5, 6, 7, 0), (6, 7, 0, 1), (7, 0, 1, 2), (0, 1, 2, 3)],
            "rc8": [(i, i, i, i) for i in range(4)], "ecl": [(3, 2, 1, 0), (3, 2, 1, 1), (3, 2, 2, 2), (3, 3, 3, 3)],
            "ecr": [(0, 0, 0, 0), (1, 1, 1, 0), (2, 2, 1, 0), (3, 2, 1, 0)], "rc16": [(1, 0, 1, 0), (3, 2, 3, 2), (1, 0, 1, 0), (3, 2, 3, 2)]}
    if mode in rows:
        picked = [data[i] for i in reversed(rows[mode][n])]
    else:
        selectors = [c >> 4 * i & 15 for i in range(4)]
        picked = [(0xFF if data[s & 7] >> 7 else 0) if s & 8 else data[s & 7] for s in selectors]
    return sum(byte << 8 * i for i, byte in enumerate(picked))


def expected(variant, *sources):
    name, *modifiers = forms.name_of(variant).split(".")
    kind = modifiers[-1]
    width = 1 if kind == "pred" else int(re.search(r"\d+$", kind).group()) if name != "prmt" else 32
    a, b, c, *_ = (s & (1 << width) - 1 for s in sources)
    if name in TWO:
        return TWO[name](a, b)
    if name in ("not", "cnot"):
        return a ^ (1 << width) - 1 if name == "not" else int(a == 0)
    if name in ("shl", "shr"):
        return shifted(name, kind, width, a, sources[1]) & (1 << width) - 1
    if name == "shf":
        return funnel(modifiers, a, b, c)
    if name == "prmt":
        return permuted(kind, a, b, c)
    result = lop3(a, b, c, int(variant.split(", ")[4], 0))
    if kind == "b32" and len(modifiers) == 1:
        return result
    p = bool(sources[4] & 1) != ("!" in variant)
    q = int(result != 0 or p) if "or" in modifiers else int(result != 0 and p)
    return (result, q) if "%r" in variant.split("|")[0] else q


def test_logic(tmp_path):
    columns = lanes.pairs(EDGES, 300, 3, 5)
    shifts = np.resize(np.array(AMOUNTS, np.uint64), len(columns[0]))
    plain = [v for v in VARIANTS if forms.name_of(v).split(".")[0] not in ("shl", "shr", "shf")]
    lanes.compare(plain, lanes.run(plain, columns, tmp_path), columns, expected)
    # Amounts around the widths, for each value of the other operands.
    for place, names in ((1, ("shl", "shr")), (2, ("shf",))):
        some = [v for v in VARIANTS if forms.name_of(v).split(".")[0] in names]
        with_amounts = columns[:place] + [np.random.default_rng(4).permutation(shifts)] + columns[place + 1:]
        lanes.compare(some, lanes.run(some, with_amounts, tmp_path), with_amounts, expected)
    assert len(plain) + 16 == len(VARIANTS)
