"""Block-scaled fp8: quantization of activations by groups of columns, weights by square blocks, and their product."""

import triton
import triton.language as tl


@triton.jit
def quantize_rows(x, y, scale, BLOCK: tl.constexpr, LARGEST: tl.constexpr):
    """One scale for each BLOCK values: their largest magnitude becomes the format's."""
    block = tl.program_id(0)
    place = block * BLOCK + tl.arange(0, BLOCK)
    values = tl.load(x + place).to(tl.float32)
    factor = tl.maximum(tl.max(tl.abs(values)), 1e-4) / LARGEST
    tl.store(y + place, (values / factor).to(y.dtype.element_ty))
    tl.store(scale + block, factor)


@triton.jit
def dequantize_blocks(x, scale, y, rows, columns, BLOCK: tl.constexpr):
    """y = x times the scale of its BLOCK x BLOCK block."""
    row_block = tl.program_id(0)
    column_block = tl.program_id(1)
    row = row_block * BLOCK + tl.arange(0, BLOCK)
    column = column_block * BLOCK + tl.arange(0, BLOCK)
    place = row[:, None] * columns + column[None, :]
    inside = (row[:, None] < rows) & (column[None, :] < columns)
    factor = tl.load(scale + row_block * tl.cdiv(columns, BLOCK) + column_block)
    values = tl.load(x + place, mask=inside).to(tl.float32) * factor
    tl.store(y + place, values.to(y.dtype.element_ty), mask=inside)


@triton.jit
def scaled_product(a, b, c, a_scale, b_scale, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
                   GROUP: tl.constexpr):
    """c = a @ b.T; a has a scale for each row and GROUP columns, b for each GROUP x GROUP block. Scales join in f32."""
    row = (tl.program_id(0) * BM + tl.arange(0, BM)) % m
    column = (tl.program_id(1) * BN + tl.arange(0, BN)) % n
    depth = tl.arange(0, BK)
    groups = tl.cdiv(k, GROUP)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for step in range(groups * (GROUP // BK)):
        inside = step * BK + depth < k
        x = tl.load(a + row[:, None] * k + step * BK + depth[None, :], mask=inside[None, :], other=0.0)
        y = tl.load(b + column[None, :] * k + step * BK + depth[:, None], mask=inside[:, None], other=0.0)
        group = step * BK // GROUP
        scale = tl.load(a_scale + row * groups + group)[:, None] * tl.load(b_scale + column // GROUP * groups + group)[None, :]
        total += tl.dot(x, y) * scale
    row = tl.program_id(0) * BM + tl.arange(0, BM)
    column = tl.program_id(1) * BN + tl.arange(0, BN)
    tl.store(c + row[:, None] * n + column[None, :], total.to(c.dtype.element_ty), mask=(row[:, None] < m) & (column[None, :] < n))


@triton.jit
def cast(x, y, count, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + place, tl.load(x + place, mask=place < count).to(y.dtype.element_ty), mask=place < count)


@triton.jit
def upcast_product(a, b, c, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, COMPUTE: tl.constexpr):
    """Weights in 8 bits, widened before the product: what quantized serving does on boards without fp8."""
    row = tl.arange(0, M)
    column = tl.arange(0, N)
    depth = tl.arange(0, K)
    x = tl.load(a + row[:, None] * K + depth[None, :]).to(COMPUTE)
    y = tl.load(b + depth[:, None] * N + column[None, :]).to(COMPUTE)
    tl.store(c + row[:, None] * N + column[None, :], tl.dot(x, y))
