"""What the manual allows the approximations to give: special values, and a bound of the error (ISA 9.7.3 and 9.7.4)."""

import softfloat
from softfloat import F32, F64

import numpy as np

WIDE = np.longdouble
ULPS = {"div.approx": 2, "div.full": 2, "rcp.approx": 1, "ex2.approx": 2}


def value(format, bits):
    """Bits as an 80-bit number, which holds every f64."""
    decoded = format.decode(bits)
    if decoded is None:
        return WIDE("nan")
    sign, m, *e = decoded
    magnitude = WIDE("inf") if m == "inf" else np.ldexp(WIDE(m), e[0])
    return -magnitude if sign else magnitude


def exactly(x):
    """An 80-bit number as softfloat's triple."""
    fraction, exponent = np.frexp(abs(x))
    return (int(x < 0), int(np.ldexp(fraction, 64)), int(exponent) - 64)


def near(format, exact, ulps, ftz):
    """Accepts what is within some units in the last place of the rounded result; with .ftz, what that flushes to."""
    middle = softfloat.order(format, format.round(exact, "n"))
    sign = format.sign if exact[0] else 0

    def accepts(got):
        """within the bound in ulp"""
        if ftz and format.is_subnormal(got):
            return False
        if abs(softfloat.order(format, got) - middle) <= ulps and (got & format.sign == sign or not got & ~format.sign):
            return True
        least = 1 << format.precision - 1
        return ftz and got == sign and abs(middle) - ulps < least
    return accepts


def within(format, exact, bound, ftz=False):
    """Accepts an error of at most `bound`; with .ftz, zero for what may be subnormal."""
    def accepts(got):
        """within the bound of the error"""
        x = value(format, got)
        if np.isinf(x):
            # Past the largest finite value, half a unit further.
            limit = value(format, format.infinity - 1)
            return x == np.copysign(x, exact) and abs(exact) + bound >= limit
        if ftz and format.is_subnormal(got):
            return False
        if ftz and x == 0 and abs(exact) - bound < np.ldexp(WIDE(1), format.least):
            return True
        return not np.isnan(x) and abs(x - exact) <= bound
    return accepts


def is_nan_of(format):
    def accepts(got):
        """a NaN"""
        return format.is_nan(got)
    return accepts


def quotient(name, ftz, a, b):
    """div.approx, div.full and rcp.approx."""
    x, y = F32.decode(a), F32.decode(b)
    exact = softfloat.divide(x, y)
    if exact is None:
        return is_nan_of(F32)
    sign = F32.sign * exact[0]
    if exact[1] == "inf" or not exact[1]:
        huge = name == "div.approx" and y[1] != "inf" and softfloat.order(F32, b & ~F32.sign) > 0x7E800000
        return is_nan_of(F32) if huge and x[1] == "inf" else sign | (F32.infinity if exact[1] == "inf" else 0)
    if name == "div.approx":
        if b & ~F32.sign > 0x7E800000:
            return sign
        # Below 2**-126 the manual gives no bound.
        if F32.is_subnormal(b):
            return None
    return near(F32, exact, ULPS[name], ftz)


def exp2(format, a, ftz, bound):
    if format.is_nan(a):
        return is_nan_of(format)
    x = value(format, a)
    if np.isinf(x):
        return format.infinity if x > 0 else 0
    if x == 0:
        return format.one
    exact = np.exp2(min(max(x, WIDE(-2000)), WIDE(2000)))
    return near(format, exactly(exact), ULPS["ex2.approx"], ftz) if bound is None else within(format, exact, bound(exact), ftz)


def tanh(format, a, bound):
    if format.is_nan(a):
        return is_nan_of(format)
    x = value(format, a)
    if np.isinf(x) or x == 0:
        return a & format.sign | (format.one if x else 0)
    exact = np.tanh(x)
    return within(format, exact, bound(exact))


def sine(name, ftz, a):
    x = value(F32, a)
    if not np.isfinite(x):
        return is_nan_of(F32)
    if x == 0:
        return F32.one if name == "cos.approx" else a
    if abs(x) > 100 * np.pi:
        return None
    exact = np.cos(x) if name == "cos.approx" else np.sin(x)
    return within(F32, exact, np.exp2(WIDE(-20.5 if abs(x) <= 2 * np.pi else -14.7)), ftz)


def log2(ftz, a):
    x = value(F32, a)
    if np.isnan(x) or x < 0:
        return is_nan_of(F32)
    if x == 0 or np.isinf(x):
        return F32.infinity | (0 if x else F32.sign)
    exact = np.log2(x)
    return within(F32, exact, np.exp2(WIDE(-22)) * (1 if 0.5 < x < 2 else abs(exact)), ftz)


def roots(name, ftz, a):
    """sqrt.approx.f32 and rsqrt.approx.f32."""
    x, inverse = value(F32, a), name == "rsqrt.approx"
    if np.isnan(x) or x < 0:
        return is_nan_of(F32)
    if x == 0:
        return a | F32.infinity if inverse else a
    if np.isinf(x):
        return 0 if inverse else F32.infinity
    exact = 1 / np.sqrt(x) if inverse else np.sqrt(x)
    return within(F32, exact, exact * np.exp2(WIDE(-22.9 if inverse else -23)), ftz)


def gross(name, a):
    """rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64 take and give upper words. The manual bounds no error: a unit of the 20 bits."""
    a = F64.flush(a >> 32 << 32)
    x, inverse = value(F64, a), name == "rcp.approx"
    if np.isnan(x) or x < 0 and not inverse:
        return 0x7FFFFFFF00000000
    if x == 0:
        return a | F64.infinity
    if np.isinf(x):
        return a & F64.sign
    exact = 1 / x if inverse else 1 / np.sqrt(x)
    close = within(F64, exact, abs(exact) * np.exp2(WIDE(-20)), True)

    def accepts(got):
        """an upper word within a unit of its 20 bits"""
        return got & 0xFFFFFFFF == 0 and close(got)
    return accepts


def inverse_root_f64(a):
    """rsqrt.approx.f64, of which the manual bounds no error: two units in the last place."""
    x = value(F64, a)
    if np.isnan(x) or x < 0:
        return is_nan_of(F64)
    if x == 0 or np.isinf(x):
        return a | F64.infinity if x == 0 else 0
    return near(F64, exactly(1 / np.sqrt(x)), 2, False)
