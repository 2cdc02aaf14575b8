"""Comparisons whose bounds come from the number formats, in float64."""

import torch

# Bits of a significand, with the leading one.
DIGITS = {torch.float64: 53, torch.float32: 24, torch.float16: 11, torch.bfloat16: 8, torch.float8_e4m3fn: 4,
          torch.float8_e5m2: 3}
TF32_DIGITS = 11
# Significand bits that survive a tensor core's sum: Hopper keeps 14 for fp8, 25 or more else; we allow the float32 result.
ACCUMULATOR_DIGITS = {torch.float8_e4m3fn: 13, torch.float8_e5m2: 13}


def unit(dtype):
    """Relative rounding error of one operation in the format."""
    return 2.0**-DIGITS[dtype] if dtype in DIGITS else 0.0


def smallest(dtype):
    return torch.finfo(dtype).smallest_normal * 2 * unit(dtype) if dtype.is_floating_point else 0.0


def check(got, want, bound, what="result"):
    """|got - want| <= bound everywhere, infinities and NaNs alike; says where it is worst."""
    got, want = got.double(), want.double()
    bound = torch.as_tensor(bound, dtype=torch.float64).broadcast_to(want.shape)
    bad = ~((got - want).abs() <= bound) & ~(got == want) & ~(got.isnan() & want.isnan())
    if not bad.any():
        return
    excess = torch.where(bad, ((got - want).abs() / bound.clamp_min(1e-300)).nan_to_num(nan=torch.inf), 0.0)
    where = tuple(int(i) for i in torch.unravel_index(excess.argmax(), want.shape))
    raise AssertionError(f"{what}{list(where)} is {got[where].item()!r}, wanted {want[where].item()!r} "
                         f"within {bound[where].item():.3g}; {int(bad.sum())} of {bad.numel()} are wrong")


def rounded(want, dtype, error=0.0):
    """Bound for a value that was computed within `error` and then rounded to the format."""
    return error + (want.abs() + error) * unit(dtype) + smallest(dtype)


def check_dot(got, a, b, *, digits=None, operand_digits=None, extra=0.0, scale=1.0, what="product"):
    """got = a @ b, summed in a tensor core, where each partial sum loses at most one unit of its largest term."""
    a, b = a.double(), b.double()
    want = (a @ b) * scale
    size = (a.abs() @ b.abs()) * abs(scale)
    k = a.shape[-1]
    # One truncation for each four terms or fewer, none larger than the sum of the magnitudes.
    error = (k / 4 + 2) * size * 2.0**-((digits or 24) - 1)
    if operand_digits:
        error = error + size * (2 * 2.0**-operand_digits + 4.0**-operand_digits)
    check(got, want, rounded(want, got.dtype, error + extra), what)
