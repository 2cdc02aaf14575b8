"""Functions, random numbers, atomics, printing, assertions."""

import re

import numeric
import numpy as np
import pytest
import torch
from driver import CudaError
from kernels import elementwise as kernels

ERROR_ASSERT = 710


def philox(seed, offset, rounds=10):
    """Philox 4x32 of Salmon and others (SC 2011), as NumPy: the four words for counters (offset, 0, 0, 0)."""
    key = [np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)]
    low = np.uint64(0xFFFFFFFF)
    words = [offset.astype(np.uint64)] + [np.zeros(len(offset), np.uint64)] * 3
    for _ in range(rounds):
        a, b = words[0] * np.uint64(0xD2511F53), words[2] * np.uint64(0xCD9E8D57)
        words = [(b >> np.uint64(32)) ^ words[1] ^ key[0], b & low, (a >> np.uint64(32)) ^ words[3] ^ key[1], a & low]
        key = [(key[0] + np.uint64(0x9E3779B9)) & low, (key[1] + np.uint64(0xBB67AE85)) & low]
    return [word.astype(np.uint32) for word in words]


def uniform(word):
    """Triton's map of 32 bits into [0, 1)."""
    signed = word.view(np.int32).astype(np.int64)
    return (np.where(signed < 0, -signed - 1, signed).astype(np.float32) * np.float32(4.6566127342e-10))


def test_dropout(machine):
    count, p, seed = 3000, 0.3, 1234
    x = torch.randn(count, generator=torch.Generator().manual_seed(1))
    y = machine.zeros(count)
    machine.run(kernels.dropout, (3,), machine.put(x), y, count, p, seed, BLOCK=1024)
    keep = torch.from_numpy(uniform(philox(seed, np.arange(count))[0]) > np.float32(p))
    want = torch.where(keep, x.double() / (1 - np.float64(np.float32(p))), 0.0)
    numeric.check(y.cpu(), want, 8 * 2.0**-24 * want.abs())
    assert 0.65 < keep.float().mean() < 0.75


@pytest.mark.parametrize("seed", [0, 7, (123 << 32) + 45])
def test_random_bits(machine, seed):
    tensors = [machine.zeros(512, dtype=torch.int32) for _ in range(4)]
    machine.run(kernels.random_bits, (2,), *tensors, seed, BLOCK=256)
    for tensor, want in zip(tensors, philox(seed, np.arange(512))):
        assert np.array_equal(tensor.cpu().numpy().view(np.uint32), want)


def test_normals(machine):
    y = machine.zeros(4096)
    machine.run(kernels.normals, (4,), y, 99, BLOCK=1024)
    first, second = (uniform(word).astype(np.float64) for word in philox(99, np.arange(4096))[:2])
    want = np.sqrt(-2 * np.log(np.maximum(first, 1e-7))) * np.cos(2 * np.pi * second)
    numeric.check(y.cpu(), torch.from_numpy(want), 2.0**-16)


# Triton's exp, log, sin and cos are the approximate instructions; the rest is libdevice or correctly rounded. Bounds in ulp.
FUNCTIONS = {
    "exp": (torch.exp, -20, 20, 40), "exp2": (torch.exp2, -30, 30, 4), "log": (torch.log, 0.1, 1e6, 4),
    "log2": (torch.log2, 0.1, 1e6, 4), "sin": (torch.sin, -100, 100, 2), "cos": (torch.cos, -100, 100, 2),
    "sqrt": (torch.sqrt, 0, 1e9, 2), "sqrt_rn": (torch.sqrt, 0, 1e9, 0.5), "rsqrt": (torch.rsqrt, 1e-6, 1e9, 4),
    "sigmoid": (torch.sigmoid, -20, 20, 44), "erf": (torch.erf, -4, 4, 4), "floor": (torch.floor, -1e5, 1e5, 0),
    "ceil": (torch.ceil, -1e5, 1e5, 0), "reciprocal_rn": (torch.reciprocal, 0.01, 1e9, 0.5), "tanh": (torch.tanh, -9, 9, 4),
    "pow": (lambda x: x**1.75, 0, 1e5, 8), "asinh": (torch.asinh, -1e6, 1e6, 6),
    "atan2": (lambda x: torch.atan2(x, torch.tensor(0.5, dtype=x.dtype)), -10, 10, 4), "log1p": (torch.log1p, -0.9, 1e3, 4),
    "lgamma": (torch.lgamma, 3, 1e3, 8), "rint": (torch.round, -1e5, 1e5, 0)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(machine, name):
    exact, low, high, ulp = FUNCTIONS[name]
    x = torch.linspace(low, high, 3001)
    y = machine.zeros(3001)
    machine.run(kernels.function, (3,), machine.put(x), y, 3001, NAME=name, BLOCK=1024)
    want = exact(x.double())
    # log's bound is absolute near 1; a unit of |want|'s binade else.
    size = torch.maximum(want.abs(), torch.tensor(1.0)) if name.startswith("log") else want.abs()
    numeric.check(y.cpu(), want, ulp * 2.0**-23 * size, name)


def test_integers(machine):
    generator = torch.Generator().manual_seed(2)
    x = torch.randint(-2**31, 2**31, (1024,), generator=generator).int()
    y = torch.randint(1, 2**16, (1024,), generator=generator).int() * torch.where(torch.arange(1024) % 3 == 0, -1, 1).int()
    q, r, high, bits = (machine.zeros(1024, dtype=torch.int32) for _ in range(4))
    machine.run(kernels.integers, (4,), machine.put(x), machine.put(y), q, r, high, bits, BLOCK=256)
    a, b = x.numpy().astype(np.int64), y.numpy().astype(np.int64)
    quotient = np.trunc(a / b).astype(np.int64)  # exact: 32 bits in float64
    assert np.array_equal(q.cpu().numpy(), quotient) and np.array_equal(r.cpu().numpy(), a - quotient * b)
    product = x.numpy().view(np.uint32).astype(np.uint64) * y.numpy().view(np.uint32).astype(np.uint64)
    assert np.array_equal(high.cpu().numpy().view(np.uint32), (product >> np.uint64(32)).astype(np.uint32))
    assert bits.cpu().tolist() == [int(v).bit_count() for v in x.numpy().view(np.uint32)]


def test_packed_assembly(machine):
    x, y = (torch.randint(0, 64, (512,), generator=torch.Generator().manual_seed(seed)).to(torch.int8) for seed in (3, 4))
    z = machine.zeros(512, dtype=torch.int8)
    machine.run(kernels.four_bytes, (1,), machine.put(x), machine.put(y), z, BLOCK=512)
    assert torch.equal(z.cpu(), x + y)


REDUCTIONS = {"add": (lambda v: v.sum(0)), "max": lambda v: v.max(0), "min": lambda v: v.min(0), "and": np.bitwise_and.reduce,
              "or": np.bitwise_or.reduce, "xor": np.bitwise_xor.reduce}


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint32, torch.int64, torch.float32, torch.float16, torch.bfloat16],
                         ids=lambda dtype: str(dtype)[6:])
@pytest.mark.parametrize("kind", [*REDUCTIONS, "xchg"])
def test_atomics(machine, kind, dtype):
    floating, narrow = dtype.is_floating_point, dtype.itemsize == 2
    if floating and kind in ("and", "or", "xor") or narrow and kind != "add":
        pytest.skip("no such instruction")
    if dtype == torch.bfloat16 and machine.arch < 90:
        pytest.skip("atomic sums of bf16 from sm_90 on")
    slots, count = 16, 1024
    x = torch.randint(1, 4 if narrow else 1000, (count,), generator=torch.Generator().manual_seed(5)).to(dtype)
    start = torch.full((slots,), 5).to(dtype)
    target, old = machine.put(start), machine.zeros(count, dtype=dtype)
    machine.run(kernels.atomics, (4,), machine.put(x), target, old, KIND=kind, BLOCK=256, SLOTS=slots)
    wide = (lambda t: t.to(torch.float64 if floating else torch.int64).numpy())
    columns, seen, end = wide(x).reshape(-1, slots), wide(old.cpu()).reshape(-1, slots), wide(target.cpu())
    for slot in range(slots):
        if kind == "xchg":
            # What was put in comes out once, but for what is there at the end.
            assert sorted([5, *columns[:, slot]]) == sorted([end[slot], *seen[:, slot]])
            continue
        assert end[slot] == REDUCTIONS[kind](np.append(columns[:, slot], 5))
        assert 5 in seen[:, slot]


def test_compare_and_swap(machine):
    x = torch.arange(256, dtype=torch.int32)
    target, old = machine.put(torch.where(x % 2 == 0, x, -1).int()), machine.zeros(256, dtype=torch.int32)
    machine.run(kernels.compare_and_swap, (1,), target, machine.put(x), old, BLOCK=256)
    even = x % 2 == 0
    assert torch.equal(old.cpu(), torch.where(even, x, -1).int())
    assert torch.equal(target.cpu(), torch.where(even, x + 1, -1).int())


def test_ticket(machine):
    programs, block = 40, 64
    x = torch.randint(0, 1000, (programs * block,), generator=torch.Generator().manual_seed(6)).int()
    counter, order, total = (machine.zeros(size, dtype=torch.int32) for size in (1, block, 1))
    machine.run(kernels.ticket, (programs,), counter, order, total, machine.put(x), BLOCK=block)
    assert total.cpu().item() == x.sum() and counter.cpu().item() == programs


@pytest.mark.parametrize("kind", ["histogram_atomic", "histogram"])
def test_histogram(machine, kind):
    count, size = 5000, 64
    x = torch.randint(0, size, (count,), generator=torch.Generator().manual_seed(7)).int()
    bins = machine.zeros(size, dtype=torch.int32)
    extra = {"BINS": size} if kind == "histogram" else {}
    machine.run(getattr(kernels, kind), (5,), machine.put(x), bins, count, BLOCK=1024, **extra)
    assert torch.equal(bins.cpu(), torch.bincount(x, minlength=size).int())


def test_print(machine, capfd):
    machine.run(kernels.talk, (2,), machine.put(torch.arange(64).float()), BLOCK=32, num_warps=1)
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("pid")]
    assert len(lines) == 64 * 3
    said = {}
    for line in lines:
        program, index, name, operand, value = re.match(
            r"pid \((\d), 0, 0\) idx \( *(\d+)\) (.*?): (?:\(operand (\d)\) )?([-\d.]+)$", line).groups()
        said.setdefault((name, operand), []).append((int(program) * 32 + int(index), float(value)))
    assert sorted(said["v =", None]) == [(i, float(i)) for i in range(64)]
    assert sorted(said["ratio", "0"]) == [(i, i / 2) for i in range(64)]
    assert sorted(said["ratio", "1"]) == [(i, float(i)) for i in range(64)]


def test_assertion(machine, capfd):
    good = machine.put(torch.arange(64).int())
    machine.run(kernels.insist, (1,), good, BLOCK=64, debug=True)
    assert good.cpu()[63] == 64
    with pytest.raises(CudaError) as error:
        machine.run(kernels.insist, (1,), machine.put(torch.arange(64, 128).int()), BLOCK=64, debug=True)
    assert error.value.code == ERROR_ASSERT
    assert "too large" in capfd.readouterr().err
