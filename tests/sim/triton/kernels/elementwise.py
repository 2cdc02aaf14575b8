"""Elementwise functions, dropout, atomics, printing and assertions."""

import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def dropout(x, y, count, p, seed, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    keep = tl.rand(seed, place) > p
    tl.store(y + place, tl.where(keep, tl.load(x + place, mask=inside) / (1 - p), 0.0), mask=inside)


@triton.jit
def random_bits(a, b, c, d, seed, BLOCK: tl.constexpr):
    """All four words of Philox."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    w, x, y, z = tl.randint4x(seed, place)
    tl.store(a + place, w)
    tl.store(b + place, x)
    tl.store(c + place, y)
    tl.store(d + place, z)


@triton.jit
def normals(y, seed, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + place, tl.randn(seed, place))


@triton.jit
def function(x, y, count, NAME: tl.constexpr, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + place, mask=place < count)
    if NAME == "exp":
        r = tl.exp(v)
    elif NAME == "exp2":
        r = tl.exp2(v)
    elif NAME == "log":
        r = tl.log(v)
    elif NAME == "log2":
        r = tl.log2(v)
    elif NAME == "sin":
        r = tl.sin(v)
    elif NAME == "cos":
        r = tl.cos(v)
    elif NAME == "sqrt":
        r = tl.sqrt(v)
    elif NAME == "sqrt_rn":
        r = tl.sqrt_rn(v)
    elif NAME == "rsqrt":
        r = tl.rsqrt(v)
    elif NAME == "sigmoid":
        r = tl.sigmoid(v)
    elif NAME == "erf":
        r = tl.erf(v)
    elif NAME == "floor":
        r = tl.floor(v)
    elif NAME == "ceil":
        r = tl.ceil(v)
    elif NAME == "reciprocal_rn":
        r = tl.div_rn(1.0, v)
    elif NAME == "tanh":
        r = libdevice.tanh(v)
    elif NAME == "pow":
        r = libdevice.pow(v, 1.75)
    elif NAME == "asinh":
        r = libdevice.asinh(v)
    elif NAME == "atan2":
        r = libdevice.atan2(v, 0.5)
    elif NAME == "log1p":
        r = libdevice.log1p(v)
    elif NAME == "lgamma":
        r = libdevice.lgamma(v)
    else:
        r = libdevice.rint(v)
    tl.store(y + place, r, mask=place < count)


@triton.jit
def integers(x, y, q, r, high, bits, BLOCK: tl.constexpr):
    """Quotient, remainder, high half of the product, and an instruction of PTX by hand."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(x + place)
    b = tl.load(y + place)
    tl.store(q + place, a // b)
    tl.store(r + place, a % b)
    tl.store(high + place, tl.umulhi(a.to(tl.uint32, bitcast=True), b.to(tl.uint32, bitcast=True)))
    tl.store(bits + place, tl.inline_asm_elementwise("popc.b32 $0, $1;", "=r,r", [a], dtype=tl.int32, is_pure=True, pack=1))


@triton.jit
def four_bytes(x, y, z, BLOCK: tl.constexpr):
    """Inline assembly on four packed bytes at a time."""
    place = tl.arange(0, BLOCK)
    total = tl.inline_asm_elementwise("""
        {
        .reg .b32 low, high;
        and.b32 low, $1, 0x7f7f7f7f;
        and.b32 high, $2, 0x7f7f7f7f;
        add.u32 $0, low, high;
        }""", "=r,r,r", [tl.load(x + place), tl.load(y + place)], dtype=tl.int8, is_pure=True, pack=4)
    tl.store(z + place, total)


@triton.jit
def atomics(x, target, old, KIND: tl.constexpr, BLOCK: tl.constexpr, SLOTS: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + place)
    slot = target + place % SLOTS
    if KIND == "add":
        r = tl.atomic_add(slot, v)
    elif KIND == "max":
        r = tl.atomic_max(slot, v)
    elif KIND == "min":
        r = tl.atomic_min(slot, v)
    elif KIND == "and":
        r = tl.atomic_and(slot, v)
    elif KIND == "or":
        r = tl.atomic_or(slot, v)
    elif KIND == "xor":
        r = tl.atomic_xor(slot, v)
    else:
        r = tl.atomic_xchg(slot, v)
    tl.store(old + place, r)


@triton.jit
def ticket(counter, order, total, x, BLOCK: tl.constexpr):
    """Each program adds its block's sum; the last to take a ticket reads the whole."""
    pid = tl.program_id(0)
    mine = tl.sum(tl.load(x + pid * BLOCK + tl.arange(0, BLOCK)))
    tl.store(order + pid, mine)
    taken = tl.atomic_add(counter, 1, sem="acq_rel", scope="gpu")
    if taken == tl.num_programs(0) - 1:
        programs = tl.arange(0, BLOCK)
        parts = tl.load(order + programs, mask=programs < tl.num_programs(0), other=0, volatile=True)
        tl.store(total, tl.sum(parts))


@triton.jit
def compare_and_swap(target, x, old, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + place)
    tl.store(old + place, tl.atomic_cas(target + place, v, v + 1))


@triton.jit
def histogram_atomic(x, bins, count, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    tl.atomic_add(bins + tl.load(x + place, mask=inside, other=0), 1, mask=inside, sem="relaxed")


@triton.jit
def histogram(x, bins, count, BLOCK: tl.constexpr, BINS: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    counts = tl.histogram(tl.load(x + place, mask=inside, other=0), BINS, mask=inside)
    tl.atomic_add(bins + tl.arange(0, BINS), counts)


@triton.jit
def talk(x, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + place)
    tl.device_print("v =", v)
    tl.device_print("ratio", v * 0.5, place)


@triton.jit
def insist(x, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + place)
    tl.device_assert(v < 100, "too large")
    tl.store(x + place, v + 1)
