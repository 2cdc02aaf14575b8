"""The reference interpreter against PyTorch, on random data.

Each test writes a function of one op (or a few), runs it through
`tilewright-opt -xf-interpret` and compares with PyTorch in float64, or in the
op's own type where that says more. Bounds come from the result's format: one
rounding is half a unit in the last place, and sums in f32 add a little.
"""

import os
import pathlib
import subprocess

import numpy as np
import pytest
import torch
import torch.nn.functional as F

OPT = pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"]) / "bin" / "tilewright-opt"
# Distance between 1 and the next number.
EPSILON = {"bf16": 2.0**-7, "f16": 2.0**-10, "f32": 2.0**-23}
TORCH = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}


def tensor_type(shape, dtype):
    return "tensor<" + "".join(f"{size}x" for size in shape) + dtype + ">"


def interpret(folder, arguments, results, body, weights=None):
    """Runs `body`, whose arguments are %a0.. and whose results are %r0... Each
    argument is (array, dtype); each result is (shape, dtype)."""
    names, inputs = [], []
    for index, (array, dtype) in enumerate(arguments):
        names.append(f"%a{index}: {tensor_type(array.shape, dtype)}")
        inputs.append(folder / f"a{index}.npy")
        np.save(inputs[-1], array)
    types = ", ".join(tensor_type(*result) for result in results)
    values = ", ".join(f"%r{index}" for index in range(len(results)))
    outputs = [folder / f"r{index}.npy" for index in range(len(results))]
    source = folder / "test.mlir"
    source.write_text(f"func.func @test({', '.join(names)}) -> ({types}) {{\n{body}\nreturn {values} : {types}\n}}\n")
    options = f"function=test inputs={','.join(map(str, inputs))} outputs={','.join(map(str, outputs))}"
    if weights:
        options += f" weights={weights}"
    subprocess.run([OPT, source, f"--xf-interpret={options}", "-o", os.devnull], check=True)
    return [np.load(path) for path in outputs]


def assert_close(actual, expected, relative, absolute=0.0):
    """Names the first element that is too far off."""
    actual = np.asarray(actual, np.float64)
    expected = np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    distance = np.abs(actual - expected)
    far = ~(distance <= absolute + relative * np.abs(expected))
    if far.any():
        at = tuple(int(i) for i in np.argwhere(far)[0])
        pytest.fail(f"element {at} is {actual[at]!r}, expected {expected[at]!r}; {far.sum()} of {far.size} too far off")


def random(shape, dtype, seed=0):
    """Numbers that `dtype` holds, as a float32 array."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).to(TORCH[dtype]).float().numpy()


def in64(array):
    return torch.from_numpy(array).double()


@pytest.mark.parametrize("dtype", ["bf16", "f16", "f32"])
@pytest.mark.parametrize("m, n, k", [(1, 1, 1), (3, 7, 65), (65, 33, 576)])
def test_matmul(tmp_path, m, n, k, dtype):
    x, w = random((m, k), dtype, 1), random((n, k), dtype, 2)
    (y,) = interpret(tmp_path, [(x, dtype), (w, dtype)], [((m, n), dtype)],
        f"%r0 = xf.matmul %a0, %a1 : {tensor_type(x.shape, dtype)}, {tensor_type(w.shape, dtype)}"
        f" -> {tensor_type((m, n), dtype)}")
    magnitude = (in64(np.abs(x)) @ in64(np.abs(w)).T).numpy()
    # A lane adds k / 8 terms, and 3 more sums join the lanes.
    bound = (k / 8 + 4) * EPSILON["f32"] / 2 * magnitude
    assert_close(y, (in64(x) @ in64(w).T).numpy(), EPSILON[dtype] / 2 * 1.01, bound)


@pytest.mark.parametrize("dtype", ["bf16", "f16", "f32"])
def test_add_and_mul_round_as_torch_does(tmp_path, dtype):
    x, y, row = random((5, 33), dtype, 1), random((5, 33), dtype, 2), random((33,), dtype, 3)
    t, tr = tensor_type((5, 33), dtype), tensor_type((33,), dtype)
    results = interpret(tmp_path, [(x, dtype), (y, dtype), (row, dtype)], [((5, 33), dtype)] * 4, f"""
        %r0 = xf.add %a0, %a1 : {t}, {t}
        %r1 = xf.mul %a0, %a1 : {t}, {t}
        %r2 = xf.add %a0, %a2 : {t}, {tr}
        %r3 = xf.mul %a0, %a2 : {t}, {tr}""")
    tx, ty, trow = (torch.from_numpy(a).to(TORCH[dtype]) for a in (x, y, row))
    for actual, expected in zip(results, (tx + ty, tx * ty, tx + trow, tx * trow)):
        np.testing.assert_array_equal(actual.astype(np.float32), expected.float().numpy())


@pytest.mark.parametrize("source, target", [("f32", "bf16"), ("f32", "f16"), ("bf16", "f16"), ("f16", "f32")])
def test_cast(tmp_path, source, target):
    scales = np.exp(np.linspace(-20, 20, 4096)).astype(np.float32)
    x = (torch.from_numpy(random((4096,), "f32") * scales).to(TORCH[source]).float()).numpy()
    (y,) = interpret(tmp_path, [(x, source)], [((4096,), target)],
        f"%r0 = xf.cast %a0 : {tensor_type((4096,), source)} to {tensor_type((4096,), target)}")
    expected = torch.from_numpy(x).to(TORCH[target]).float().numpy()
    np.testing.assert_array_equal(y.astype(np.float32), expected)


ACTIVATIONS = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["bf16", "f32"])
def test_activation(tmp_path, kind, dtype):
    x = random((64, 64), dtype) * 4
    t = tensor_type(x.shape, dtype)
    (y,) = interpret(tmp_path, [(x, dtype)], [(x.shape, dtype)], f"%r0 = xf.activation {kind} %a0 : {t}")
    # 1 + erf and 1 + tanh cancel where x is far below 0.
    assert_close(y, ACTIVATIONS[kind](in64(x)).numpy(), EPSILON[dtype], 16 * EPSILON["f32"])


@pytest.mark.parametrize("distance", [1, 8, 48])
def test_gated_activation(tmp_path, distance):
    x = random((7, 96), "bf16")
    (y,) = interpret(tmp_path, [(x, "bf16")], [((7, 48), "bf16")],
        f"%r0 = xf.gated_activation silu %a0 pair_distance = {distance} : tensor<7x96xbf16> -> tensor<7x48xbf16>")
    pairs = in64(x).reshape(7, -1, 2, distance)
    expected = (F.silu(pairs[:, :, 0]) * pairs[:, :, 1]).reshape(7, 48)
    assert_close(y, expected.numpy(), EPSILON["bf16"] / 2 * 1.01)


@pytest.mark.parametrize("dtype", ["bf16", "f32"])
def test_rms_norm(tmp_path, dtype):
    x, w = random((9, 577), dtype, 1), random((577,), dtype, 2)
    (y,) = interpret(tmp_path, [(x, dtype), (w, dtype)], [(x.shape, dtype)],
        f"%r0 = xf.rms_norm %a0, %a1, epsilon = 1.0e-5 : {tensor_type(x.shape, dtype)}, {tensor_type(w.shape, dtype)}")
    expected = F.rms_norm(in64(x), (577,), in64(w), 1e-5)
    assert_close(y, expected.numpy(), EPSILON[dtype] / 2 + 40 * EPSILON["f32"])


def test_sum_squares_and_rstd_are_a_norm(tmp_path):
    x = random((9, 577), "bf16")
    (s, r) = interpret(tmp_path, [(x, "bf16")], [((9, 10), "f32"), ((9,), "f32")], """
        %r0 = xf.sum_squares %a0 chunk = 64 : tensor<9x577xbf16> -> tensor<9x10xf32>
        %r1 = xf.rstd %r0 count = 577 epsilon = 1.0e-5 : tensor<9x10xf32> -> tensor<9xf32>""")
    squares = F.pad(in64(x) ** 2, (0, 63)).reshape(9, 10, 64).sum(-1)
    assert_close(s, squares.numpy(), 16 * EPSILON["f32"])
    expected = ((in64(x) ** 2).mean(-1) + 1e-5).rsqrt()
    assert_close(r, expected.numpy(), 16 * EPSILON["f32"])


@pytest.mark.parametrize("scaling", [None, "linear", "llama3"])
def test_rope_table_against_transformers(tmp_path, scaling):
    transformers = pytest.importorskip("transformers")
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    text = {
        None: "",
        "linear": "scaling(#xf.linear_scaling<factor = 4.0>)",
        "llama3": "scaling(#xf.llama3_scaling<factor = 8.0, low_freq_factor = 1.0, high_freq_factor = 4.0,"
        " original_max_positions = 8192>)",
    }[scaling]
    parameters = {
        None: {"rope_type": "default"},
        "linear": {"rope_type": "linear", "factor": 4.0},
        "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                   "original_max_position_embeddings": 8192},
    }[scaling]
    config = transformers.LlamaConfig(hidden_size=512, num_attention_heads=4, max_position_embeddings=131072,
                                      rope_parameters={"rope_theta": 500000.0, **parameters})
    cos, sin = LlamaRotaryEmbedding(config)(torch.zeros(1), torch.arange(2048)[None])
    (table,) = interpret(tmp_path, [], [((2048, 64, 2), "f32")],
        f"%r0 = xf.rope_table theta = 5.0e5 {text} : tensor<2048x64x2xf32>")
    # Their frequency is a quotient of f32, one or two roundings off; at position
    # 2048 that turns a pair by as much as 2048 times the error.
    bound = 2048 * 2 * EPSILON["f32"]
    assert_close(table[:, :, 0], cos[0, :, :64].numpy(), 0, bound)
    assert_close(table[:, :, 1], sin[0, :, :64].numpy(), 0, bound)


@pytest.mark.parametrize("distance", [1, 8, 16])
def test_rope(tmp_path, distance):
    tokens, heads, size, rotated = 11, 3, 40, 32
    x = random((tokens, heads, size), "bf16")
    positions = np.random.default_rng(0).integers(0, 64, tokens).astype(np.int32)
    angles = torch.rand((64, rotated // 2), generator=torch.Generator().manual_seed(1)).double() * 6
    table = torch.stack((angles.cos(), angles.sin()), -1).float().numpy()
    (y,) = interpret(tmp_path, [(x, "bf16"), (table, "f32"), (positions, "i32")], [(x.shape, "bf16")],
        f"%r0 = xf.rope %a0, %a1, %a2 pair_distance = {distance}"
        " : tensor<11x3x40xbf16>, tensor<64x16x2xf32>, tensor<11xi32>")
    # As complex numbers: pairs times exp(i angle).
    pairs = in64(x)[..., :rotated].reshape(tokens, heads, -1, 2, distance)
    numbers = torch.complex(pairs[:, :, :, 0], pairs[:, :, :, 1]).reshape(tokens, heads, -1)
    turned = (numbers * torch.polar(torch.ones(()).double(), angles[positions])[:, None]).reshape(tokens, heads, -1, distance)
    expected = torch.stack((turned.real, turned.imag), 3).reshape(tokens, heads, rotated)
    expected = torch.cat((expected, in64(x)[..., rotated:]), -1)
    assert_close(y, expected.numpy(), EPSILON["bf16"] / 2 * 1.01, 8 * EPSILON["f32"])


@pytest.mark.parametrize("window", [0, 5])
@pytest.mark.parametrize("dtype", ["bf16", "f32"])
def test_attention(tmp_path, window, dtype):
    heads, kv_heads, size, page_size = 6, 2, 24, 4
    queries, lengths = [5, 0, 1, 3], [5, 0, 18, 9]
    random_order = np.random.default_rng(0).permutation(16).astype(np.int32)
    table = np.full((4, 5), -1, np.int32)
    used = 0
    for sequence, length in enumerate(lengths):
        count = -(-length // page_size)
        table[sequence, :count] = random_order[used : used + count]
        used += count
    q = random((sum(queries), heads, size), dtype, 1)
    k, v = (random((16, kv_heads, page_size, size), dtype, seed) for seed in (2, 3))
    cu = np.cumsum([0, *queries]).astype(np.int32)
    types = f"{tensor_type(q.shape, dtype)}, {tensor_type(k.shape, dtype)}, tensor<4x5xi32>, tensor<5xi32>, tensor<4xi32>"
    (y,) = interpret(tmp_path,
        [(q, dtype), (k, dtype), (v, dtype), (table, "i32"), (cu, "i32"), (np.array(lengths, np.int32), "i32")],
        [(q.shape, dtype)],
        f"%r0 = xf.attention %a0, %a1, %a2, %a3, %a4, %a5 scale = 0.2 {f'window = {window}' if window else ''} : {types}")

    for sequence, (count, length) in enumerate(zip(queries, lengths)):
        pages = table[sequence, : -(-length // page_size)]
        keys, values = (in64(c[pages]).transpose(0, 1).reshape(kv_heads, -1, size)[:, :length]
                        .repeat_interleave(heads // kv_heads, 0) for c in (k, v))
        distance = torch.arange(length - count, length)[:, None] - torch.arange(length)[None]
        mask = (distance >= 0) & ((distance < window) if window else torch.ones(()).bool())
        rows = slice(cu[sequence], cu[sequence + 1])
        expected = F.scaled_dot_product_attention(
            in64(q[rows]).transpose(0, 1), keys, values, attn_mask=mask, scale=0.2).transpose(0, 1)
        # Rounded weights move the mean of the values by half a unit, and it
        # rounds once more itself.
        bound = EPSILON[dtype] * float(np.abs(v).max()) + 64 * EPSILON["f32"]
        assert_close(y[rows], expected.numpy(), EPSILON[dtype], bound)


def test_embedding_and_gather(tmp_path):
    table = random((100, 12), "bf16")
    ids = np.random.default_rng(0).integers(0, 100, 31).astype(np.int32)
    rows = np.array([30, 0, 7], np.int32)
    (x, y) = interpret(tmp_path, [(table, "bf16"), (ids, "i32"), (rows, "i32")], [((31, 12), "bf16"), ((3, 12), "bf16")], """
        %r0 = xf.embedding %a0, %a1 : tensor<100x12xbf16>, tensor<31xi32> -> tensor<31x12xbf16>
        %r1 = xf.gather_rows %r0, %a2 : tensor<31x12xbf16>, tensor<3xi32> -> tensor<3x12xbf16>""")
    np.testing.assert_array_equal(x, table[ids])
    np.testing.assert_array_equal(y, table[ids][rows])


def test_weights_are_converted(tmp_path):
    w = random((8, 6), "f32")
    np.save(tmp_path / "layer.0.weight.npy", w)
    (y,) = interpret(tmp_path, [], [((8, 6), "bf16")],
        '%r0 = xf.weight "layer.0.weight" from f32 : tensor<8x6xbf16>', weights=tmp_path)
    np.testing.assert_array_equal(y, torch.from_numpy(w).bfloat16().float().numpy())


def sample(folder, logits, temperature, top_k, top_p):
    """One token per row; all rows have seed 11 and their number as index."""
    rows, vocabulary = logits.shape
    arguments = [(logits, "f32"), (np.full(rows, temperature, np.float32), "f32"), (np.full(rows, top_k, np.int32), "i32"),
                 (np.full(rows, top_p, np.float32), "f32"), (np.full(rows, 11, np.int64), "i64"),
                 (np.arange(rows, dtype=np.int32), "i32")]
    types = ", ".join(tensor_type(array.shape, dtype) for array, dtype in arguments)
    (tokens,) = interpret(folder, arguments, [((rows,), "i32")],
        f"%r0 = xf.sample %a0, %a1, %a2, %a3, %a4, %a5 : ({types}) -> tensor<{rows}xi32>")
    return tokens


@pytest.mark.parametrize("temperature, top_k, top_p", [(1.0, 0, 1.0), (0.5, 0, 1.0), (1.5, 4, 1.0), (1.0, 0, 0.7), (1.3, 6, 0.8)])
def test_sample_follows_the_filtered_distribution(tmp_path, temperature, top_k, top_p):
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    rows, logits = 20000, torch.from_numpy(random((1, 12), "f32", 5) * 1.5)
    tokens = sample(tmp_path, np.repeat(logits.numpy(), rows, 0), temperature, top_k, top_p)
    scores = TemperatureLogitsWarper(temperature)(None, logits) if temperature != 1.0 else logits
    scores = TopKLogitsWarper(top_k)(None, scores) if top_k else scores
    scores = TopPLogitsWarper(top_p)(None, scores) if top_p < 1 else scores
    expected = scores.softmax(-1)[0].numpy()
    counts = np.bincount(tokens, minlength=12)
    # Nothing that Transformers filters out, and five standard deviations.
    assert (counts[expected == 0] == 0).all()
    deviation = np.sqrt(rows * expected * (1 - expected))
    assert (np.abs(counts - rows * expected) <= 5 * deviation + 1e-9).all(), (counts, rows * expected)


def test_greedy_is_argmax(tmp_path):
    logits = random((50, 1000), "f32")
    np.testing.assert_array_equal(sample(tmp_path, logits, 0.0, 0, 1.0), logits.argmax(-1))
