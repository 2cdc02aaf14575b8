"""Products: one tile a program, a persistent grid, split K, groups of different sizes."""

import triton
import triton.language as tl


@triton.jit
def tile_of(pid, m, n, BM: tl.constexpr, BN: tl.constexpr, GROUP: tl.constexpr):
    """Tiles in bands of GROUP rows, so that neighbours share operands in the L2."""
    rows = tl.cdiv(m, BM)
    band_size = GROUP * tl.cdiv(n, BN)
    band = pid // band_size
    height = min(rows - band * GROUP, GROUP)
    inside = pid % band_size
    return band * GROUP + inside % height, inside // height


@triton.jit
def matmul(a, b, c, m, n, k, stride_am, stride_ak, stride_bk, stride_bn, stride_cm, BM: tl.constexpr, BN: tl.constexpr,
           BK: tl.constexpr, GROUP: tl.constexpr, ACCUMULATOR: tl.constexpr, PRECISION: tl.constexpr):
    row_tile, column_tile = tile_of(tl.program_id(0), m, n, BM, BN, GROUP)
    rows = (row_tile * BM + tl.arange(0, BM)) % m
    columns = (column_tile * BN + tl.arange(0, BN)) % n
    depth = tl.arange(0, BK)
    a_tile = a + rows[:, None] * stride_am + depth[None, :] * stride_ak
    b_tile = b + depth[:, None] * stride_bk + columns[None, :] * stride_bn
    total = tl.zeros((BM, BN), dtype=ACCUMULATOR)
    for step in range(0, tl.cdiv(k, BK)):
        left = k - step * BK
        x = tl.load(a_tile, mask=depth[None, :] < left, other=0.0)
        y = tl.load(b_tile, mask=depth[:, None] < left, other=0.0)
        total = tl.dot(x, y, total, input_precision=PRECISION, out_dtype=ACCUMULATOR)
        a_tile += BK * stride_ak
        b_tile += BK * stride_bk
    row = row_tile * BM + tl.arange(0, BM)
    column = column_tile * BN + tl.arange(0, BN)
    where = (row[:, None] < m) & (column[None, :] < n)
    tl.store(c + row[:, None] * stride_cm + column[None, :], total.to(c.dtype.element_ty), mask=where)


@triton.jit
def matmul_split_k(a, b, c, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, SPLITS: tl.constexpr):
    """Each program adds a part of K's sum into c with atomics."""
    pid = tl.program_id(0)
    part = tl.program_id(1)
    rows = pid // tl.cdiv(n, BN) * BM + tl.arange(0, BM)
    columns = pid % tl.cdiv(n, BN) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for start in range(part * BK, k, SPLITS * BK):
        depth = start + tl.arange(0, BK)
        x = tl.load(a + rows[:, None] * k + depth[None, :], mask=(rows[:, None] < m) & (depth[None, :] < k), other=0.0)
        y = tl.load(b + depth[:, None] * n + columns[None, :], mask=(depth[:, None] < k) & (columns[None, :] < n), other=0.0)
        total = tl.dot(x, y, total)
    where = (rows[:, None] < m) & (columns[None, :] < n)
    tl.atomic_add(c + rows[:, None] * n + columns[None, :], total, mask=where, sem="relaxed")


@triton.jit
def matmul_grouped(a_table, b_table, c_table, sizes, groups, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
                   PROGRAMS: tl.constexpr):
    """Products of different sizes by a fixed number of programs; tables hold the addresses of f16 matrices."""
    tile = tl.program_id(0)
    passed = 0
    for group in range(groups):
        m = tl.load(sizes + group * 3)
        n = tl.load(sizes + group * 3 + 1)
        k = tl.load(sizes + group * 3 + 2)
        tiles = tl.cdiv(m, BM) * tl.cdiv(n, BN)
        while tile >= passed and tile < passed + tiles:
            a = tl.load(a_table + group).to(tl.pointer_type(tl.float16))
            b = tl.load(b_table + group).to(tl.pointer_type(tl.float16))
            c = tl.load(c_table + group).to(tl.pointer_type(tl.float16))
            inside = tile - passed
            rows = inside // tl.cdiv(n, BN) * BM + tl.arange(0, BM)
            columns = inside % tl.cdiv(n, BN) * BN + tl.arange(0, BN)
            total = tl.zeros((BM, BN), dtype=tl.float32)
            for start in range(0, k, BK):
                depth = start + tl.arange(0, BK)
                x = tl.load(a + rows[:, None] * k + depth[None, :], mask=(rows[:, None] < m) & (depth[None, :] < k), other=0.0)
                y = tl.load(b + depth[:, None] * n + columns[None, :], mask=(depth[:, None] < k) & (columns[None, :] < n),
                            other=0.0)
                total = tl.dot(x, y, total)
            where = (rows[:, None] < m) & (columns[None, :] < n)
            tl.store(c + rows[:, None] * n + columns[None, :], total.to(tl.float16), mask=where)
            tile += PROGRAMS
        passed += tiles


@triton.jit
def persistent_tiles(a_map, b_map, c_map, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
                     PROGRAMS: tl.constexpr, SPECIALIZE: tl.constexpr):
    """The loop over tiles; b is stored by columns (n x k)."""
    tiles_n = tl.cdiv(n, BN)
    for tile in tl.range(tl.program_id(0), tl.cdiv(m, BM) * tiles_n, PROGRAMS, flatten=not SPECIALIZE):
        row = tile // tiles_n * BM
        column = tile % tiles_n * BN
        total = tl.zeros((BM, BN), dtype=tl.float32)
        for start in tl.range(0, k, BK, warp_specialize=SPECIALIZE):
            x = a_map.load([row, start])
            y = b_map.load([column, start])
            total = tl.dot(x, y.T, total)
        c_map.store([row, column], total.to(c_map.dtype))


@triton.jit
def matmul_persistent_device_maps(a, b, c, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
                                  PROGRAMS: tl.constexpr, SPECIALIZE: tl.constexpr):
    """Tensor maps made by the kernel in scratch memory."""
    a_map = tl.make_tensor_descriptor(a, shape=[m, k], strides=[k, 1], block_shape=[BM, BK])
    b_map = tl.make_tensor_descriptor(b, shape=[n, k], strides=[k, 1], block_shape=[BN, BK])
    c_map = tl.make_tensor_descriptor(c, shape=[m, n], strides=[n, 1], block_shape=[BM, BN])
    persistent_tiles(a_map, b_map, c_map, m, n, k, BM, BN, BK, PROGRAMS, SPECIALIZE)


@triton.jit
def matmul_persistent_host_maps(a_map, b_map, c_map, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
                                PROGRAMS: tl.constexpr, SPECIALIZE: tl.constexpr):
    """Tensor maps made by the host and passed by value."""
    persistent_tiles(a_map, b_map, c_map, m, n, k, BM, BN, BK, PROGRAMS, SPECIALIZE)
