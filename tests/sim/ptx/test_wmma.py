"""wmma.load, wmma.mma and wmma.store of every shape, element type and layout, on integers that all formats hold exactly,
with strides beyond the default. The order of additions is tested where the arithmetic is, in tests/sim/tensor."""

import itertools

import harness
import numpy as np
import pytest

LAYOUTS = ("row", "col")
# Registers of A's and B's fragments by element type and shape (ISA 9.7.14.4.1).
FRAGMENTS = {
    "bf16": {(16, 16, 16): (4, 4), (8, 32, 16): (2, 8), (32, 8, 16): (8, 2)},
    "s8": {(16, 16, 16): (2, 2), (8, 32, 16): (1, 4), (32, 8, 16): (4, 1)},
    "tf32": {(16, 16, 8): (4, 4)},
    "f64": {(8, 8, 4): (1, 1)},
    "s4": {(8, 8, 32): (1, 1)},
    "b1": {(8, 8, 128): (1, 1)},
}
FRAGMENTS["u8"], FRAGMENTS["u4"] = FRAGMENTS["s8"], FRAGMENTS["s4"]
FRAGMENTS["f16"] = {shape: (8, 8) for shape in FRAGMENTS["bf16"]}
BITS = {"f16": 16, "bf16": 16, "tf32": 32, "f32": 32, "s32": 32, "f64": 64, "s8": 8, "u8": 8, "s4": 4, "u4": 4, "b1": 1}
RANGES = {"s8": (-128, 128), "u8": (0, 256), "s4": (-8, 8), "u4": (0, 16), "b1": (0, 2)}


def cases():
    for kind, shapes in FRAGMENTS.items():
        whole = BITS[kind] >= 8
        accumulators = {"f16": list(itertools.product(("f16", "f32"), repeat=2)), "f64": [("f64", "f64")]}.get(
            kind, [("f32", "f32")] if kind in ("bf16", "tf32") else [("s32", "s32")])
        for shape in shapes:
            for a, b in itertools.product(LAYOUTS, LAYOUTS) if whole else [("row", "col")]:
                for (c_type, d_type), c, d in itertools.product(accumulators, LAYOUTS, LAYOUTS):
                    yield kind, shape, a, b, c, d, c_type, d_type


def encode(values, kind):
    """Rows of elements as bytes; elements below a byte are packed from the low bits."""
    if kind == "bf16":
        return harness.bf16(values)
    if kind in ("s4", "u4", "b1"):
        bits = BITS[kind]
        count = 8 // bits
        fields = (values.astype(np.int64) & ((1 << bits) - 1)).reshape(values.shape[0], -1, count)
        return (fields << (bits * np.arange(count))).sum(-1).astype(np.uint8)
    names = {"f16": "float16", "tf32": "float32", "f32": "float32", "f64": "float64", "s8": "int8", "u8": "uint8", "s32": "int32"}
    return values.astype(names[kind])


def in_memory(values, layout, kind, padding):
    """The matrix as a buffer, and its stride in elements."""
    lines = values if layout == "row" else values.T
    padded = np.zeros((lines.shape[0], lines.shape[1] + padding), lines.dtype)
    padded[:, :lines.shape[1]] = lines
    return np.ascontiguousarray(encode(padded, kind)), padded.shape[1]


def registers(name, count):
    return "{" + ", ".join(f"%{name}{i}" for i in range(count)) + "}"


def source(case, strides):
    kind, (m, n, k), a, b, c, d, c_type, d_type = case
    shape = f"m{m}n{n}k{k}"
    fragments = FRAGMENTS[kind][m, n, k]
    size = lambda t: m * n // 32 // (2 if t == "f16" else 1)
    wide = "b64" if kind == "f64" else "b32"
    types = f"{d_type}.{c_type}" if kind == "f16" else f"{d_type}.{kind}.{kind}.{c_type}"
    operation = ".xor.popc" if kind == "b1" else ""
    load = lambda matrix, layout, t, count, stride: (
        f"    wmma.load.{matrix}.sync.aligned.{layout}.{shape}.global.{t} {registers(matrix, count)}, [%p{matrix}], {stride};\n")
    return f"""//! in a = A
//! in b = B
//! in c = C
//! out d = np.zeros_like(D)
.version 8.5
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 qa, .param .u64 qb, .param .u64 qc, .param .u64 qd)
{{
    .reg .{wide} %a<8>, %b<8>, %c<8>, %d<8>; .reg .b64 %pa, %pb, %pc, %pd;
    ld.param.u64 %pa, [qa]; ld.param.u64 %pb, [qb]; ld.param.u64 %pc, [qc]; ld.param.u64 %pd, [qd];
{load("a", a, kind, fragments[0], strides[0])}{load("b", b, kind, fragments[1], strides[1])}{load("c", c, c_type, size(c_type), strides[2])}
    wmma.mma{operation}.sync.aligned.{a}.{b}.{shape}.{types}
        {registers("d", size(d_type))}, {registers("a", fragments[0])}, {registers("b", fragments[1])},
        {registers("c", size(c_type))};
    wmma.store.d.sync.aligned.{d}.{shape}.global.{d_type} [%pd], {registers("d", size(d_type))}, {strides[3]};
    ret;
}}
"""


def name_of(case):
    kind, shape, *rest = case
    return "-".join([kind, "x".join(map(str, shape)), *rest])


@pytest.mark.parametrize("case", list(cases()), ids=name_of)
def test_wmma(case, tmp_path):
    kind, (m, n, k), a_layout, b_layout, c_layout, d_layout, c_type, d_type = case
    random = np.random.default_rng(len(name_of(case)))
    low, high = RANGES.get(kind, (-8, 9))
    a, b = random.integers(low, high, (m, k)), random.integers(low, high, (k, n))
    c = random.integers(-64, 65, (m, n))
    want = c + (a[:, :, None] ^ b[None, :, :]).sum(1) if kind == "b1" else c + a @ b
    # Padding keeps every line at a multiple of the largest fragment.
    padding = 128 if BITS[kind] < 8 else 32
    matrices = [in_memory(values, layout, t, padding) for values, layout, t in (
        (a, a_layout, kind), (b, b_layout, kind), (c, c_layout, c_type), (want, d_layout, d_type))]
    path = tmp_path / "wmma.ptx"
    path.write_text(source(case, [stride for _, stride in matrices]))
    test = harness.Test("")
    test.names.update(zip("ABCD", (buffer for buffer, _ in matrices)))
    for line in path.read_text().splitlines():
        if line.startswith("//!"):
            test.directive(line[3:].strip())
    test.run(path)
    width = m if d_layout == "col" else n
    got, expected = test.names["d"], matrices[3][0]
    assert np.array_equal(got[:, :width], expected[:, :width])
    assert not got[:, width:].any(), "wrote beyond the matrix"
