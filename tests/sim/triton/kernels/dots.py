"""Products of less usual kinds: batches, float64, narrow accumulators, microscaled operands, convolution."""

import triton
import triton.language as tl


@triton.jit
def batch(a, b, c, B: tl.constexpr, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, OUT: tl.constexpr):
    each = tl.arange(0, B)[:, None, None]
    x = tl.load(a + each * M * K + tl.arange(0, M)[None, :, None] * K + tl.arange(0, K)[None, None, :])
    y = tl.load(b + each * K * N + tl.arange(0, K)[None, :, None] * N + tl.arange(0, N)[None, None, :])
    product = tl.dot(x, y, out_dtype=OUT)
    tl.store(c + each * M * N + tl.arange(0, M)[None, :, None] * N + tl.arange(0, N)[None, None, :], product)


@triton.jit
def single(a, b, c, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, OUT: tl.constexpr, PRECISION: tl.constexpr):
    x = tl.load(a + tl.arange(0, M)[:, None] * K + tl.arange(0, K)[None, :])
    y = tl.load(b + tl.arange(0, K)[:, None] * N + tl.arange(0, N)[None, :])
    product = tl.dot(x, y, out_dtype=OUT, input_precision=PRECISION)
    tl.store(c + tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :], product)


@triton.jit
def chained(a, b, c, d, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    """d = (a @ b) @ c: the first result is the second's operand in registers."""
    x = tl.load(a + tl.arange(0, M)[:, None] * K + tl.arange(0, K)[None, :])
    y = tl.load(b + tl.arange(0, K)[:, None] * N + tl.arange(0, N)[None, :])
    z = tl.load(c + tl.arange(0, N)[:, None] * K + tl.arange(0, K)[None, :])
    middle = tl.dot(x, y).to(a.dtype.element_ty)
    tl.store(d + tl.arange(0, M)[:, None] * K + tl.arange(0, K)[None, :], tl.dot(middle, z))


@triton.jit
def microscaled(a, a_scale, b, b_scale, c, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, A: tl.constexpr, B: tl.constexpr,
                PACK_A: tl.constexpr, PACK_B: tl.constexpr):
    """OCP's formats: a power of two for every 32 values along K; e2m1 is packed in pairs."""
    KA: tl.constexpr = K // PACK_A
    KB: tl.constexpr = K // PACK_B
    x = tl.load(a + tl.arange(0, M)[:, None] * KA + tl.arange(0, KA)[None, :])
    y = tl.load(b + tl.arange(0, KB)[:, None] * N + tl.arange(0, N)[None, :])
    x_scale = tl.load(a_scale + tl.arange(0, M)[:, None] * (K // 32) + tl.arange(0, K // 32)[None, :])
    y_scale = tl.load(b_scale + tl.arange(0, N)[:, None] * (K // 32) + tl.arange(0, K // 32)[None, :])
    product = tl.dot_scaled(x, x_scale, A, y, y_scale, B)
    tl.store(c + tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :], product)


@triton.jit
def convolution(image, filters, out, height, width, CHANNELS: tl.constexpr, OUT_CHANNELS: tl.constexpr, SIZE: tl.constexpr,
                BLOCK: tl.constexpr):
    """Same-size convolution of an image in rows, columns, channels, as a sum of products over the filter's taps."""
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    row = pixel // width
    column = pixel % width
    channel = tl.arange(0, CHANNELS)
    to = tl.arange(0, OUT_CHANNELS)
    total = tl.zeros((BLOCK, OUT_CHANNELS), dtype=tl.float32)
    for tap in range(SIZE * SIZE):
        r = row + tap // SIZE - SIZE // 2
        c = column + tap % SIZE - SIZE // 2
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        x = tl.load(image + (r * width + c)[:, None] * CHANNELS + channel[None, :], mask=inside[:, None], other=0.0)
        w = tl.load(filters + tap * CHANNELS * OUT_CHANNELS + channel[:, None] * OUT_CHANNELS + to[None, :])
        total = tl.dot(x, w, total)
    tl.store(out + pixel[:, None] * OUT_CHANNELS + to[None, :], total, mask=(pixel < height * width)[:, None])


@triton.jit
def unpacked_int4(a, packed, scale, c, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, GROUP: tl.constexpr):
    """Weights of 4 bits, eight in a word along K, with a scale for each group."""
    depth = tl.arange(0, K)
    column = tl.arange(0, N)
    x = tl.load(a + tl.arange(0, M)[:, None] * K + depth[None, :])
    words = tl.load(packed + (depth // 8)[:, None] * N + column[None, :])
    nibble = (words >> ((depth % 8) * 4)[:, None]) & 0xF
    w = (nibble - 8).to(tl.float16) * tl.load(scale + (depth // GROUP)[:, None] * N + column[None, :])
    tl.store(c + tl.arange(0, M)[:, None] * N + column[None, :], tl.dot(x, w))
