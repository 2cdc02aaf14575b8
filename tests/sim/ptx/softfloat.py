"""Exact binary floating point on Python's integers: the reference of the sweeps of arithmetic.

A value is None for NaN, (sign, "inf"), or (sign, m, e) for m * 2**e; results before rounding carry a fourth part that says
whether something below 2**e was cut off.
"""

import math


class Format:
    def __init__(self, width, precision, canonical):
        self.width, self.precision, self.canonical = width, precision, canonical
        self.bias = (1 << width - precision - 1) - 1
        self.least = 1 - self.bias  # exponent of the least normal number
        self.infinity = (2 * self.bias + 1) << precision - 1
        self.sign = 1 << width - 1
        self.one = self.bias << precision - 1

    def is_nan(self, bits):
        return bits & ~self.sign & self.mask() > self.infinity

    def mask(self):
        return (1 << self.width) - 1

    def is_subnormal(self, bits):
        return 0 < bits & ~self.sign & self.mask() < 1 << self.precision - 1

    def flush(self, bits):
        return bits & self.sign if self.is_subnormal(bits) else bits

    def decode(self, bits):
        sign, magnitude = bits >> self.width - 1 & 1, bits & ~self.sign & self.mask()
        if magnitude >= self.infinity:
            return None if magnitude > self.infinity else (sign, "inf")
        exponent, fraction = divmod(magnitude, 1 << self.precision - 1)
        if exponent:
            fraction += 1 << self.precision - 1
        return (sign, fraction, max(exponent, 1) - self.bias - self.precision + 1)

    def round(self, value, mode):
        """Bits of a value: `n` to nearest even, `z` to zero, `m` down, `p` up."""
        if value is None:
            return self.canonical
        if value[1] == "inf":
            return self.sign * value[0] | self.infinity
        sign, m, e, cut = (*value, False)[:4]
        if not m and not cut:
            return self.sign * sign
        quantum = max(m.bit_length() + e, self.least + 1) - self.precision
        shift = quantum - e
        assert shift > 1 or not cut, "not enough bits to round"
        whole, rest = (m << -shift, 0) if shift <= 0 else divmod(m, 1 << shift)
        half = 1 << shift - 1 if shift > 0 else 1
        up = {"n": rest > half or rest == half and (cut or whole & 1), "z": False,
              "m": sign and (rest or cut), "p": not sign and (rest or cut)}[mode]
        whole += bool(up)
        # In the order of the encodings a carry goes to the next exponent by itself.
        exponent = quantum - (self.least - self.precision + 1)
        magnitude = (exponent << self.precision - 1) + whole
        if magnitude >= self.infinity:
            stays = mode == "z" or mode == ("p" if sign else "m")
            magnitude = self.infinity - stays
        return self.sign * sign | magnitude


F16, BF16 = Format(16, 11, 0x7FFF), Format(16, 8, 0x7FFF)
F32, F64 = Format(32, 24, 0x7FFFFFFF), Format(64, 53, 0x7FF8000000000000)
FORMATS = {"f16": F16, "bf16": BF16, "f32": F32, "f64": F64}


def finite(*values):
    return all(value[1] != "inf" for value in values)


def negated(a):
    return a and (1 - a[0], *a[1:])


def multiply(a, b):
    if a is None or b is None:
        return None
    sign = a[0] ^ b[0]
    if not finite(a, b):
        return None if 0 in (a[1], b[1]) else (sign, "inf")
    return (sign, a[1] * b[1], a[2] + b[2])


def add(a, b, mode):
    if a is None or b is None:
        return None
    if not finite(a, b):
        if not finite(a) and not finite(b) and a[0] != b[0]:
            return None
        return b if finite(a) else a
    e = min(a[2], b[2])
    total = sum((-m if sign else m) << exponent - e for sign, m, exponent in (a, b))
    if total == 0:
        # An exact zero is positive but when rounding down, or of the sign that both have.
        return (a[0] if a[0] == b[0] and not a[1] and not b[1] else int(mode == "m"), 0, 0)
    return (int(total < 0), abs(total), e)


def divide(a, b):
    if a is None or b is None:
        return None
    sign = a[0] ^ b[0]
    if not finite(b):
        return None if not finite(a) else (sign, 0, 0)
    if not finite(a) or not b[1]:
        return None if not a[1] else (sign, "inf")
    # As many bits as any format needs, and two to round by.
    quotient, rest = divmod(a[1] << 120, b[1])
    return (sign, quotient, a[2] - b[2] - 120, rest != 0)


def root(a):
    if a is None or a[0] and a[1]:
        return None
    if not finite(a) or not a[1]:
        return a
    m, e = (a[1] << 121, a[2] - 121) if a[2] % 2 else (a[1] << 120, a[2] - 120)
    result = math.isqrt(m)
    return (0, result, e // 2, result * result != m)


def fused(a, b, c, mode):
    product = multiply(a, b)
    return None if product is None else add(product, c, mode)


def saturated(format, bits):
    """[+0, 1]; NaN gives +0."""
    if format.is_nan(bits) or bits & format.sign:
        return 0
    return min(bits, format.one)


def select(format, modifiers, a, b):
    """min and max by the manual's pseudocode, with -0 below +0."""
    sign, magnitude = format.sign, format.sign - 1
    toggled = (a ^ b) & sign
    if "abs" in modifiers:
        a, b = a & magnitude, b & magnitude
    nans = [x for x in (a, b) if format.is_nan(x)]
    if len(nans) == 2 or nans and "NaN" in modifiers:
        return format.canonical
    if nans:
        d = b if format.is_nan(a) else a
    else:
        order = lambda x: -(x & magnitude) - 1 if x & sign else x
        d = (min if modifiers[0] == "min" else max)(a, b, key=order)
    return d & magnitude | toggled if "xorsign" in modifiers else d


def order(format, bits):
    """Bits to integers in the order of the values: neighbours differ by 1."""
    return -(bits & format.sign - 1) if bits & format.sign else bits
