"""Kernels over rows: softmax, layer norm forward and backward."""

import triton
import triton.language as tl


@triton.jit
def softmax(x, y, stride_x, stride_y, rows, columns, BLOCK: tl.constexpr, NUM_STAGES: tl.constexpr):
    """Each program strides over rows; a row fits in one block."""
    offsets = tl.arange(0, BLOCK)
    for row in tl.range(tl.program_id(0), rows, tl.num_programs(0), num_stages=NUM_STAGES):
        values = tl.load(x + row * stride_x + offsets, mask=offsets < columns, other=-float("inf"))
        values = values.to(tl.float32)
        numerator = tl.exp(values - tl.max(values, axis=0))
        result = numerator / tl.sum(numerator, axis=0)
        tl.store(y + row * stride_y + offsets, result.to(y.dtype.element_ty), mask=offsets < columns)


@triton.jit
def softmax_online(x, y, columns, BLOCK: tl.constexpr):
    """A row in pieces: the running maximum and sum of the pieces so far."""
    x += tl.program_id(0) * columns
    y += tl.program_id(0) * columns
    top = -float("inf")
    total = 0.0
    for start in range(0, columns, BLOCK):
        offsets = start + tl.arange(0, BLOCK)
        values = tl.load(x + offsets, mask=offsets < columns, other=-float("inf")).to(tl.float32)
        higher = tl.maximum(top, tl.max(values, axis=0))
        total = total * tl.exp(top - higher) + tl.sum(tl.exp(values - higher), axis=0)
        top = higher
    for start in range(0, columns, BLOCK):
        offsets = start + tl.arange(0, BLOCK)
        values = tl.load(x + offsets, mask=offsets < columns, other=0.0).to(tl.float32)
        tl.store(y + offsets, (tl.exp(values - top) / total).to(y.dtype.element_ty), mask=offsets < columns)


@triton.jit
def softmax_tile(x, y, columns, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Several rows at once, so that the CTAs of a cluster share a tile."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, COLUMNS)
    place = row[:, None] * columns + column[None, :]
    values = tl.load(x + place, mask=column[None, :] < columns, other=-float("inf"))
    numerator = tl.exp(values - tl.max(values, axis=1)[:, None])
    tl.store(y + place, numerator / tl.sum(numerator, axis=1)[:, None], mask=column[None, :] < columns)


@triton.jit
def layer_norm(x, y, weight, bias, mean_of, rstd_of, columns, epsilon, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    x += row * columns
    y += row * columns
    partial = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, columns, BLOCK):
        offsets = start + tl.arange(0, BLOCK)
        partial += tl.load(x + offsets, mask=offsets < columns, other=0.0).to(tl.float32)
    mean = tl.sum(partial, axis=0) / columns
    partial = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, columns, BLOCK):
        offsets = start + tl.arange(0, BLOCK)
        values = tl.load(x + offsets, mask=offsets < columns, other=0.0).to(tl.float32)
        centered = tl.where(offsets < columns, values - mean, 0.0)
        partial += centered * centered
    rstd = 1 / tl.sqrt(tl.sum(partial, axis=0) / columns + epsilon)
    tl.store(mean_of + row, mean)
    tl.store(rstd_of + row, rstd)
    for start in range(0, columns, BLOCK):
        offsets = start + tl.arange(0, BLOCK)
        inside = offsets < columns
        values = tl.load(x + offsets, mask=inside, other=0.0).to(tl.float32)
        scaled = (values - mean) * rstd * tl.load(weight + offsets, mask=inside) + tl.load(bias + offsets, mask=inside)
        tl.store(y + offsets, scaled.to(y.dtype.element_ty), mask=inside)


@triton.jit
def layer_norm_backward(dx, dy, dw_part, db_part, x, weight, mean_of, rstd_of, locks, columns, GROUPS: tl.constexpr,
                        BLOCK: tl.constexpr):
    """A row's dx; its part of dw and db is added to a group's partial sums under a spin lock."""
    row = tl.program_id(0)
    offsets = tl.arange(0, BLOCK)
    inside = offsets < columns
    values = tl.load(x + row * columns + offsets, mask=inside, other=0.0).to(tl.float32)
    slope = tl.load(dy + row * columns + offsets, mask=inside, other=0.0).to(tl.float32)
    gain = tl.load(weight + offsets, mask=inside, other=0.0).to(tl.float32)
    rstd = tl.load(rstd_of + row)
    normal = tl.where(inside, (values - tl.load(mean_of + row)) * rstd, 0.0)
    scaled = tl.where(inside, gain * slope, 0.0)
    along = tl.sum(normal * scaled, axis=0) / columns
    flat = tl.sum(scaled, axis=0) / columns
    tl.store(dx + row * columns + offsets, ((scaled - (normal * along + flat)) * rstd).to(dx.dtype.element_ty), mask=inside)

    group = row % GROUPS
    lock = locks + group
    written = locks + GROUPS + group
    dw_part += group * columns + offsets
    db_part += group * columns + offsets
    dw = slope * normal
    db = slope
    while tl.atomic_cas(lock, 0, 1) == 1:
        pass
    if tl.load(written) == 0:
        tl.atomic_xchg(written, 1)
    else:
        dw += tl.load(dw_part, mask=inside)
        db += tl.load(db_part, mask=inside)
    tl.store(dw_part, dw, mask=inside)
    tl.store(db_part, db, mask=inside)
    # Other warps' stores must be done before one thread opens the lock.
    tl.debug_barrier()
    tl.atomic_xchg(lock, 0)


@triton.jit
def sum_columns(partial, total, rows, columns, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    sums = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for start in range(0, rows, ROWS):
        row = start + tl.arange(0, ROWS)
        where = (row[:, None] < rows) & (column[None, :] < columns)
        sums += tl.load(partial + row[:, None] * columns + column[None, :], mask=where, other=0.0)
    tl.store(total + column, tl.sum(sums, axis=0), mask=column < columns)
