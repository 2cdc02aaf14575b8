"""Fused attention, forward and backward."""

import math

import numeric
import pytest
import torch
import triton
from driver import CudaError
from kernels import attention as kernels
from launch import TensorDescriptor

LOG2_E = 1 / math.log(2)


def sample(shape, dtype, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def reference(q, k, v, causal=False):
    """In float64: the result, the probabilities, the scores."""
    q, k, v = q.double(), k.double(), v.double()
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if causal:
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(hidden, -math.inf)
    chance = torch.softmax(scores, -1)
    return chance @ v, chance, scores


def bound(want, chance, v, out, operand):
    """The probabilities are rounded to the operands' format before the second product; sums of the first are f32."""
    relative = 2 * numeric.unit(operand) + 64 * 2.0**-24
    if operand in numeric.ACCUMULATOR_DIGITS:
        # Hopper's narrow sum, in both products: scores of up to 16 move the exponent by 16 * 2**-13 * log2(e).
        relative += (want.shape[-1] / 4 + 32) * 2.0**-(numeric.ACCUMULATOR_DIGITS[operand] - 1)
    tiny = 0.0 if operand != torch.float8_e5m2 else 2.0**-17
    return numeric.rounded(want, out, relative * (chance @ v.double().abs()) + tiny * v.double().abs().sum(-2, keepdim=True))


@pytest.mark.parametrize("causal", [False, True], ids=["full", "causal"])
@pytest.mark.parametrize("dtype, warps, stages", [(torch.float16, 4, 1), (torch.bfloat16, 4, 3), (torch.float16, 8, 2)],
                         ids=["f16", "bf16-3-stages", "f16-8-warps"])
def test_forward(machine, dtype, warps, stages, causal):
    heads, queries, keys, depth = 2, 180, 180, 64
    q, k, v = (sample((heads, rows, depth), dtype, seed) for rows, seed in ((queries, 1), (keys, 2), (keys, 3)))
    out, log_sum = machine.zeros(heads, queries, depth, dtype=dtype), machine.zeros(heads, queries)
    block = 64 if warps == 4 else 128
    machine.run(kernels.attention, (triton.cdiv(queries, block), heads), machine.put(q), machine.put(k), machine.put(v), out, log_sum,
                queries, keys, LOG2_E / math.sqrt(depth), DEPTH=depth, BLOCK_Q=block, BLOCK_K=32 if causal else 64, CAUSAL=causal,
                num_warps=warps, num_stages=stages)
    want, chance, scores = reference(q, k, v, causal)
    numeric.check(out.cpu(), want, bound(want, chance, v, dtype, dtype))
    wanted = torch.logsumexp(scores, -1) * LOG2_E
    numeric.check(log_sum.cpu(), wanted, 2.0**-18 * (1 + wanted.abs()), "log_sum")


@pytest.mark.parametrize("dtype", [torch.float8_e5m2, torch.float8_e4m3fn], ids=["e5m2", "e4m3"])
def test_fp8(hopper, dtype):
    heads, length, depth = 2, 128, 64
    q, k, v = (sample((heads, length, depth), dtype, seed) for seed in (4, 5, 6))
    out, log_sum = hopper.zeros(heads, length, depth, dtype=torch.float16), hopper.zeros(heads, length)
    hopper.run(kernels.attention, (length // 64, heads), hopper.put(q), hopper.put(k), hopper.put(v), out, log_sum, length, length,
               LOG2_E / math.sqrt(depth), DEPTH=depth, BLOCK_Q=64, BLOCK_K=64, CAUSAL=False)
    want, chance, _ = reference(q, k, v)
    numeric.check(out.cpu(), want, bound(want, chance, v, torch.float16, dtype))


@pytest.mark.parametrize("specialize", [False, True], ids=["plain", "warp-specialized"])
def test_by_maps(machine, specialize):
    if specialize and machine.arch < 90:
        pytest.skip("warps are specialized from sm_90 on")
    # Triton 3.6 splits 128 rows between two consumers, but leaves the map's box whole: see test_box_of_a_split_map.
    heads, length, depth, block = 2, 256, 64, 64 if specialize else 128
    q, k, v = (sample((heads, length, depth), torch.bfloat16, seed) for seed in (7, 8, 9))
    out = machine.zeros(heads * length, depth, dtype=torch.bfloat16)
    tensors = [machine.put(each.reshape(heads * length, depth)) for each in (q, k, v)]
    maps = [TensorDescriptor(t, list(t.shape), list(t.strides), [rows, depth]) for t, rows in zip(tensors, (block, 64, 64))]
    machine.run(kernels.attention_by_maps, (length // block, heads), *maps, out, length, length, LOG2_E / math.sqrt(depth), DEPTH=depth,
                BLOCK_Q=block, BLOCK_K=64, SPECIALIZE=specialize, num_warps=4, num_stages=2)
    want, chance, _ = reference(q, k, v)
    numeric.check(out.cpu().reshape(want.shape), want, bound(want, chance, v, torch.bfloat16, torch.bfloat16))


def test_box_of_a_split_map(hopper, capfd):
    """Triton 3.6 splits 128 rows of queries between two consumers, each with a barrier for half of the bytes, but leaves the
    map's box whole: twice the bytes arrive, and the phase never ends. The simulator has to say so instead of hanging."""
    length, depth = 128, 64
    tensors = [hopper.put(sample((length, depth), torch.bfloat16, seed)) for seed in (7, 8, 9)]
    maps = [TensorDescriptor(t, list(t.shape), list(t.strides), [rows, depth]) for t, rows in zip(tensors, (128, 64, 64))]
    with pytest.raises(CudaError, match="CUDA_ERROR_LAUNCH_TIMEOUT"):
        hopper.run(kernels.attention_by_maps, (1, 1), *maps, hopper.zeros(length, depth, dtype=torch.bfloat16), length, length, 1.0,
                   DEPTH=depth, BLOCK_Q=128, BLOCK_K=64, SPECIALIZE=True, num_warps=4, num_stages=2)
    said = capfd.readouterr().err
    assert "deadlock" in said and "mbarrier.try_wait" in said


def test_backward(machine):
    heads, length, depth = 2, 128, 32
    q, k, v, do = (sample((heads, length, depth), torch.float16, seed) for seed in (10, 11, 12, 13))
    wide = [each.double().requires_grad_() for each in (q, k, v)]
    scores = wide[0] @ wide[1].mT / math.sqrt(depth)
    out = torch.softmax(scores, -1) @ wide[2]
    out.backward(do.double())
    delta = (out * do).sum(-1)
    log_sum = torch.logsumexp(scores, -1) * LOG2_E
    grads = [machine.zeros(heads, length, depth) for _ in range(3)]
    machine.run(kernels.attention_backward, (length // 64, heads), *(machine.put(each) for each in (q, k, v, do)), *grads,
                machine.put(log_sum.float()), machine.put(delta.float()), length, length, LOG2_E / math.sqrt(depth), DEPTH=depth,
                BLOCK=64)
    dq, dk, dv = (each.cpu().double() for each in grads)
    # Probabilities and slopes are rounded to f16; the kernel leaves the factor 1/sqrt(depth) to its caller.
    chance = torch.softmax(scores, -1).detach()
    half = 3 * numeric.unit(torch.float16)
    numeric.check(dv, wide[2].grad, half * (chance.mT @ do.double().abs()) + 2.0**-20, "dv")
    slope = chance * ((do.double() @ wide[2].detach().mT) - delta.detach()[..., None]).abs()
    root = math.sqrt(depth)
    numeric.check(dk / root, wide[1].grad, (half * (slope.mT @ q.double().abs()) + 2.0**-16) / root, "dk")
    numeric.check(dq / root, wide[0].grad, (half * (slope @ k.double().abs()) + 2.0**-16) / root, "dq")
