"""Every variant of the f32 and f64 instructions, on all pairs of edges and on random bits. What is rounded is compared with
exact arithmetic on integers (softfloat.py), what is approximate with the manual's bounds (approximations.py; ISA 9.7.3)."""

import approximations
import forms
import lanes
import numpy as np
import pytest
import softfloat
from softfloat import FORMATS

VARIANTS = forms.swept_by("test_float_forms.py")
ARITHMETIC = {"add": 2, "sub": 2, "mul": 2, "fma": 3, "mad": 3, "div": 2, "rcp": 1, "sqrt": 1}
OTHERS = {"testp", "copysign", "abs", "neg", "min", "max"}
APPROXIMATE = {"rsqrt", "sin", "cos", "lg2", "ex2", "tanh"}


def edges(format):
    """Zeros, subnormals, neighbours of the least normal number, of 1 and of powers of two, extremes, infinities, NaN."""
    unit, normal = 1 << format.precision - 1, 1 << format.precision - 1
    magnitudes = [0, 1, normal // 2 + 3, normal - 1, normal, normal + 1, format.one - 1, format.one, format.one + 1, format.one + unit // 2,
                  format.one + 2 * unit - 1, format.one - unit * (format.precision + 1), format.one + unit * (format.precision - 1),
                  format.infinity - unit, format.infinity - 1, format.infinity, format.infinity + 1, format.infinity + unit // 2 + 5]
    return magnitudes + [format.sign | m for m in magnitudes]


def operands(format, seed):
    """Pairs of edges, random bits, and numbers of about the same size, whose sums cancel and round."""
    columns = lanes.pairs(edges(format), 300, seed, 3)
    random = np.random.default_rng(seed + 1)
    mask, top = np.uint64(format.mask()), format.precision - 1
    near = [(random.integers(format.bias - 9, format.bias + 9, 600).astype(np.uint64) << np.uint64(top)
             | random.integers(0, 1 << top, 600).astype(np.uint64) | random.integers(0, 2, 600).astype(np.uint64) << np.uint64(format.width - 1))
            for _ in range(3)]
    # Products and quotients that come out around the least normal number.
    tiny = near[0][:200] - np.uint64((format.bias // 2) << top), near[1][:200] - np.uint64((format.bias // 2) << top)
    columns = [np.concatenate([c & mask, n]) for c, n in zip(columns, near)]
    return [np.concatenate([c, t]) for c, t in zip(columns, (*tiny, near[2][:200] & np.uint64(format.sign | 0xFFF)))]


def parts(variant):
    modifiers = forms.name_of(variant).split(".")
    return modifiers, FORMATS[modifiers[-1]], "ftz" in modifiers


def mode_of(modifiers):
    return next((m[1] for m in modifiers if m in ("rn", "rz", "rm", "rp")), "n")


def exact(op, mode, a, b, c):
    return {"add": lambda: softfloat.add(a, b, mode), "sub": lambda: softfloat.add(a, softfloat.negated(b), mode),
            "mul": lambda: softfloat.multiply(a, b), "div": lambda: softfloat.divide(a, b), "rcp": lambda: softfloat.divide((0, 1, 0), a),
            "sqrt": lambda: softfloat.root(a), "fma": lambda: softfloat.fused(a, b, c, mode),
            "mad": lambda: softfloat.fused(a, b, c, mode)}[op]()


def rounded(modifiers, format, ftz, *sources):
    """One operation with its rounding, flushing and saturation; a NaN of f64 may be any."""
    mode = mode_of(modifiers)
    bits = format.round(exact(modifiers[0], mode, *(format.decode(s) for s in sources)), mode)
    if ftz:
        bits = format.flush(bits)
    if "sat" in modifiers:
        return softfloat.saturated(format, bits)
    return approximations.is_nan_of(format) if format.width == 64 and format.is_nan(bits) else bits


def approximate(modifiers, format, ftz, a, b):
    op = ".".join(modifiers[:2])
    if modifiers[0] in ("div", "rcp") and format.width == 32:
        return approximations.quotient(op, ftz, *((a, b) if modifiers[0] == "div" else (format.one, a)))
    if format.width == 64:
        return approximations.gross(op, a) if ftz else approximations.inverse_root_f64(a)
    return {"sqrt": lambda: approximations.roots(op, ftz, a), "rsqrt": lambda: approximations.roots(op, ftz, a),
            "sin": lambda: approximations.sine(op, ftz, a), "cos": lambda: approximations.sine(op, ftz, a),
            "lg2": lambda: approximations.log2(ftz, a),
            "ex2": lambda: approximations.exp2(format, a, ftz, None),
            "tanh": lambda: approximations.tanh(format, a, lambda y: abs(y) * 2.0**-11)}[modifiers[0]]()


def has_property(property, format, a):
    magnitude = a & ~format.sign
    return int({"finite": magnitude < format.infinity, "infinite": magnitude == format.infinity, "number": not format.is_nan(a),
                "notanumber": format.is_nan(a), "subnormal": format.is_subnormal(a),
                # Zeros are normal here.
                "normal": magnitude < format.infinity and not format.is_subnormal(a)}[property])


def signed(modifiers, format, a):
    """abs and neg, whose NaN is unspecified; abs.f64 passes its payload through."""
    if format.is_nan(a):
        unchanged = modifiers == ["abs", "f64"]
        return (lambda got: got | format.sign == a | format.sign) if unchanged else approximations.is_nan_of(format)
    return a & ~format.sign if modifiers[0] == "abs" else a ^ format.sign


def expected(variant, *sources):
    modifiers, format, ftz = parts(variant)
    op = modifiers[0]
    a, b, c = (format.flush(s & format.mask()) if ftz else s & format.mask() for s in sources)
    if op in APPROXIMATE or "approx" in modifiers or "full" in modifiers:
        return approximate(modifiers, format, ftz, a, b)
    if op in ARITHMETIC:
        return rounded(modifiers, format, ftz, a, b, c)
    if op == "testp":
        return has_property(modifiers[1], format, a)
    if op == "copysign":
        return a & format.sign | b & ~format.sign
    if op in ("min", "max"):
        got = softfloat.select(format, modifiers, a, b)
        return approximations.is_nan_of(format) if format.width == 64 and format.is_nan(got) else got
    return signed(modifiers, format, a)


@pytest.mark.parametrize("kind", ("f32", "f64"))
def test_floats(kind, tmp_path):
    variants = [v for v in VARIANTS if parts(v)[1] is FORMATS[kind]]
    sources = operands(FORMATS[kind], len(kind))
    with np.errstate(all="ignore"):
        lanes.compare(variants, lanes.run(variants, sources, tmp_path), sources, expected)


def test_none_is_left_out():
    assert {parts(v)[0][0] for v in VARIANTS} == set(ARITHMETIC) | OTHERS | APPROXIMATE
    assert {parts(v)[1].width for v in VARIANTS} == {32, 64} and len(VARIANTS) > 200
