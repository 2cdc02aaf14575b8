"""Every variant of cvt in forms/arithmetic.txt. Sources of 8 and 16 bits, packed fp8 included, take all their values; the others
take edges, midpoints of every format with their neighbours, and random bits. The reference rounds in NumPy's 80-bit format, which
holds all sources exactly (ISA 9.7.9.21 and 9.7.9.22)."""

import re

import forms
import harness
import numpy as np
import pytest

WIDE = np.longdouble
if np.finfo(WIDE).nmant < 63:
    pytest.skip("needs a long double that holds 64-bit integers", allow_module_level=True)
# Bits of significand, least exponent of a normal number, largest finite value.
FORMATS = {"f16": (11, -14, 65504.0), "bf16": (8, -126, float(harness.from_bf16(0x7F7F))), "tf32": (11, -126, None),
           "f32": (24, -126, float(np.finfo(np.float32).max)), "f64": (53, -1022, float(np.finfo(np.float64).max)),
           "e4m3": (4, -6, 448.0), "e5m2": (3, -14, 57344.0)}
FORMATS["tf32"] = (11, -126, float(np.uint32(0x7F7FE000).view(np.float32)))
CANONICAL = {"f16": 0x7FFF, "bf16": 0x7FFF, "tf32": 0x7FFFFFFF, "f32": 0x7FFFFFFF, "e4m3": 0x7F, "e5m2": 0x7F}
INTEGER = re.compile(r"[us](\d+)$")
ROUNDERS = {"n": np.rint, "z": np.trunc, "m": np.floor, "p": np.ceil, "na": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x)}


def fp8_values(kind):
    """All 256 values: sign, exponent and fraction, without tables of anybody."""
    fraction_bits, bias = (3, 7) if kind == "e4m3" else (2, 15)
    codes = np.arange(256)
    exponent, fraction = codes >> fraction_bits & (31 if kind == "e5m2" else 15), codes & (1 << fraction_bits) - 1
    normal = exponent > 0
    value = (fraction / 2**fraction_bits + normal) * np.exp2(np.where(normal, exponent, 1) - bias)
    if kind == "e4m3":
        value[codes & 0x7F == 0x7F] = np.nan
    else:
        value[(exponent == 31) & (fraction == 0)] = np.inf
        value[(exponent == 31) & (fraction > 0)] = np.nan
    return np.where(codes >> 7, -value, value)


def decode(bits, kind):
    """Bits, in their low end, to exact values."""
    match = INTEGER.match(kind)
    if match:
        width = int(match.group(1))
        return bits.astype(f"u{width // 8}").view(f"{'i' if kind[0] == 's' else 'u'}{width // 8}").astype(WIDE)
    if kind in ("e4m3", "e5m2"):
        return fp8_values(kind)[bits & 0xFF].astype(WIDE)
    if kind == "bf16":
        return harness.from_bf16(bits.astype(np.uint16)).astype(WIDE)
    size = {"f16": 2, "f32": 4, "f64": 8}[kind]
    return bits.astype(f"u{size}").view(f"f{size}").astype(WIDE)


def rounded(values, kind, mode, satfinite):
    precision, least, largest = FORMATS[kind]
    finite = np.where(np.isfinite(values), values, 0)
    exponent = np.maximum(np.frexp(finite)[1] - 1, least)
    quantum = np.ldexp(WIDE(1), exponent - (precision - 1))
    result = np.copysign(ROUNDERS[mode](finite / quantum) * quantum, values)
    over = np.abs(result) > largest
    # What rounds towards zero on its side stays finite.
    stays = {"n": False, "na": False, "z": True, "m": values > 0, "p": values < 0}[mode]
    result = np.where(over, np.copysign(np.where(stays, largest, np.inf), values), result)
    result = np.where(np.isfinite(values), result, values)
    return np.clip(result, -largest, largest) if satfinite else result


def encode(values, kind):
    """Bits of values that the format holds."""
    nan = np.isnan(values)
    if kind == "f64":
        bits = values.astype(np.float64).view(np.uint64)
        return np.where(nan, np.uint64(0x7FF8000000000000), bits)
    if kind in ("e4m3", "e5m2"):
        table = fp8_values(kind)[:128]
        codes = np.searchsorted(np.where(np.isnan(table), np.inf, table), np.abs(np.where(nan, 0, values)).astype(np.float64))
        bits = codes + 128 * np.signbit(values)
    elif kind == "f16":
        bits = values.astype(np.float16).view(np.uint16)
    else:
        bits = values.astype(np.float32).view(np.uint32) >> (16 if kind == "bf16" else 0)
    return np.where(nan, CANONICAL[kind], bits).astype(np.uint64)


def flushed(values):
    return np.where(np.abs(values) < 2.0**-126, np.copysign(0, values), values)


def to_integer(values, kind, source, modifiers):
    width = int(kind[1:])
    low, high = (-2**(width - 1), 2**(width - 1) - 1) if kind[0] == "s" else (0, 2**width - 1)
    if INTEGER.match(source):
        numbers = [int(v) for v in values]
        if "sat" in modifiers:
            numbers = [min(max(v, low), high) for v in numbers]
    else:
        mode = next(m[1] for m in modifiers if re.fullmatch(r"r[nzmp]i", m))
        invalid = 0 if source != "f64" and width < 64 else 1 << (width - 1)
        whole = ROUNDERS[mode](np.where(np.isfinite(values), values, 0))
        numbers = [invalid if np.isnan(v) else low if v < low else high if v > high else int(w)
                   for v, w in zip(values, np.where(np.isfinite(values), whole, values))]
    # Narrow results are extended over their register.
    extended = [(n & (1 << width) - 1) - ((1 << width) if kind[0] == "s" and n >> (width - 1) & 1 else 0) for n in numbers]
    return np.array([n & 2**64 - 1 for n in extended], np.uint64)


def to_float(values, kind, source, modifiers):
    mode = next((m for m in modifiers if re.fullmatch(r"r(n|z|m|p|na)i?", m)), None)
    if mode and mode.endswith("i"):
        values = np.copysign(ROUNDERS[mode[1]](np.where(np.isfinite(values), values, 0)) + np.where(np.isfinite(values), 0, values),
                             values)
    if "sat" in modifiers:
        values = np.where(np.isnan(values), 0, np.clip(values, 0, 1) + 0)
    fp8 = kind in ("e4m3", "e5m2")
    values = rounded(values, kind, mode[1:] if mode and not mode.endswith("i") else "n", "satfinite" in modifiers or fp8)
    if "relu" in modifiers:
        values = np.where(np.signbit(values) & ~np.isnan(values), 0, values)
    if "ftz" in modifiers and kind == "f32":
        values = flushed(values)
    return encode(values, kind)


def convert(bits, kind, source, modifiers):
    values = decode(bits, source)
    if "ftz" in modifiers and source == "f32":
        values = flushed(values)
    return (to_integer if INTEGER.match(kind) else to_float)(values, kind, source, modifiers)


def reference(name, a, b, c):
    """Expected register content of `cvt...` for sources a, b and c."""
    _, *modifiers = name.split(".")
    if "pack" in modifiers:
        kind = modifiers[2]
        width = int(kind[1:])
        low, high = (-2**(width - 1), 2**(width - 1) - 1) if kind[0] == "s" else (0, 2**width - 1)
        clip = lambda x: (np.clip(x.astype(np.uint32).view(np.int32), low, high) & (1 << width) - 1).astype(np.uint64)
        rest = c << np.uint64(2 * width) if width < 16 else 0
        return (rest | clip(a) << np.uint64(width) | clip(b)) & np.uint64(0xFFFFFFFF)
    kind, source = modifiers[-2:]
    halves = np.uint64(8 if kind in ("e4m3x2", "e5m2x2") else 16)
    if kind.endswith("x2"):
        if source.endswith("x2"):
            step = np.uint64(8 if source[0] == "e" else 16)
            a, b, source = a >> step, a & (np.uint64(1) << step) - np.uint64(1), source[:-2]
        return convert(a, kind[:-2], source, modifiers) << halves | convert(b, kind[:-2], source, modifiers)
    return convert(a, kind, source, modifiers)


def f32_inputs():
    """Midpoints and values of the narrow formats with their neighbours, edges, random bits."""
    random = np.random.default_rng(7)
    halves = np.arange(0, 65536, 13, dtype=np.uint16)
    near = np.concatenate([halves.view(np.float16).astype(np.float32).view(np.uint32),
                           halves[:4096].view(np.float16).astype(np.float32).view(np.uint32) + 0x1000,
                           (halves.astype(np.uint32) << 16)[:2048] + 0x8000,
                           np.arange(0, 256, dtype=np.uint32) * 0x00800000 + 0x00780000])
    near = np.concatenate([near, near + 1, near - 1])
    edges = np.array([0, 1, 0x7FFFFF, 0x800000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x4F000000, 0x5F000000, 0x33000000], np.uint32)
    return np.concatenate([edges, edges | 0x80000000, near, random.integers(0, 2**32, 4096, dtype=np.uint32)])


def inputs(kind):
    random = np.random.default_rng(len(kind))
    if kind in ("u8", "s8"):
        # What lies above the source's bits does not count.
        return np.tile(np.arange(256, dtype=np.uint64), 4) | np.repeat(np.arange(4, dtype=np.uint64) << np.uint64(8), 256)
    if kind in ("u16", "s16", "f16", "bf16", "e4m3x2", "e5m2x2"):
        return np.arange(65536, dtype=np.uint64)
    if kind in ("f16x2", "bf16x2"):
        low = np.arange(65536, dtype=np.uint64)
        return random.permutation(low) << np.uint64(16) | low
    if kind == "f32":
        return f32_inputs().astype(np.uint64)
    if kind == "f64":
        wide = f32_inputs()[:6000].view(np.float32).astype(np.float64).view(np.uint64)
        return np.concatenate([wide, wide + np.uint64(1), wide - np.uint64(1), random.integers(0, 2**64, 4096, dtype=np.uint64)])
    width = int(kind[1:])
    powers = np.array([n & 2**width - 1 for e in range(width) for n in (2**e - 1, 2**e, 2**e + 1, -(2**e), -(2**e) - 1)], np.uint64)
    return np.concatenate([powers, random.integers(0, 2**width, 4096, dtype=np.uint64),
                           random.integers(0, 2**64, 2048, dtype=np.uint64) >> random.integers(64 - width, 64, 2048).astype(np.uint64)])


def kernel(variants):
    body = "".join(f"    {v};\n    {{ .reg .b64 %w; {widen(v)} st.global.b64 [%rg], %w; add.u64 %rg, %rg, %rs; }}\n" for v in variants)
    return f""".version 8.5
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u64 pd, .param .u32 n)
{{
    .reg .b16 %h<8>; .reg .b32 %r<16>; .reg .b64 %d<16>, %rg, %rs; .reg .pred %p;
    ld.param.u32 %r8, [n]; mov.u32 %r9, %ctaid.x; mov.u32 %r10, %tid.x; mad.lo.u32 %r9, %r9, 256, %r10;
    setp.ge.u32 %p, %r9, %r8; @%p ret;
    mul.wide.u32 %d8, %r9, 8; mul.wide.u32 %rs, %r8, 8;
    ld.param.u64 %d9, [pa]; add.u64 %d9, %d9, %d8; ld.global.b64 %d1, [%d9]; cvt.u32.u64 %r1, %d1; cvt.u16.u64 %h1, %d1;
    ld.param.u64 %d9, [pb]; add.u64 %d9, %d9, %d8; ld.global.b64 %d2, [%d9]; cvt.u32.u64 %r2, %d2;
    ld.param.u64 %d9, [pc]; add.u64 %d9, %d9, %d8; ld.global.b64 %d3, [%d9]; cvt.u32.u64 %r3, %d3;
    // A register numbered 0 may be the source, where the result has another width.
    mov.b64 %d0, %d1; mov.b32 %r0, %r1; mov.b16 %h0, %h1; mov.b64 %d10, %d1; mov.b32 %r11, %r1; mov.b16 %h5, %h1;
    ld.param.u64 %rg, [pd]; add.u64 %rg, %rg, %d8;
{body}    ret;
}}
"""


def widen(variant):
    register = re.search(r"%[hrd]\d", variant).group()
    restore = {"h": "mov.b16 %h0, %h5;", "r": "mov.b32 %r0, %r11;", "d": "mov.b64 %d0, %d10;"}[register[1]]
    copy = {"h": "cvt.u64.u16 %w", "r": "cvt.u64.u32 %w", "d": "mov.b64 %w"}[register[1]]
    return f"{copy}, {register}; {restore}"


def by_source():
    groups = {}
    for variant in forms.swept_by("test_conversions.py"):
        name = forms.name_of(variant)
        source = "s32" if ".pack." in name else name.rsplit(".", 1)[1]
        groups.setdefault(source, []).append(variant)
    return groups


GROUPS = by_source()


def fix_registers(variant):
    """Sources in the registers numbered from 1, whatever their kind."""
    first = variant.index("%")
    counter = iter(range(8))
    return variant[:first] + re.sub(r"%([hrd])\d", lambda m: f"%{m.group(1)}{next(counter)}", variant[first:])


def same(name, got, want):
    if ".f64." in name and name.split(".")[-2] == "f64":
        nan = lambda x: np.isnan(x.view(np.float64))
        return (got == want) | (nan(got) & nan(want))
    return got == want


@pytest.mark.parametrize("source", sorted(GROUPS))
def test_cvt(source, tmp_path):
    variants = [fix_registers(v) for v in GROUPS[source]]
    a = inputs(source)
    random = np.random.default_rng(3)
    b = random.permutation(a)
    c = random.integers(0, 2**32, len(a), dtype=np.uint64)
    path = tmp_path / "cvt.ptx"
    path.write_text(kernel(variants))
    test = harness.Test(f"//! grid {-(-len(a) // 256)}\n//! block 256\n")
    test.arguments = [("in", "a", a), ("in", "b", b), ("in", "c", c), ("out", "d", np.zeros((len(variants), len(a)), np.uint64)),
                      ("value", "n", np.uint32(len(a)))]
    test.run(path)
    for variant, got in zip(variants, test.names["d"]):
        name = forms.name_of(variant)
        mask = {"h": 0xFFFF, "r": 0xFFFFFFFF, "d": 2**64 - 1}[variant[variant.index("%") + 1]]
        with np.errstate(all="ignore"):
            want = np.asarray(reference(name, a, b, c)).astype(np.uint64) & np.uint64(mask)
        wrong = np.flatnonzero(~same(name, got, want))
        assert not len(wrong), (f"{name}: {len(wrong)} of {len(a)} wrong, first {a[wrong[0]]:#x}: got {got[wrong[0]]:#x}, "
                                f"want {want[wrong[0]]:#x}")
