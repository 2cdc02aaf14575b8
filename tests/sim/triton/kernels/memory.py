"""Ways to memory: tensor maps of every rank, reductions through them, block pointers, cache hints, dependent launches."""

import triton
import triton.language as tl
from triton.language.extra import cuda


@triton.jit
def copy_box_1(source, target, x, BOX: tl.constexpr):
    target.store([x], source.load([x]) + 1)


@triton.jit
def copy_box_2(source, target, x, y):
    target.store([x, y], source.load([x, y]) + 1)


@triton.jit
def copy_box_3(source, target, x, y, z):
    target.store([x, y, z], source.load([x, y, z]) + 1)


@triton.jit
def copy_box_4(source, target, x, y, z, w):
    target.store([x, y, z, w], source.load([x, y, z, w]) + 1)


@triton.jit
def copy_box_5(source, target, x, y, z, w, v):
    target.store([x, y, z, w, v], source.load([x, y, z, w, v]) + 1)


@triton.jit
def map_reduction(values, target, row, column, KIND: tl.constexpr):
    """Read, then combined into memory by the TMA."""
    v = values.load([row, column])
    if KIND == "add":
        target.atomic_add([row, column], v)
    elif KIND == "min":
        target.atomic_min([row, column], v)
    elif KIND == "max":
        target.atomic_max([row, column], v)
    elif KIND == "and":
        target.atomic_and([row, column], v)
    elif KIND == "or":
        target.atomic_or([row, column], v)
    else:
        target.atomic_xor([row, column], v)


@triton.jit
def map_in_kernel(x, y, rows, columns, ROWS: tl.constexpr, COLUMNS: tl.constexpr, PADDING: tl.constexpr):
    """A map made by the kernel, for each program's band of rows."""
    source = tl.make_tensor_descriptor(x, shape=[rows, columns], strides=[columns, 1], block_shape=[ROWS, COLUMNS],
                                       padding_option=PADDING)
    row = tl.program_id(0) * ROWS
    v = source.load([row, 0])
    place = (row + tl.arange(0, ROWS))[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    tl.store(y + place, v)


@triton.jit
def block_pointers(x, y, rows, columns, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """y = x transposed, with edges checked on one side only."""
    source = tl.make_block_ptr(x, shape=(rows, columns), strides=(columns, 1), offsets=(tl.program_id(0) * ROWS, 0),
                               block_shape=(ROWS, COLUMNS), order=(1, 0))
    target = tl.make_block_ptr(y, shape=(columns, rows), strides=(rows, 1), offsets=(0, tl.program_id(0) * ROWS),
                               block_shape=(COLUMNS, ROWS), order=(1, 0))
    for start in range(0, columns, COLUMNS):
        v = tl.load(source, boundary_check=(0, 1), padding_option="zero")
        tl.store(target, tl.trans(v), boundary_check=(0, 1))
        source = tl.advance(source, (0, COLUMNS))
        target = tl.advance(target, (COLUMNS, 0))


@triton.jit
def hinted(x, y, count, BLOCK: tl.constexpr):
    """Every cache modifier and eviction policy."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    v = tl.load(x + place, mask=inside, cache_modifier=".ca")
    v += tl.load(x + place, mask=inside, cache_modifier=".cg")
    v += tl.load(x + place, mask=inside, cache_modifier=".cv")
    v += tl.load(x + place, mask=inside, eviction_policy="evict_first")
    v += tl.load(x + place, mask=inside, eviction_policy="evict_last")
    v += tl.load(x + place, mask=inside, volatile=True)
    tl.store(y + place, v, mask=inside, cache_modifier=".wb")
    tl.store(y + count + place, v, mask=inside, cache_modifier=".cg")
    tl.store(y + 2 * count + place, v, mask=inside, cache_modifier=".cs")
    tl.store(y + 3 * count + place, v, mask=inside, cache_modifier=".wt")
    tl.store(y + 4 * count + place, v, mask=inside, eviction_policy="evict_first")
    tl.store(y + 5 * count + place, v, mask=inside, eviction_policy="evict_last")


@triton.jit
def dependent(x, y, BLOCK: tl.constexpr):
    """Programmatic dependent launch: waits for the kernel before, lets the next one start."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    cuda.gdc_wait()
    v = tl.load(x + place)
    cuda.gdc_launch_dependents()
    tl.store(y + place, v * 2 + 1)


@triton.jit
def all_meet(counter, x, y, BLOCK: tl.constexpr):
    """A barrier over the grid, as cooperative kernels have it: every program reads what its neighbour wrote before it."""
    pid = tl.program_id(0)
    programs = tl.num_programs(0)
    place = tl.arange(0, BLOCK)
    tl.store(x + pid * BLOCK + place, pid * 1000 + place)
    tl.debug_barrier()
    tl.atomic_add(counter, 1, sem="release", scope="gpu")
    while tl.atomic_add(counter, 0, sem="acquire", scope="gpu") < programs:
        pass
    tl.debug_barrier()
    tl.store(y + pid * BLOCK + place, tl.load(x + (pid + 1) % programs * BLOCK + place))


@triton.jit
def where_it_runs(sm, warps, time, BLOCK: tl.constexpr):
    pid = tl.program_id(0)
    tl.store(sm + pid, cuda.smid())
    tl.store(warps + pid, cuda.num_warps())
    start = cuda.globaltimer()
    tl.store(time + pid, cuda.globaltimer() - start)
