"""Pipelines written out in Gluon: TMA rings with wgmma, warps with roles, cp.async by groups and by barriers."""

import numeric
import pytest
import torch
from kernels import explicit as kernels
from launch import GluonDescriptor
from triton.experimental.gluon import language as gl

TYPES = {torch.float16: gl.float16, torch.bfloat16: gl.bfloat16}


def sample(shape, dtype, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def tensor_map(tensor, box):
    layout = gl.NVMMASharedLayout.get_default_for(box, TYPES[tensor.dtype])
    return GluonDescriptor(tensor, list(tensor.shape), list(tensor.strides), box, layout)


@pytest.mark.parametrize("dtype", TYPES, ids=["f16", "bf16"])
@pytest.mark.parametrize("kernel, stages", [(kernels.pipelined, 2), (kernels.pipelined, 4), (kernels.specialized, 2),
                                            (kernels.specialized, 3)], ids=lambda value: getattr(value, "__name__", str(value)))
def test_ring(hopper, kernel, stages, dtype):
    m, n, k = 128, 256, 320
    bm, bn, bk = 64, 128, 64
    a, b = sample((m, k), dtype, 1), sample((k, n), dtype, 2)
    x, y, z = hopper.put(a), hopper.put(b), hopper.zeros(m, n, dtype=dtype)
    hopper.run(kernel, (m // bm, n // bn), tensor_map(x, [bm, bk]), tensor_map(y, [bk, bn]), tensor_map(z, [bm, bn]), k, STAGES=stages,
               num_warps=4)
    numeric.check_dot(z.cpu(), a, b)


@pytest.mark.parametrize("stages", [2, 4])
def test_copy_groups(machine, stages):
    x = sample((2300,), torch.float32, 3)
    y = machine.zeros(2300)
    machine.run(kernels.copied, (1,), machine.put(x), y, 2300, BLOCK=512, STAGES=stages, num_warps=4)
    assert torch.equal(y.cpu(), x + 1)


def test_copy_barrier(machine):
    x = sample((512,), torch.float32, 4)
    y = machine.zeros(512)
    machine.run(kernels.copied_by_barrier, (1,), machine.put(x), y, BLOCK=512, num_warps=4)
    assert torch.equal(y.cpu(), x * 2)


@pytest.mark.parametrize("warps", [1, 4])
def test_fragments(machine, warps):
    a, b = sample((64, 32), torch.float16, 5), sample((32, 64), torch.float16, 6)
    c = machine.zeros(64, 64)
    machine.run(kernels.fragments, (1,), machine.put(a), machine.put(b), c, M=64, N=64, K=32, num_warps=warps)
    numeric.check_dot(c.cpu(), a, b)
