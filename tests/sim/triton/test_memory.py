"""Tensor maps of every rank, reductions through them, block pointers, hints, dependent and cooperative launches."""

import math

import pytest
import torch
from kernels import memory as kernels
from launch import TensorDescriptor


def integers(shape, low, high, seed, dtype=torch.int32):
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def tensor_map(tensor, box, **options):
    return TensorDescriptor(tensor, list(tensor.shape), list(tensor.strides), box, **options)


def moved(x, box, corner, fill=0):
    """What comes out of a box that may hang over the tensor's edges."""
    inner = torch.full(box, fill, dtype=x.dtype)
    here = [slice(max(0, -c), max(0, -c) + max(0, min(c + b, n) - max(c, 0))) for c, b, n in zip(corner, box, x.shape)]
    there = [slice(max(c, 0), max(c, 0) + h.stop - h.start) for c, h in zip(corner, here)]
    inner[tuple(here)] = x[tuple(there)]
    return inner, tuple(here), tuple(there)


BOXES = {
    1: ([100], [64], [[0], [48], [96], [-16]]),
    2: ([40, 96], [16, 32], [[0, 0], [32, 80], [-8, -4]]),
    3: ([6, 10, 64], [4, 8, 32], [[0, 0, 0], [3, 5, 40], [-1, -2, -3]]),
    4: ([3, 5, 9, 32], [2, 4, 4, 16], [[0, 0, 0, 0], [2, 3, 7, 20], [-1, -1, -1, -1]]),
    5: ([2, 3, 4, 5, 32], [1, 2, 2, 4, 16], [[0, 0, 0, 0, 0], [1, 2, 3, 4, 24], [0, -1, -1, -1, -1]]),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int8], ids=lambda dtype: str(dtype)[6:])
@pytest.mark.parametrize("rank", BOXES)
def test_boxes(machine, rank, dtype):
    shape, box, corners = BOXES[rank]
    if (shape[-1] * dtype.itemsize) % 16 and rank > 1:
        pytest.skip("strides are multiples of 16 bytes")
    x = integers(shape, -50, 50, rank, dtype)
    for corner in corners:
        source, target = machine.put(x), machine.zeros(*shape, dtype=dtype)
        extra = {"BOX": box[0]} if rank == 1 else {}
        machine.run(getattr(kernels, f"copy_box_{rank}"), (1,), tensor_map(source, box), tensor_map(target, box), *corner, **extra)
        inner, here, there = moved(x, box, corner)
        want = torch.zeros(shape, dtype=dtype)
        want[there] = (inner + 1)[here]
        assert torch.equal(target.cpu(), want), corner


@pytest.mark.parametrize("kind, dtype", [("add", torch.int32), ("add", torch.float32), ("add", torch.float16), ("add", torch.bfloat16),
                                         ("min", torch.int32), ("max", torch.int32),
                                         ("and", torch.int32), ("or", torch.int32), ("xor", torch.int32)],
                         ids=lambda value: value if isinstance(value, str) else str(value)[6:])
def test_map_reduction(hopper, kind, dtype):
    x, start = integers((32, 64), -100, 100, 6, dtype), integers((32, 64), -100, 100, 7, dtype)
    source, target = hopper.put(x), hopper.put(start)
    for row, column in ((0, 0), (16, 48)):
        hopper.run(kernels.map_reduction, (1,), tensor_map(source, [16, 32]), tensor_map(target, [16, 32]), row, column, KIND=kind)
    combine = {"add": torch.add, "min": torch.minimum, "max": torch.maximum, "and": torch.bitwise_and, "or": torch.bitwise_or,
               "xor": torch.bitwise_xor}[kind]
    want = start.clone()
    for rows, columns in ((slice(0, 16), slice(0, 32)), (slice(16, 32), slice(48, 64))):
        want[rows, columns] = combine(start[rows, columns], x[rows, columns])
    assert torch.equal(target.cpu(), want)


@pytest.mark.parametrize("padding", ["zero", "nan"])
def test_map_in_kernel(machine, padding):
    rows, columns = 50, 40
    x = torch.randn(rows, columns, generator=torch.Generator().manual_seed(8))
    y = machine.full((64, 64), 7.0, torch.float32)
    machine.run(kernels.map_in_kernel, (4,), machine.put(x), y, rows, columns, ROWS=16, COLUMNS=64, PADDING=padding)
    want = torch.full((64, 64), 0.0 if padding == "zero" else math.nan)
    want[:rows, :columns] = x
    assert torch.equal(y.cpu().nan_to_num(nan=99.0), want.nan_to_num(nan=99.0))


def test_block_pointers(machine):
    x = torch.randn(45, 70, generator=torch.Generator().manual_seed(9))
    y = machine.zeros(70, 45)
    machine.run(kernels.block_pointers, (3,), machine.put(x), y, 45, 70, ROWS=16, COLUMNS=32)
    assert torch.equal(y.cpu(), x.T)


def test_hints(machine):
    x = integers((1000,), -100, 100, 10)
    y = machine.zeros(6000, dtype=torch.int32)
    machine.run(kernels.hinted, (4,), machine.put(x), y, 1000, BLOCK=256)
    assert torch.equal(y.cpu(), (6 * x).repeat(6))


def test_dependent_launch(hopper):
    x = integers((512,), -100, 100, 11)
    y, z = hopper.zeros(512, dtype=torch.int32), hopper.zeros(512, dtype=torch.int32)
    hopper.run(kernels.dependent, (4,), hopper.put(x), y, BLOCK=128, launch_pdl=True)
    hopper.run(kernels.dependent, (4,), y, z, BLOCK=128, launch_pdl=True)
    assert torch.equal(z.cpu(), 4 * x + 3)


@pytest.mark.parametrize("programs", [2, 100])
def test_cooperative_launch(machine, programs):
    x, y = machine.zeros(programs, 64, dtype=torch.int32), machine.zeros(programs, 64, dtype=torch.int32)
    machine.run(kernels.all_meet, (programs,), machine.zeros(1, dtype=torch.int32), x, y, BLOCK=64, launch_cooperative_grid=True)
    neighbour = torch.arange(programs).roll(-1)
    assert torch.equal(y.cpu(), (neighbour[:, None] * 1000 + torch.arange(64)).int())


def test_where_it_runs(machine):
    sm, warps = machine.full((200,), -1, torch.int32), machine.zeros(200, dtype=torch.int32)
    time = machine.full((200,), -1, torch.int64)
    machine.run(kernels.where_it_runs, (200,), sm, warps, time, BLOCK=1, num_warps=2)
    count = {80: 108, 90: 132}[machine.arch]
    assert warps.cpu().eq(2).all() and sm.cpu().ge(0).all() and sm.cpu().lt(count).all() and time.cpu().ge(0).all()
