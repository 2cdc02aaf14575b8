"""Products of less usual kinds."""

import numeric
import pytest
import torch
import triton
import triton.language as tl
from kernels import dots as kernels

TYPES = {torch.float16: tl.float16, torch.float32: tl.float32, torch.float64: tl.float64}


def sample(shape, dtype, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def test_batch(machine):
    a, b = sample((4, 32, 32), torch.float16, 1), sample((4, 32, 64), torch.float16, 2)
    c = machine.zeros(4, 32, 64)
    machine.run(kernels.batch, (1,), machine.put(a), machine.put(b), c, B=4, M=32, N=64, K=32, OUT=tl.float32)
    numeric.check_dot(c.cpu(), a, b)


def run_single(machine, a, b, out, precision="tf32"):
    (m, k), n = a.shape, b.shape[1]
    c = machine.zeros(m, n, dtype=out)
    machine.run(kernels.single, (1,), machine.put(a), machine.put(b), c, M=m, N=n, K=k, OUT=TYPES[out], PRECISION=precision)
    return c.cpu()


def test_float64(machine):
    a, b = sample((32, 64), torch.float64, 3), sample((64, 32), torch.float64, 4)
    numeric.check_dot(run_single(machine, a, b, torch.float64, "ieee"), a, b, digits=53)


def test_half_accumulator(machine):
    """The sum itself is kept in f16."""
    a, b = sample((64, 64), torch.float16, 5), sample((64, 64), torch.float16, 6)
    numeric.check_dot(run_single(machine, a, b, torch.float16), a, b, digits=11)


def test_chained(machine):
    a, b, c = sample((64, 64), torch.bfloat16, 7), sample((64, 64), torch.bfloat16, 8), sample((64, 64), torch.bfloat16, 9)
    d = machine.zeros(64, 64)
    machine.run(kernels.chained, (1,), *(machine.put(each) for each in (a, b, c)), d, M=64, N=64, K=64)
    exact = a.double() @ b.double()
    middle = (exact.abs() + 64 * 2.0**-22 * (a.double().abs() @ b.double().abs())) * numeric.unit(torch.bfloat16) * 1.01
    spread = (a.double().abs() @ b.double().abs()) * 64 * 2.0**-22
    numeric.check(d.cpu(), exact @ c.double(), (middle + spread) @ c.double().abs() + 1e-3)


E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def microscaled(shape, kind, seed):
    """(stored, float64 values) with the values' pairs packed along dimension 1 for e2m1."""
    generator = torch.Generator().manual_seed(seed)
    if kind == "e2m1":
        code = torch.randint(0, 16, shape, generator=generator).to(torch.uint8)
        return code[:, 0::2] | code[:, 1::2] << 4, E2M1[code.long()].double()
    if kind == "bf16":
        value = torch.randn(shape, generator=generator).bfloat16()
        return value, value.double()
    dtype = {"e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2}[kind]
    value = torch.randn(shape, generator=generator).to(dtype)
    return value, value.double()


@pytest.mark.parametrize("a_kind, b_kind", [("e4m3", "e4m3"), ("e5m2", "e2m1"), ("e2m1", "e2m1"), ("bf16", "e2m1")])
def test_microscaled(hopper, a_kind, b_kind):
    """Hopper has no such product: Triton widens to bf16, multiplies by the scales and uses its tensor cores."""
    m, n, k = 64, 64, 128
    a, wide_a = microscaled((m, k), a_kind, 10)
    b, wide_b = microscaled((n, k), b_kind, 11)
    scales = [torch.randint(124, 131, (rows, k // 32), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
              for rows, seed in ((m, 12), (n, 13))]
    if a_kind == "bf16":
        scales[0].fill_(127)
    c = hopper.zeros(m, n)
    pack = {"e2m1": 2}
    stored = [each.view(torch.uint8) if kind != "bf16" else each for each, kind in ((a, a_kind), (b.T.contiguous(), b_kind))]
    hopper.run(kernels.microscaled, (1,), hopper.put(stored[0]), hopper.put(scales[0]), hopper.put(stored[1]), hopper.put(scales[1]), c,
               M=m, N=n, K=k, A=a_kind, B=b_kind, PACK_A=pack.get(a_kind, 1), PACK_B=pack.get(b_kind, 1))
    factors = [torch.exp2(each.double() - 127).repeat_interleave(32, 1) for each in scales]
    numeric.check_dot(c.cpu(), wide_a * factors[0], (wide_b * factors[1]).T)


def test_convolution(machine):
    height, width, channels, to, size = 9, 13, 32, 32, 3
    image, filters = sample((height, width, channels), torch.float16, 14), sample((size * size, channels, to), torch.float16, 15)
    out = machine.zeros(height * width, to)
    machine.run(kernels.convolution, (triton.cdiv(height * width, 64),), machine.put(image), machine.put(filters), out, height, width,
                CHANNELS=channels, OUT_CHANNELS=to, SIZE=size, BLOCK=64, num_stages=3)
    # As one product over taps and channels.
    padded = torch.nn.functional.pad(image, (0, 0, 1, 1, 1, 1))
    rows = torch.cat([padded[r:r + height, c:c + width].reshape(-1, channels) for r in range(size) for c in range(size)], 1)
    numeric.check_dot(out.cpu(), rows, filters.reshape(-1, to))


def test_int4_weights(machine):
    m, n, k, group = 32, 64, 128, 64
    a, scale = sample((m, k), torch.float16, 16), sample((k // group, n), torch.float16, 17).abs()
    code = torch.randint(0, 16, (k, n), generator=torch.Generator().manual_seed(18))
    packed = sum(code[i::8].long() << (4 * i) for i in range(8)).to(torch.uint32).view(torch.int32)
    c = machine.zeros(m, n)
    machine.run(kernels.unpacked_int4, (1,), machine.put(a), machine.put(packed), machine.put(scale), c, M=m, N=n, K=k, GROUP=group)
    numeric.check_dot(c.cpu(), a, (code - 8).half() * scale.repeat_interleave(group, 0))
