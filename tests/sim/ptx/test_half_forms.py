"""Every variant of the f16 and bf16 instructions and of their packed forms, on all pairs of edges and on random bits; of one
operand, on every third value (softfloat.py, approximations.py; ISA 9.7.4)."""

import functools

import approximations
import forms
import lanes
import numpy as np
import pytest
import softfloat
from softfloat import FORMATS
from test_float_forms import edges, mode_of, rounded

VARIANTS = forms.swept_by("test_half_forms.py")
OPERATIONS = {"add": 2, "sub": 2, "mul": 2, "fma": 3, "neg": 1, "abs": 1, "min": 2, "max": 2, "tanh": 1, "ex2": 1}
# What a tensor map fills with where it is asked for NaN.
OOB_NAN = 0x7FFF
# The largest errors of tanh and of ex2, this one relative.
BOUNDS = {"f16": {"tanh": 2.0**-10.987, "ex2": 2.0**-9.9}, "bf16": {"tanh": 2.0**-8, "ex2": 2.0**-7}}


def parts(variant):
    *modifiers, kind = forms.name_of(variant).split(".")
    return modifiers, kind.removesuffix("x2"), kind.endswith("x2")


def operands(format, seed):
    columns = lanes.pairs(edges(format), 200, seed, 3)
    random = np.random.default_rng(seed)
    near = [random.integers(0, 12 << format.precision - 1, 600).astype(np.uint64) + np.uint64(format.one - (6 << format.precision - 1))
            | random.integers(0, 2, 600).astype(np.uint64) << np.uint64(15) for _ in range(3)]
    low = [np.concatenate([c & np.uint64(0xFFFF), n]) for c, n in zip(columns, near)]
    # The upper half gets the same in another order, and the tensor maps' NaN now and then.
    order = random.permutation(len(low[0]))
    for column, step in zip(low, (31, 37, 41)):
        column[::step] = OOB_NAN
    return [c | c[order] << np.uint64(16) for c in low]


@functools.cache
def approximate(op, kind, a):
    format, bound = FORMATS[kind], approximations.WIDE(BOUNDS[kind][op])
    if op == "tanh":
        return approximations.tanh(format, a, lambda y: bound)
    ftz = kind == "bf16"
    # What is subnormal is rounded to a multiple of the least one.
    least = np.ldexp(approximations.WIDE(1), format.least - format.precision)
    return approximations.exp2(format, format.flush(a) if ftz else a, ftz, lambda y: max(bound * y, least))


def half(modifiers, kind, a, b, c):
    format, ftz, op = FORMATS[kind], "ftz" in modifiers, modifiers[0]
    if op in ("tanh", "ex2"):
        return approximate(op, kind, a)
    if "oob" in modifiers and OOB_NAN in (a, b, c):
        return 0
    a, b, c = (format.flush(x) if ftz else x for x in (a, b, c))
    if op in ("min", "max"):
        return softfloat.select(format, modifiers, a, b)
    if op in ("neg", "abs"):
        if format.is_nan(a):
            return approximations.is_nan_of(format)
        return a & ~format.sign if op == "abs" else a ^ format.sign
    result = rounded(modifiers, format, ftz, a, b, c)
    negative = "relu" in modifiers and result & format.sign and not format.is_nan(result)
    return 0 if negative else result


def expected(variant, a, b, c):
    modifiers, kind, two = parts(variant)
    low = half(modifiers, kind, a & 0xFFFF, b & 0xFFFF, c & 0xFFFF)
    if not two:
        return low
    high = half(modifiers, kind, *(x >> 16 & 0xFFFF for x in (a, b, c)))
    holds = lambda want, got: want(got) if callable(want) else want == got
    if callable(low) or callable(high):
        return lambda got: holds(low, got & 0xFFFF) and holds(high, got >> 16)
    return low | high << 16


@pytest.mark.parametrize("kind", ("f16", "bf16"))
@pytest.mark.parametrize("wide", (False, True), ids=("one", "more"))
def test_halves(kind, wide, tmp_path):
    variants = [v for v in VARIANTS if parts(v)[1] == kind and (OPERATIONS[parts(v)[0][0]] > 1) == wide]
    assert all(mode_of(parts(v)[0]) == "n" for v in variants)
    if wide:
        sources = operands(FORMATS[kind], len(kind))
    else:
        every = np.arange(0, 65536, 3, dtype=np.uint64)
        sources = [every | np.random.default_rng(2).permutation(every) << np.uint64(16)] * 3
    with np.errstate(all="ignore"):
        lanes.compare(variants, lanes.run(variants, sources, tmp_path), sources, expected)


def test_none_is_left_out():
    assert {parts(v)[0][0] for v in VARIANTS} == set(OPERATIONS)
    assert {parts(v)[1] for v in VARIANTS} == {"f16", "bf16"} and len(VARIANTS) > 130
