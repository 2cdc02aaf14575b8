"""Gluon, Triton's lower language: pipelines written out, with their barriers, phases and groups."""

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.ampere import async_copy, mma_v2
from triton.experimental.gluon.language.nvidia.hopper import (fence_async_shared, mbarrier, tma, warpgroup_mma, warpgroup_mma_init,
                                                              warpgroup_mma_wait)


@gluon.jit
def fill_stage(a_map, b_map, row, column, depth, a_ring, b_ring, full, stage):
    mbarrier.expect(full.index(stage), a_map.block_type.nbytes + b_map.block_type.nbytes)
    tma.async_copy_global_to_shared(a_map, [row, depth], full.index(stage), a_ring.index(stage))
    tma.async_copy_global_to_shared(b_map, [depth, column], full.index(stage), b_ring.index(stage))


@gluon.jit
def store_tile(c_map, total, row, column):
    stage = gl.allocate_shared_memory(c_map.dtype, c_map.block_type.shape, c_map.layout)
    stage.store(total.to(c_map.dtype))
    fence_async_shared()
    tma.async_copy_shared_to_global(c_map, [row, column], stage)
    tma.store_wait(pendings=0)


@gluon.jit
def pipelined(a_map, b_map, c_map, k, STAGES: gl.constexpr, num_warps: gl.constexpr):
    """One thread group loads ahead and multiplies with one product in flight."""
    BM: gl.constexpr = c_map.block_type.shape[0]
    BN: gl.constexpr = c_map.block_type.shape[1]
    BK: gl.constexpr = a_map.block_type.shape[1]
    row = gl.program_id(0) * BM
    column = gl.program_id(1) * BN
    a_ring = gl.allocate_shared_memory(a_map.dtype, [STAGES] + a_map.block_type.shape, a_map.layout)
    b_ring = gl.allocate_shared_memory(b_map.dtype, [STAGES] + b_map.block_type.shape, b_map.layout)
    full = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    for slot in gl.static_range(STAGES):
        mbarrier.init(full.index(slot), count=1)
    layout: gl.constexpr = gl.NVMMADistributedLayout(version=[3, 0], warps_per_cta=[num_warps, 1], instr_shape=[16, BN, 16])
    total = warpgroup_mma_init(gl.zeros((BM, BN), gl.float32, layout))
    steps = gl.cdiv(k, BK)
    for ahead in gl.static_range(STAGES - 1):
        fill_stage(a_map, b_map, row, column, ahead * BK, a_ring, b_ring, full, ahead)
    for step in range(steps):
        stage = step % STAGES
        mbarrier.wait(full.index(stage), step // STAGES & 1)
        # The product before this one has read its stage: fill it again.
        total = warpgroup_mma_wait(num_outstanding=0, deps=(total,))
        later = step + STAGES - 1
        if later < steps:
            fill_stage(a_map, b_map, row, column, later * BK, a_ring, b_ring, full, later % STAGES)
        total = warpgroup_mma(a_ring.index(stage), b_ring.index(stage), total, is_async=True)
    total = warpgroup_mma_wait(num_outstanding=0, deps=(total,))
    for slot in gl.static_range(STAGES):
        mbarrier.invalidate(full.index(slot))
    store_tile(c_map, total, row, column)


@gluon.jit
def produce(a_map, b_map, k, a_ring, b_ring, full, empty, STAGES: gl.constexpr):
    BK: gl.constexpr = a_map.block_type.shape[1]
    row = gl.program_id(0) * a_map.block_type.shape[0]
    column = gl.program_id(1) * b_map.block_type.shape[1]
    for step in range(gl.cdiv(k, BK)):
        stage = step % STAGES
        # The first round finds every stage free.
        mbarrier.wait(empty.index(stage), (step // STAGES & 1) ^ 1)
        fill_stage(a_map, b_map, row, column, step * BK, a_ring, b_ring, full, stage)


@gluon.jit
def consume(a_map, c_map, k, a_ring, b_ring, full, empty, STAGES: gl.constexpr, num_warps: gl.constexpr):
    BM: gl.constexpr = c_map.block_type.shape[0]
    BN: gl.constexpr = c_map.block_type.shape[1]
    layout: gl.constexpr = gl.NVMMADistributedLayout(version=[3, 0], warps_per_cta=[num_warps, 1], instr_shape=[16, BN, 16])
    total = gl.zeros((BM, BN), gl.float32, layout)
    for step in range(gl.cdiv(k, a_map.block_type.shape[1])):
        stage = step % STAGES
        mbarrier.wait(full.index(stage), step // STAGES & 1)
        total = warpgroup_mma(a_ring.index(stage), b_ring.index(stage), total, is_async=True)
        total = warpgroup_mma_wait(num_outstanding=0, deps=(total,))
        mbarrier.arrive(empty.index(stage), count=1)
    store_tile(c_map, total, gl.program_id(0) * BM, gl.program_id(1) * BN)


@gluon.jit
def specialized(a_map, b_map, c_map, k, STAGES: gl.constexpr, num_warps: gl.constexpr):
    """One warp loads, four multiply; they meet at barriers of each stage."""
    a_ring = gl.allocate_shared_memory(a_map.dtype, [STAGES] + a_map.block_type.shape, a_map.layout)
    b_ring = gl.allocate_shared_memory(b_map.dtype, [STAGES] + b_map.block_type.shape, b_map.layout)
    full = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    empty = gl.allocate_shared_memory(gl.int64, [STAGES, 1], mbarrier.MBarrierLayout())
    for stage in gl.static_range(STAGES):
        mbarrier.init(full.index(stage), count=1)
        mbarrier.init(empty.index(stage), count=1)
    gl.warp_specialize([(consume, (a_map, c_map, k, a_ring, b_ring, full, empty, STAGES, num_warps)),
                        (produce, (a_map, b_map, k, a_ring, b_ring, full, empty, STAGES))], [1], [24])


@gluon.jit
def copied(x, y, count, BLOCK: gl.constexpr, STAGES: gl.constexpr, num_warps: gl.constexpr):
    """y = x + 1 through a ring filled by cp.async."""
    layout: gl.constexpr = gl.BlockedLayout([4], [32], [num_warps], [0])
    flat: gl.constexpr = gl.SwizzledSharedLayout(vec=1, per_phase=1, max_phase=1, order=[0])
    ring = gl.allocate_shared_memory(gl.float32, [STAGES, BLOCK], flat)
    place = gl.arange(0, BLOCK, layout=layout)
    steps = gl.cdiv(count, BLOCK)
    for step in gl.static_range(STAGES - 1):
        where = step * BLOCK + place
        async_copy.async_copy_global_to_shared(ring.index(step), x + where, mask=where < count)
        async_copy.commit_group()
    for step in range(steps):
        ahead = (step + STAGES - 1) * BLOCK + place
        async_copy.async_copy_global_to_shared(ring.index((step + STAGES - 1) % STAGES), x + ahead, mask=ahead < count)
        async_copy.commit_group()
        async_copy.wait_group(STAGES - 1)
        gl.thread_barrier()
        where = step * BLOCK + place
        gl.store(y + where, ring.index(step % STAGES).load(layout) + 1, mask=where < count)
        gl.thread_barrier()


@gluon.jit
def copied_by_barrier(x, y, BLOCK: gl.constexpr, num_warps: gl.constexpr):
    """cp.async that arrives on an mbarrier: the threads read each other's part."""
    layout: gl.constexpr = gl.BlockedLayout([4], [32], [num_warps], [0])
    flat: gl.constexpr = gl.SwizzledSharedLayout(vec=1, per_phase=1, max_phase=1, order=[0])
    stage = gl.allocate_shared_memory(gl.float32, [BLOCK], flat)
    done = gl.allocate_shared_memory(gl.int64, [1], mbarrier.MBarrierLayout())
    mbarrier.init(done, count=1)
    place = gl.arange(0, BLOCK, layout=layout)
    async_copy.async_copy_global_to_shared(stage, x + place)
    async_copy.mbarrier_arrive(done)
    gl.thread_barrier()
    mbarrier.arrive(done)
    mbarrier.wait(done, 0)
    mbarrier.invalidate(done)
    turned: gl.constexpr = gl.BlockedLayout([1], [32], [num_warps], [0])
    gl.store(y + gl.arange(0, BLOCK, layout=turned), stage.load(turned) * 2)


@gluon.jit
def fragments(a, b, c, M: gl.constexpr, N: gl.constexpr, K: gl.constexpr, num_warps: gl.constexpr):
    """A product by mma.sync with operands in their fragments' layouts."""
    layout: gl.constexpr = gl.NVMMADistributedLayout(version=[2, 0], warps_per_cta=[num_warps, 1], instr_shape=[16, 8])
    left: gl.constexpr = gl.DotOperandLayout(0, layout, 2)
    right: gl.constexpr = gl.DotOperandLayout(1, layout, 2)
    x = gl.load(a + gl.arange(0, M, gl.SliceLayout(1, left))[:, None] * K + gl.arange(0, K, gl.SliceLayout(0, left))[None, :])
    y = gl.load(b + gl.arange(0, K, gl.SliceLayout(1, right))[:, None] * N + gl.arange(0, N, gl.SliceLayout(0, right))[None, :])
    total = mma_v2(x, y, gl.zeros((M, N), gl.float32, layout))
    place = gl.arange(0, M, gl.SliceLayout(1, layout))[:, None] * N + gl.arange(0, N, gl.SliceLayout(0, layout))[None, :]
    gl.store(c + place, total)
