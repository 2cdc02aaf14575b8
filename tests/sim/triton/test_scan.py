"""Reductions, scans, sorting, gathering: exchanges between lanes and warps."""

import numeric
import pytest
import torch
from kernels import scan as kernels


def integers(shape, low, high, seed, dtype=torch.int32):
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("warps", [1, 4, 8])
def test_scan(machine, axis, reverse, warps):
    x = integers((16, 64), -5, 6, 1)
    y, z = machine.zeros(16, 64, dtype=torch.int32), machine.zeros(16, 64, dtype=torch.int32)
    machine.run(kernels.scan, (1,), machine.put(x), y, z, ROWS=16, COLUMNS=64, AXIS=axis, REVERSE=reverse, num_warps=warps)
    turned = x.flip(axis) if reverse else x
    sums, products = turned.cumsum(axis).int(), turned.long().cumprod(axis).int()
    assert torch.equal(y.cpu(), sums.flip(axis) if reverse else sums)
    assert torch.equal(z.cpu(), products.flip(axis) if reverse else products)


@pytest.mark.parametrize("warps", [1, 4])
def test_linear_recurrence(machine, warps):
    block = 512
    a = torch.rand(2 * block, generator=torch.Generator().manual_seed(2))
    b = torch.randn(2 * block, generator=torch.Generator().manual_seed(3))
    y = machine.zeros(2 * block)
    machine.run(kernels.linear_recurrence, (2,), machine.put(a), machine.put(b), y, 2 * block, BLOCK=block, num_warps=warps)
    want, size = torch.zeros(2 * block, dtype=torch.float64), torch.zeros(2 * block, dtype=torch.float64)
    for i in range(2 * block):
        before, large = (want[i - 1], size[i - 1]) if i % block else (0.0, 0.0)
        want[i] = a[i].double() * before + b[i].double()
        size[i] = a[i].double() * large + b[i].double().abs()
    numeric.check(y.cpu(), want, 32 * 2.0**-24 * size)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("warps", [1, 4, 16])
def test_reductions(machine, axis, warps):
    x = integers((32, 64), -1000, 1000, 4)
    outputs = [machine.zeros(x.shape[1 - axis], dtype=torch.int32) for _ in range(7)]
    machine.run(kernels.reductions, (1,), machine.put(x), *outputs, ROWS=32, COLUMNS=64, AXIS=axis, num_warps=warps)
    parity = torch.zeros(x.shape[1 - axis], dtype=torch.int32)
    for part in x.unbind(axis):
        parity ^= part
    first_low = (x == x.amin(axis, keepdim=True)).int().argmax(axis).int()
    first_high = (x == x.amax(axis, keepdim=True)).int().argmax(axis).int()
    wanted = [x.sum(axis).int(), x.amin(axis), x.amax(axis), first_low, first_high, parity, first_high]
    for number, (got, want) in enumerate(zip(outputs, wanted)):
        assert torch.equal(got.cpu(), want), f"output {number}"


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", [torch.int32, torch.float32, torch.int16], ids=lambda dtype: str(dtype)[6:])
def test_sort(machine, dtype, descending):
    x = integers((8, 256), -3000, 3000, 5, dtype)
    y, best = machine.zeros(8, 256, dtype=dtype), machine.zeros(8, 16, dtype=dtype)
    machine.run(kernels.sort_rows, (1,), machine.put(x), y, best, ROWS=8, COLUMNS=256, K=16, DESCENDING=descending)
    assert torch.equal(y.cpu(), x.sort(1, descending=descending).values)
    assert torch.equal(best.cpu(), x.topk(16, 1).values)


@pytest.mark.parametrize("axis", [0, 1])
def test_gather(machine, axis):
    x = torch.randn(32, 64, generator=torch.Generator().manual_seed(6))
    shape = (16, 64) if axis == 0 else (32, 16)
    index = integers(shape, 0, x.shape[axis], 7)
    y = machine.zeros(*shape)
    machine.run(kernels.gather, (1,), machine.put(x), machine.put(index), y, ROWS=32, COLUMNS=64, PICKS=16, AXIS=axis)
    assert torch.equal(y.cpu(), x.gather(axis, index.long()))


@pytest.mark.parametrize("warps", [1, 4])
def test_rearrange(machine, warps):
    size = 256
    x = torch.arange(size, dtype=torch.int32)
    flipped, joined, split, turned = (machine.zeros(n, dtype=torch.int32) for n in (size, 2 * size, size // 2, size))
    machine.run(kernels.rearrange, (1,), machine.put(x), flipped, joined, split, turned, SIZE=size, num_warps=warps)
    assert torch.equal(flipped.cpu(), x.flip(0))
    assert torch.equal(joined.cpu(), torch.stack([x, x + size], 1).reshape(-1))
    assert torch.equal(split.cpu(), x[0::2] * 1000 + x[1::2])
    assert torch.equal(turned.cpu(), x.reshape(4, 8, -1).permute(2, 0, 1).reshape(-1))


def test_loop_of_data(machine):
    x = torch.arange(1, 41, dtype=torch.int32)
    y = machine.zeros(40, dtype=torch.int32)
    machine.run(kernels.map_step, (40,), machine.put(x), y, BLOCK=1, num_warps=1)

    def steps(value):
        return 0 if value == 1 else 1 + steps(value // 2 if value % 2 == 0 else 3 * value + 1)

    assert y.cpu().tolist() == [steps(int(value)) for value in x]
