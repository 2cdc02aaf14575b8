"""Every variant of mma.sync but the sparse ones and m8n8k4 on f16 (matrix/mma-m8n8k4-f16.ptx has those), by the fragment formulas
of ISA 9.7.14.5, on integers that all formats hold exactly. How sums round is tested in tests/sim/tensor."""

import re

import forms
import harness
import numpy as np

LANES = np.arange(32)
BITS = {"f16": 16, "bf16": 16, "tf32": 32, "f64": 64, "e4m3": 8, "e5m2": 8, "s8": 8, "u8": 8, "s4": 4, "u4": 4, "b1": 1}
RANGES = {"s8": (-128, 128), "u8": (0, 256), "s4": (-8, 8), "u4": (0, 16), "b1": (0, 2), "e4m3": (-8, 9), "e5m2": (-4, 5)}


VARIANTS = forms.swept_by("test_mma_forms.py")


def encode(values, kind):
    """Integers as the bits of `kind`."""
    if kind == "f16":
        return values.astype(np.float16).view(np.uint16).astype(np.uint64)
    if kind == "bf16":
        return harness.bf16(values).astype(np.uint64)
    if kind in ("tf32", "f32"):
        return values.astype(np.float32).view(np.uint32).astype(np.uint64)
    if kind == "f64":
        return values.astype(np.float64).view(np.uint64)
    if kind in ("e4m3", "e5m2"):
        # Integers of few bits are normal numbers of both formats.
        fraction, bias = (3, 7) if kind == "e4m3" else (2, 15)
        size = np.abs(values).astype(np.float64)
        exponent = np.frexp(np.maximum(size, 1))[1] - 1
        code = (exponent + bias << fraction) + ((size / 2.0**exponent - 1) * 2**fraction).astype(np.int64)
        return np.where(size == 0, 0, code | np.where(values < 0, 128, 0)).astype(np.uint64)
    if kind == "s32":
        return values.astype(np.int32).view(np.uint32).astype(np.uint64)
    return (values.astype(np.int64) & ((1 << BITS[kind]) - 1)).astype(np.uint64)


def pack(elements, bits):
    """[lane, register, element] to registers, the first element lowest."""
    shifts = np.arange(elements.shape[-1], dtype=np.uint64) * np.uint64(bits)
    return np.bitwise_or.reduce(elements << shifts, axis=-1)


def multiplicand(matrix, kind, rows):
    """Fragments of A (rows x k), or with `rows` 8 of B's columns: [lane, register]."""
    bits = BITS[kind]
    each = max(32 // bits, 1)
    count = matrix.shape[0] * matrix.shape[1] // 32 // each
    index, element = np.arange(count), np.arange(each)
    groups = rows // 8
    row = LANES[:, None] // 4 + 8 * (index % groups)
    k = (index // groups * 4 * each)[None, :, None] + (LANES % 4 * each)[:, None, None] + element
    return pack(encode(matrix, kind)[row[:, :, None], k], bits)


def accumulator(matrix, kind):
    half = kind == "f16"
    count = matrix.shape[0] * 8 // 32 // (2 if half else 1)
    index = np.arange(count)
    row = LANES[:, None] // 4 + 8 * (index if half else index // 2)
    column = (LANES % 4 * 2)[:, None] + (0 if half else index % 2)
    bits = encode(matrix, kind)
    if not half:
        return bits[row, column]
    return pack(np.stack([bits[row, column], bits[row, column + 1]], -1), 16)


class Case:
    def __init__(self, variant, random):
        self.variant = variant
        m, n, k = map(int, re.search(r"m(\d+)n(\d+)k(\d+)", variant).groups())
        types = [t for t in forms.name_of(variant).split(".") if t in BITS or t in ("f32", "s32")]
        d, a, b, c = types
        draw = lambda kind, shape: random.integers(*RANGES.get(kind, (-8, 9)), shape)
        left, right = draw(a, (m, k)), draw(b, (k, n))
        start = random.integers(-100, 101, (m, n))
        if d == "s32" and a != "b1":
            # Some sums leave 32 bits, which .satfinite is for.
            start[::3] += np.where(random.random((len(start[::3]), n)) < 0.5, 2**31 - 200, -(2**31) + 200)
        if a == "b1":
            total = start + ((left[:, :, None] & right) if ".and." in variant else (left[:, :, None] ^ right)).sum(1)
        else:
            total = start + left @ right
        if d == "s32":
            total = np.clip(total, -2**31, 2**31 - 1) if "satfinite" in variant else (total + 2**31) % 2**32 - 2**31
        self.inputs = np.concatenate([multiplicand(left, a, m), multiplicand(right.T, b, 8), accumulator(start, c)], 1)
        self.want = accumulator(total, d)
        self.wide = a == "f64"


class QuadCase:
    """m8n8k4 on f16: four products, each by a quad of the lower lanes with one of the upper (ISA 9.7.14.5.1)."""

    def __init__(self, variant, random):
        self.variant, self.wide = variant, False
        *_, first, second, d, _, _, c = forms.name_of(variant).split(".")
        left, right = random.integers(-8, 9, (4, 8, 4)), random.integers(-8, 9, (4, 4, 8))
        start = random.integers(-100, 101, (4, 8, 8))
        total = start + left @ right
        self.inputs = np.concatenate([self.multiplicand(left, first == "row"), self.multiplicand(right.transpose(0, 2, 1), second == "col"),
                                      self.accumulator(start, c)], 1)
        self.want = self.accumulator(total, d)

    @staticmethod
    def multiplicand(matrices, along):
        """`along`: a lane holds a line's four elements along K; else four lines of one k."""
        quad, low, high = (LANES % 16 // 4)[:, None], (LANES % 4)[:, None], np.where(LANES < 16, 0, 4)[:, None]
        i = np.arange(4)[None]
        elements = matrices[quad, low + high, i] if along else matrices[quad, i + high, low]
        return pack(encode(elements, "f16").reshape(32, 2, 2), 16)

    @staticmethod
    def accumulator(matrices, kind):
        quad, high, i = (LANES % 16 // 4)[:, None], np.where(LANES < 16, 0, 4)[:, None], np.arange(8)[None]
        if kind == "f16":
            return pack(encode(matrices[quad, (LANES % 4)[:, None] + high, i], kind).reshape(32, 4, 2), 16)
        lane = LANES[:, None]
        return encode(matrices[quad, (lane & 1) + (i & 2) + high, (i & 4) + (lane & 2) + (i & 1)], kind)


def is_quad(variant):
    return re.search(r"m8n8k4\.\w+\.\w+\.f(16|32)\.f16", variant)


def source(cases):
    """Inputs and results are arrays of 64-bit words, [register, lane] of one variant after the other."""
    body, read, write = "", 0, 0
    for case in cases:
        kind, width = ("d", "b64") if case.wide else ("r", "b32")
        results, inputs = case.want.shape[1], case.inputs.shape[1]
        for i in range(inputs):
            body += f"    ld.global.{width} %{kind}{results + i}, [%in + {256 * (read + i)}];\n"
        body += f"    {case.variant};\n"
        for i in range(results):
            body += f"    st.global.{width} [%out + {256 * (write + i)}], %{kind}{i};\n"
        read, write = read + inputs, write + results
    return f""".version 8.5
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pin, .param .u64 pout)
{{
    .reg .b32 %r<40>, %lane; .reg .b64 %d<40>, %in, %out, %at;
    mov.u32 %lane, %tid.x; mul.wide.u32 %at, %lane, 8;
    ld.param.u64 %in, [pin]; add.u64 %in, %in, %at; ld.param.u64 %out, [pout]; add.u64 %out, %out, %at;
{body}    ret;
}}
"""


def test_mma_forms(tmp_path):
    random = np.random.default_rng(23)
    cases = [(QuadCase if is_quad(variant) else Case)(variant, random) for variant in VARIANTS]
    assert len(cases) > 80
    path = tmp_path / "mma.ptx"
    path.write_text(source(cases))
    test = harness.Test("//! block 32")
    inputs = np.ascontiguousarray(np.concatenate([case.inputs.T for case in cases]))
    test.arguments = [("in", "a", inputs), ("out", "d", np.zeros((sum(case.want.shape[1] for case in cases), 32), np.uint64))]
    test.run(path)
    at = 0
    for case in cases:
        count = case.want.shape[1]
        got = test.names["d"][at:at + count].T
        at += count
        if ".rm.f64" in case.variant:
            # A sum of zero is -0 when it is rounded down.
            got = np.where(got == np.uint64(1 << 63), np.uint64(0), got)
        assert np.array_equal(got, case.want), f"{case.variant}: {np.argwhere(got != case.want)[:4]}"
