"""Softmax and layer norm: reductions within and across warps, and a lock in global memory."""

import numeric
import pytest
import torch
from kernels import rows as kernels

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
# exp2's ISA bound of 2 ulp, its argument's rounding (|x| below 16), and as much for the sums.
SOFTMAX_ERROR = 64 * 2.0**-24


def sample(shape, dtype, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("warps, stages", [(1, 1), (4, 2), (8, 4)])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_softmax(machine, dtype, warps, stages):
    rows, columns = 23, 781
    x = sample((rows, columns), dtype, 1)
    y = machine.zeros(rows, columns, dtype=dtype)
    machine.run(kernels.softmax, (5,), machine.put(x), y, columns, columns, rows, columns, BLOCK=1024, NUM_STAGES=stages,
                num_warps=warps)
    want = torch.softmax(x.double(), 1)
    numeric.check(y.cpu(), want, numeric.rounded(want, dtype, SOFTMAX_ERROR * want))


@pytest.mark.parametrize("warps", [2, 16])
def test_softmax_online(machine, warps):
    rows, columns = 3, 5000
    x = sample((rows, columns), torch.float32, 2) * 8
    y = machine.zeros(rows, columns)
    machine.run(kernels.softmax_online, (rows,), machine.put(x), y, columns, BLOCK=1024, num_warps=warps)
    want = torch.softmax(x.double(), 1)
    # The argument of exp is up to 64 here.
    numeric.check(y.cpu(), want, numeric.rounded(want, torch.float32, 4 * SOFTMAX_ERROR * want))


@pytest.mark.parametrize("ctas", [2, 4])
def test_softmax_of_a_cluster(hopper, ctas):
    """num_ctas > 1: the CTAs of a cluster share a tile of rows."""
    x = sample((64, 300), torch.float32, 3)
    y = hopper.zeros(64, 300)
    hopper.run(kernels.softmax_tile, (2,), hopper.put(x), y, 300, ROWS=32, COLUMNS=512, num_ctas=ctas)
    want = torch.softmax(x.double(), 1)
    numeric.check(y.cpu(), want, numeric.rounded(want, torch.float32, SOFTMAX_ERROR * want))


def norm_forward(machine, x, weight, bias, warps=4):
    rows, columns = x.shape
    y, mean, rstd = machine.zeros(rows, columns, dtype=x.dtype), machine.zeros(rows), machine.zeros(rows)
    tensors = [machine.put(x), y, machine.put(weight), machine.put(bias), mean, rstd]
    machine.run(kernels.layer_norm, (rows,), *tensors, columns, 1e-5, BLOCK=256, num_warps=warps)
    return tensors


@pytest.mark.parametrize("warps", [1, 4])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_layer_norm(machine, dtype, warps):
    x, weight, bias = sample((9, 700), dtype, 4), sample((700,), dtype, 5), sample((700,), dtype, 6)
    y = norm_forward(machine, x, weight, bias, warps)[1].cpu()
    want = torch.layer_norm(x.double(), (700,), weight.double(), bias.double(), 1e-5)
    error = 32 * 2.0**-24 * (weight.double().abs() * x.double().abs().amax() + bias.double().abs())
    numeric.check(y, want, numeric.rounded(want, dtype, error))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=["f32", "f16"])
def test_layer_norm_backward(machine, dtype):
    rows, columns, groups = 48, 384, 4
    x, weight, bias = sample((rows, columns), dtype, 7), sample((columns,), dtype, 8), sample((columns,), dtype, 9)
    slope = sample((rows, columns), dtype, 10)
    x_on, _, weight_on, _, mean, rstd = norm_forward(machine, x, weight, bias)
    dx, dw_part, db_part = machine.zeros(rows, columns, dtype=dtype), machine.zeros(groups, columns), machine.zeros(groups, columns)
    locks = machine.zeros(2 * groups, dtype=torch.int32)
    machine.run(kernels.layer_norm_backward, (rows,), dx, machine.put(slope), dw_part, db_part, x_on, weight_on, mean, rstd, locks,
                columns, GROUPS=groups, BLOCK=512, num_warps=4)
    totals = [machine.zeros(columns), machine.zeros(columns)]
    for part, total in zip((dw_part, db_part), totals):
        machine.run(kernels.sum_columns, (columns // 64,), part, total, groups, columns, ROWS=8, COLUMNS=64)

    x, weight, bias = (each.double().requires_grad_() for each in (x, weight, bias))
    torch.layer_norm(x, (columns,), weight, bias, 1e-5).backward(slope.double())
    size = slope.double().abs()
    error = 64 * 2.0**-24 * (size * weight.detach().abs()).amax()
    numeric.check(dx.cpu(), x.grad, numeric.rounded(x.grad, dtype, error), "dx")
    column = 4 * rows * 2.0**-24 * size.sum(0)
    numeric.check(totals[0].cpu(), weight.grad, 4 * column, "dw")
    numeric.check(totals[1].cpu(), bias.grad, column, "db")
    assert locks.cpu().tolist() == [0] * groups + [1] * groups
