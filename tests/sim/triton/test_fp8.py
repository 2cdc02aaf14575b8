"""Block-scaled fp8, casts between all floating formats, and products of widened weights."""

import numeric
import pytest
import torch
import triton
import triton.language as tl
from kernels import fp8 as kernels

E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2
WIDE = [torch.float32, torch.float16, torch.bfloat16]


def sample(shape, seed, scale=1.0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def quantized(machine, x, block=128):
    """x in e4m3 and its scales, by the kernel; checked against the same arithmetic here."""
    y, scale = machine.zeros(*x.shape, dtype=E4M3), machine.zeros(x.shape[0], x.shape[1] // block)
    machine.run(kernels.quantize_rows, (x.numel() // block,), machine.put(x), y, scale, BLOCK=block,
                LARGEST=torch.finfo(E4M3).max)
    groups = x.float().reshape(-1, block)
    want = groups.abs().amax(1).clamp_min(1e-4) / torch.finfo(E4M3).max
    numeric.check(scale.cpu().reshape(-1), want, 4 * numeric.unit(torch.float32) * want, "scale")
    exact = groups.double() / scale.cpu().double().reshape(-1, 1)
    # div.full is within 2 ulp, which may turn a tie of the rounding.
    numeric.check(y.cpu().reshape(-1, block), exact, numeric.rounded(exact, E4M3, 4 * 2.0**-24 * exact.abs()), "quantized")
    return y, scale


def test_quantize(hopper):
    quantized(hopper, sample((6, 512), 1, 3.0).bfloat16())


def test_dequantize(hopper):
    rows, columns, block = 200, 328, 128
    x = sample((rows, columns), 2).to(E4M3)
    scale = sample((2, 3), 3).abs()
    y = hopper.zeros(rows, columns, dtype=torch.bfloat16)
    hopper.run(kernels.dequantize_blocks, (2, 3), hopper.put(x), hopper.put(scale), y, rows, columns, BLOCK=block)
    wide = scale.repeat_interleave(block, 0)[:rows].repeat_interleave(block, 1)[:, :columns]
    assert torch.equal(y.cpu(), (x.float() * wide).bfloat16())


@pytest.mark.parametrize("tile", [(64, 64, 128), (128, 64, 128), (32, 32, 64)], ids=lambda tile: "x".join(map(str, tile)))
def test_scaled_product(hopper, tile):
    m, n, k = 96, 256, 384
    bm, bn, bk = tile
    a, a_scale = quantized(hopper, sample((m, k), 4).bfloat16())
    b, b_scale = sample((n, k), 5).to(E4M3), sample((n // 128, k // 128), 6).abs()
    c = hopper.zeros(m, n, dtype=torch.bfloat16)
    hopper.run(kernels.scaled_product, (triton.cdiv(m, bm), triton.cdiv(n, bn)), a, hopper.put(b), c, a_scale, hopper.put(b_scale),
               m, n, k, BM=bm, BN=bn, BK=bk, GROUP=128, num_stages=3)
    wide_a = a.cpu().double() * a_scale.cpu().double().repeat_interleave(128, 1)
    wide_b = b.double() * b_scale.double().repeat_interleave(128, 0).repeat_interleave(128, 1)
    numeric.check_dot(c.cpu(), wide_a, wide_b.T, digits=numeric.ACCUMULATOR_DIGITS[E4M3])


def cast(machine, x, dtype):
    y = machine.zeros(x.numel(), dtype=dtype)
    machine.run(kernels.cast, (triton.cdiv(x.numel(), 256),), machine.put(x), y, x.numel(), BLOCK=256)
    return y.cpu()


@pytest.mark.parametrize("source", [E4M3, E5M2, torch.float16, torch.bfloat16], ids=lambda dtype: str(dtype)[6:])
def test_widen(machine, source):
    """Every value of the narrow format."""
    if machine.arch < 89 and source == E4M3:
        pytest.skip("Triton has e4m3 from sm_89 on")
    bits = torch.arange(1 << 8 * source.itemsize)
    x = bits.to(torch.uint8 if source.itemsize == 1 else torch.uint16).view(source)
    want = x.float()
    got = cast(machine, x, torch.float32)
    assert torch.equal(got.isnan(), want.isnan()) and torch.equal(got[~want.isnan()], want[~want.isnan()])


@pytest.mark.parametrize("source", WIDE, ids=lambda dtype: str(dtype)[6:])
@pytest.mark.parametrize("target", [E4M3, E5M2, torch.float16, torch.bfloat16], ids=lambda dtype: str(dtype)[6:])
def test_narrow(machine, source, target):
    if machine.arch < 89 and E4M3 == target:
        pytest.skip("Triton has e4m3 from sm_89 on")
    largest = min(float(torch.finfo(target).max), float(torch.finfo(source).max))
    x = torch.cat([sample((4096,), 7), sample((2048,), 8, largest / 8), sample((2048,), 9, torch.finfo(target).smallest_normal)])
    x = x.clamp(-largest, largest).to(source)
    x = x[x.abs().double() <= largest]
    got, want = cast(machine, x, target), x.to(target)
    if target == E5M2 and machine.arch < 89:
        # Triton's own sequence of integer instructions: it may round ties away and flushes subnormals.
        flushed = torch.where(x.double().abs() < torch.finfo(target).smallest_normal, torch.finfo(target).smallest_normal, 0.0)
        numeric.check(got, x, numeric.rounded(x.double(), target, flushed))
        return
    assert torch.equal(got.float(), want.float())


@pytest.mark.parametrize("weights", [torch.int8, E5M2], ids=["int8", "e5m2"])
@pytest.mark.parametrize("compute", [tl.float16, tl.bfloat16], ids=["f16", "bf16"])
def test_widened_weights(machine, weights, compute):
    m, n, k = 32, 64, 64
    dtype = torch.float16 if compute == tl.float16 else torch.bfloat16
    a = sample((m, k), 10).to(dtype)
    b = torch.randint(-128, 128, (k, n), generator=torch.Generator().manual_seed(11)).to(torch.int8)
    b = b if weights == torch.int8 else (b.float() / 32).to(weights)
    c = machine.zeros(m, n)
    machine.run(kernels.upcast_product, (1,), machine.put(a), machine.put(b), c, M=m, N=n, K=k, COMPUTE=compute)
    numeric.check_dot(c.cpu(), a, b)
