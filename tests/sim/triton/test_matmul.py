"""Products of every operand type, pipelined, persistent, split, grouped, in clusters."""

import numeric
import pytest
import torch
import triton
import triton.language as tl
from kernels import matmul as kernels
from launch import TensorDescriptor

FP8 = (torch.float8_e4m3fn, torch.float8_e5m2)


def operand(shape, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    if not dtype.is_floating_point:
        return torch.randint(-128, 128, shape, generator=generator, dtype=torch.int64).to(dtype)
    return torch.randn(shape, generator=generator).to(dtype)


def product(machine, a, b, out, tile, precision="tf32", transposed=False, **options):
    """a @ b by kernels.matmul; a transposed b is stored by columns."""
    m, k = a.shape
    n = b.shape[1]
    integer = not a.dtype.is_floating_point
    accumulator = tl.int32 if integer else tl.float32
    bm, bn, bk = tile
    stored = b.T.contiguous() if transposed else b
    strides = (1, k) if transposed else (n, 1)
    x, y, z = machine.put(a), machine.put(stored), machine.zeros(m, n, dtype=out)
    machine.run(kernels.matmul, (triton.cdiv(m, bm) * triton.cdiv(n, bn),), x, y, z, m, n, k, k, 1, *strides, n, BM=bm, BN=bn,
                BK=bk, GROUP=2, ACCUMULATOR=accumulator, PRECISION=precision, **options)
    return z.cpu()


@pytest.mark.parametrize("shape, tile, options", [
    ((128, 128, 128), (64, 64, 32), {"num_warps": 4, "num_stages": 1}),
    ((256, 192, 160), (128, 64, 64), {"num_warps": 4, "num_stages": 3}),
    ((200, 152, 104), (64, 128, 32), {"num_warps": 8, "num_stages": 4}),
    ((33, 17, 70), (16, 32, 16), {"num_warps": 1, "num_stages": 2}),
], ids=["square", "pipelined", "ragged", "one-warp"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bf16", "f16"])
def test_half(machine, dtype, shape, tile, options):
    m, n, k = shape
    a, b = operand((m, k), dtype, 1), operand((k, n), dtype, 2)
    numeric.check_dot(product(machine, a, b, dtype, tile, **options), a, b)


@pytest.mark.parametrize("transposed", [False, True])
def test_transposed_operand(machine, transposed):
    a, b = operand((128, 96), torch.float16, 3), operand((96, 128), torch.float16, 4)
    numeric.check_dot(product(machine, a, b, torch.float32, (64, 64, 32), transposed=transposed), a, b)


@pytest.mark.parametrize("precision, digits", [("tf32", numeric.TF32_DIGITS), ("tf32x3", 21), ("bf16x3", 15), ("bf16x6", 22),
                                               ("ieee", None)])
def test_float32(machine, precision, digits):
    a, b = operand((128, 96), torch.float32, 5), operand((96, 64), torch.float32, 6)
    got = product(machine, a, b, torch.float32, (64, 64, 32), precision)
    numeric.check_dot(got, a, b, operand_digits=digits)


def test_int8(machine):
    a, b = operand((128, 160), torch.int8, 7), operand((160, 128), torch.int8, 8)
    got = product(machine, a, b, torch.int32, (64, 64, 64), transposed=True, num_stages=3)
    numeric.check(got, a.int() @ b.int(), 0)


@pytest.mark.parametrize("dtype", FP8, ids=["e4m3", "e5m2"])
def test_fp8(machine, dtype):
    if machine.arch < 89 and dtype == torch.float8_e4m3fn:
        pytest.skip("Triton has e4m3 from sm_89 on")
    a, b = operand((128, 128), dtype, 9), operand((128, 128), dtype, 10)
    got = product(machine, a, b, torch.float32, (128, 64, 64), transposed=True, num_stages=3)
    # Ampere's products are made in f16 after a conversion; Hopper's sum has a narrow accumulator.
    numeric.check_dot(got, a, b, digits=numeric.ACCUMULATOR_DIGITS[dtype])


def test_two_warpgroups(hopper):
    a, b = operand((256, 128), torch.bfloat16, 11), operand((128, 256), torch.bfloat16, 12)
    numeric.check_dot(product(hopper, a, b, torch.float32, (128, 256, 64), num_warps=8, num_stages=3), a, b)


def test_cluster(hopper):
    """num_ctas=2: both CTAs of a cluster work on one tile."""
    a, b = operand((256, 96), torch.float16, 13), operand((96, 256), torch.float16, 14)
    numeric.check_dot(product(hopper, a, b, torch.float16, (128, 128, 32), num_ctas=2), a, b)


def test_split_k(machine):
    m, n, k = 96, 80, 512
    a, b = operand((m, k), torch.float16, 15), operand((k, n), torch.float16, 16)
    c = machine.zeros(m, n)
    machine.run(kernels.matmul_split_k, (triton.cdiv(m, 64) * triton.cdiv(n, 32), 4), machine.put(a), machine.put(b), c, m, n, k,
                BM=64, BN=32, BK=64, SPLITS=4)
    numeric.check_dot(c.cpu(), a, b)


def test_grouped(machine):
    sizes = [(64, 96, 128), (130, 40, 72), (16, 200, 64), (1, 8, 256)]
    pairs = [(operand((m, k), torch.float16, 20 + i), operand((k, n), torch.float16, 30 + i)) for i, (m, n, k) in enumerate(sizes)]
    a, b = [machine.put(a) for a, _ in pairs], [machine.put(b) for _, b in pairs]
    c = [machine.zeros(m, n, dtype=torch.float16) for m, n, _ in sizes]
    tables = [machine.put(torch.tensor([t.address for t in each], dtype=torch.int64)) for each in (a, b, c)]
    machine.run(kernels.matmul_grouped, (4,), *tables, machine.put(torch.tensor(sizes, dtype=torch.int32)), len(sizes), BM=64, BN=32,
                BK=32, PROGRAMS=4)
    for index, (got, (x, y)) in enumerate(zip(c, pairs)):
        numeric.check_dot(got.cpu(), x, y, what=f"product {index}")


@pytest.mark.parametrize("specialize", [False, True], ids=["plain", "warp-specialized"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn], ids=["bf16", "f16", "e4m3"])
@pytest.mark.parametrize("made_by", ["host", "device"])
def test_persistent(machine, made_by, dtype, specialize):
    if machine.arch < 89 and dtype in FP8:
        pytest.skip("Triton has e4m3 from sm_89 on")
    if machine.arch < 90 and specialize:
        pytest.skip("warps are specialized from sm_90 on")
    m, n, k = 320, 192, 128
    # Triton 3.6 splits 128 rows between two consumers, but leaves the map's box whole.
    bm, bn, bk = 64 if specialize else 128, 64, 64
    a, b = operand((m, k), dtype, 17), operand((n, k), dtype, 18)
    out = torch.float16 if dtype in FP8 else dtype
    x, y, z = machine.put(a), machine.put(b), machine.zeros(m, n, dtype=out)
    meta = dict(BM=bm, BN=bn, BK=bk, PROGRAMS=3, SPECIALIZE=specialize, num_stages=3, num_warps=4)
    if made_by == "device":
        machine.run(kernels.matmul_persistent_device_maps, (3,), x, y, z, m, n, k, **meta)
    else:
        maps = [TensorDescriptor(t, list(t.shape), list(t.strides), box) for t, box in ((x, [bm, bk]), (y, [bn, bk]), (z, [bm, bn]))]
        machine.run(kernels.matmul_persistent_host_maps, (3,), *maps, m, n, k, **meta)
    numeric.check_dot(z.cpu(), a, b.double().T, digits=numeric.ACCUMULATOR_DIGITS.get(dtype))
