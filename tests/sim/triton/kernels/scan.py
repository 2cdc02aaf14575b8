"""Reductions, scans, sorting, gathering and rearranging within a block."""

import triton
import triton.language as tl


@triton.jit
def recurrence(a_first, b_first, a_second, b_second):
    """Composition of x -> a x + b."""
    return a_first * a_second, b_first * a_second + b_second


@triton.jit
def larger_of_pairs(value, index, other, other_index):
    wins = (other > value) | ((other == value) & (other_index < index))
    return tl.where(wins, other, value), tl.where(wins, other_index, index)


@triton.jit
def scan(x, y, z, ROWS: tl.constexpr, COLUMNS: tl.constexpr, AXIS: tl.constexpr, REVERSE: tl.constexpr):
    place = tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    v = tl.load(x + place)
    tl.store(y + place, tl.cumsum(v, AXIS, reverse=REVERSE))
    tl.store(z + place, tl.cumprod(v, AXIS, reverse=REVERSE))


@triton.jit
def linear_recurrence(a, b, y, count, BLOCK: tl.constexpr):
    """y[i] = a[i] y[i-1] + b[i], a block of a row for each program."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    _, result = tl.associative_scan((tl.load(a + place), tl.load(b + place)), 0, recurrence)
    tl.store(y + place, result)


@triton.jit
def reductions(x, total, low, high, where_low, where_high, parity, paired, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
               AXIS: tl.constexpr):
    place = tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    v = tl.load(x + place)
    index = tl.broadcast_to(tl.arange(0, ROWS)[:, None] if AXIS == 0 else tl.arange(0, COLUMNS)[None, :], (ROWS, COLUMNS))
    out = tl.arange(0, COLUMNS if AXIS == 0 else ROWS)
    tl.store(total + out, tl.sum(v, AXIS))
    tl.store(low + out, tl.min(v, AXIS))
    tl.store(high + out, tl.max(v, AXIS))
    tl.store(where_low + out, tl.argmin(v, AXIS))
    tl.store(where_high + out, tl.argmax(v, AXIS))
    tl.store(parity + out, tl.xor_sum(v, AXIS))
    _, best = tl.reduce((v, index), AXIS, larger_of_pairs)
    tl.store(paired + out, best)


@triton.jit
def sort_rows(x, y, best, ROWS: tl.constexpr, COLUMNS: tl.constexpr, K: tl.constexpr, DESCENDING: tl.constexpr):
    row = tl.arange(0, ROWS)[:, None]
    v = tl.load(x + row * COLUMNS + tl.arange(0, COLUMNS)[None, :])
    tl.store(y + row * COLUMNS + tl.arange(0, COLUMNS)[None, :], tl.sort(v, descending=DESCENDING))
    tl.store(best + row * K + tl.arange(0, K)[None, :], tl.topk(v, K))


@triton.jit
def gather(x, index, y, ROWS: tl.constexpr, COLUMNS: tl.constexpr, PICKS: tl.constexpr, AXIS: tl.constexpr):
    """y[i][j] = x[i][index[i][j]] or x[index[i][j]][j]."""
    column = tl.arange(0, COLUMNS)[None, :]
    v = tl.load(x + tl.arange(0, ROWS)[:, None] * COLUMNS + column)
    if AXIS == 1:
        place = tl.arange(0, ROWS)[:, None] * PICKS + tl.arange(0, PICKS)[None, :]
    else:
        place = tl.arange(0, PICKS)[:, None] * COLUMNS + column
    tl.store(y + place, tl.gather(v, tl.load(index + place), AXIS))


@triton.jit
def rearrange(x, flipped, joined, split, turned, SIZE: tl.constexpr):
    place = tl.arange(0, SIZE)
    v = tl.load(x + place)
    tl.store(flipped + place, tl.flip(v, 0))
    tl.store(joined + tl.arange(0, 2 * SIZE), tl.interleave(v, v + SIZE))
    even, odd = tl.split(tl.reshape(v, (SIZE // 2, 2)))
    tl.store(split + tl.arange(0, SIZE // 2), even * 1000 + odd)
    cube = tl.permute(tl.reshape(v, (4, 8, SIZE // 32)), (2, 0, 1))
    tl.store(turned + place, tl.reshape(cube, (SIZE,)))


@triton.jit
def map_step(x, y, BLOCK: tl.constexpr):
    """Data-dependent loops: the steps of Collatz until 1."""
    pid = tl.program_id(0)
    v = tl.load(x + pid)
    steps = 0
    while v != 1:
        v = tl.where(v % 2 == 0, v // 2, 3 * v + 1)
        steps += 1
    tl.store(y + pid, steps)
