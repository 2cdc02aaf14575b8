"""The imported graph, run by the reference interpreter, against Transformers on small random models of every family.

Truth is Transformers in float32 on the weights as the graph has them, rounded to bf16. How far a bf16 run of
Transformers is off is what the number format costs, and is the measure for how far the graph may be.

Three sequences go through two steps: prefill of all, then a step that mixes decoding, a chunk of prefill, and a sequence
that has only begun. Pages are small and out of order, so that caches and block tables are really used.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import torch
import transformers
from safetensors import safe_open

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"])
MODELS = BUILD / "test-models"
DEMO = BUILD / "demo" / "SmolLM2-135M-Instruct"
os.environ["TQDM_DISABLE"] = "1"
sys.path.insert(0, str(ROOT / "models"))
import make_tiny  # noqa: E402

PAGE_SIZE = 16
MAX_CONTEXT = 128
# (tokens before the step, tokens in the step) of each sequence
STEPS = [[(0, 70), (0, 17), (0, 0)], [(70, 1), (17, 33), (0, 5)]]

# Both runs round to bf16 about as often, though not in the same places. A wrong or missing operation shows up as an error
# as large as the logits, 50 times beyond this.
RMS_FACTOR = 1.25
MAX_FACTOR = 1.5


@pytest.fixture(scope="session", autouse=True)
def models():
    subprocess.run([sys.executable, ROOT / "models" / "make_tiny.py", "-o", MODELS], check=True)


def run(*command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[:4000]
    return result.stdout


def write_weights(model, folder):
    """The checkpoint's tensors in its own types; NumPy has no bf16, and float32 holds it exactly."""
    folder.mkdir()
    for path in sorted(model.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():
                tensor = file.get_tensor(name)
                np.save(folder / f"{name}.npy", (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())


def step_inputs(step, tokens, block_table):
    """The inputs of @forward for one step, with the logits of every token wanted."""
    ids, positions, slots, cu, lengths = [], [], [], [0], []
    for sequence, (before, count) in enumerate(step):
        for position in range(before, before + count):
            ids.append(tokens[sequence][position])
            positions.append(position)
            slots.append(block_table[sequence][position // PAGE_SIZE] * PAGE_SIZE + position % PAGE_SIZE)
        cu.append(cu[-1] + count)
        lengths.append(before + count)
    rows = len(ids)
    i32 = lambda values: np.array(values, np.int32)
    return {
        "token_ids": i32(ids), "positions": i32(positions), "slot_mapping": i32(slots), "cu_seqlens_q": i32(cu),
        "cache_seqlens": i32(lengths), "block_table": i32(block_table), "logits_indices": i32(range(rows)),
        "temperature": np.zeros(rows, np.float32), "top_p": np.ones(rows, np.float32), "top_k": np.zeros(rows, np.int32),
        "seed": np.zeros(rows, np.int64), "sample_index": np.zeros(rows, np.int32)}


def interpret(model, config, steps, tokens, tmp_path):
    """Logits and greedy tokens of every position of every sequence, by the imported graph."""
    module = tmp_path / "model.mlir"
    run(BUILD / "bin" / "tilewright-import", model, "--page-size", PAGE_SIZE, "--max-context", MAX_CONTEXT, "-o", module)
    write_weights(model, tmp_path / "weights")
    pages_per_sequence = MAX_CONTEXT // PAGE_SIZE
    pages = len(tokens) * pages_per_sequence
    block_table = np.random.default_rng(1).permutation(pages).reshape(len(tokens), -1)
    # Whatever is in a page that was never written must not matter.
    cache = np.full((pages, config.num_key_value_heads, PAGE_SIZE, head_dim(config)), 7.0, np.float32)
    names = [f"{part}.{layer}" for layer in range(config.num_hidden_layers) for part in "kv"]
    for name in names:
        np.save(tmp_path / f"{name}.npy", cache)
    logits = [[] for _ in tokens]
    greedy = [[] for _ in tokens]
    for step in steps:
        inputs = step_inputs(step, tokens, block_table)
        for name, value in inputs.items():
            np.save(tmp_path / f"{name}.npy", value)
        files = ",".join(str(tmp_path / f"{name}.npy") for name in [*inputs, *names])
        results = ",".join(str(tmp_path / f"{name}.npy") for name in ["logits", "next_tokens", *names])
        run(BUILD / "bin" / "tilewright-opt", module, "-o", os.devnull,
            f"-xf-interpret=function=forward weights={tmp_path}/weights inputs={files} outputs={results}")
        for sequence, (begin, end) in enumerate(zip(inputs["cu_seqlens_q"], inputs["cu_seqlens_q"][1:])):
            logits[sequence].extend(np.load(tmp_path / "logits.npy")[begin:end])
            greedy[sequence].extend(np.load(tmp_path / "next_tokens.npy")[begin:end])
    return [np.array(rows) for rows in logits], [np.array(row) for row in greedy]


def head_dim(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def transformers_logits(model, tokens, dtype):
    # Rounded to bf16 first in either case: that is what the graph's weights are.
    network = transformers.AutoModelForCausalLM.from_pretrained(
        model, dtype=torch.bfloat16, attn_implementation="eager").eval()
    if dtype != torch.bfloat16:  # even to the type it has, a conversion would round the rope frequencies, which are f32
        network = network.to(dtype)
    with torch.no_grad():
        return [network(torch.tensor([sequence])).logits[0].float().numpy() for sequence in tokens]


def rms(values):
    return float(np.sqrt(np.mean(np.square(np.concatenate([v.ravel() for v in values]), dtype=np.float64))))


def first_wrong(ours, truth, bound):
    for sequence, (a, b) in enumerate(zip(ours, truth)):
        wrong = np.argwhere(np.abs(a - b) > bound)
        if len(wrong):
            position, token = wrong[0]
            return (f"sequence {sequence}, position {position}, token {token}: {a[position, token]} instead of "
                    f"{b[position, token]}, off by {abs(a[position, token] - b[position, token])}, bound {bound}")
    return ""


def compare(model, steps, tokens, tmp_path):
    config = transformers.AutoConfig.from_pretrained(model)
    truth = transformers_logits(model, tokens, torch.float32)
    rounded = transformers_logits(model, tokens, torch.bfloat16)
    ours, greedy = interpret(model, config, steps, tokens, tmp_path)

    format_error = [a - b for a, b in zip(rounded, truth)]
    our_error = [a - b for a, b in zip(ours, truth)]
    bound = MAX_FACTOR * max(np.abs(e).max() for e in format_error)
    print(f"{model.name}: rms of logits {rms(truth):.3f}, error of bf16 {rms(format_error):.5f}, ours "
          f"{rms(our_error):.5f}; largest {bound / MAX_FACTOR:.5f}, ours {max(np.abs(e).max() for e in our_error):.5f}")
    # The measure must be sharp enough to see a mistake.
    assert RMS_FACTOR * rms(format_error) < 0.05 * rms(truth)
    assert first_wrong(ours, truth, bound) == ""
    assert rms(our_error) <= RMS_FACTOR * rms(format_error)
    check_greedy(greedy, ours, truth, bound)


@pytest.mark.parametrize("name", make_tiny.VARIANTS)
def test_tiny_model(name, tmp_path):
    vocab_size = make_tiny.VARIANTS[name][2]["vocab_size"]
    lengths = [sum(counts) for counts in zip(*[[count for _, count in step] for step in STEPS])]
    random = np.random.default_rng(0)
    compare(MODELS / name, STEPS, [random.integers(0, vocab_size, length).tolist() for length in lengths], tmp_path)


def test_demo_model(tmp_path):
    """SmolLM2 on a real prompt: prefill, then the last token alone."""
    subprocess.run([sys.executable, ROOT / "scripts" / "make_demo_model.py", "-o", DEMO], check=True)
    prompt = [{"role": "user", "content": "What is the capital of France?"}]
    tokens = transformers.AutoTokenizer.from_pretrained(DEMO).apply_chat_template(
        prompt, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert 20 < len(tokens) < MAX_CONTEXT
    compare(DEMO, [[(0, len(tokens) - 1)], [(len(tokens) - 1, 1)]], [tokens], tmp_path)


def check_greedy(greedy, ours, truth, bound):
    """Each token is the argmax of its own logits, and that of the truth unless the two best are within the bound."""
    compared = total = 0
    for tokens, logits, exact in zip(greedy, ours, truth):
        assert (tokens == logits.argmax(axis=1)).all()
        best = np.sort(exact, axis=1)[:, -2:]
        clear = best[:, 1] - best[:, 0] > 2 * bound
        compared += clear.sum()
        total += len(clear)
        assert (tokens[clear] == exact[clear].argmax(axis=1)).all()
    assert compared > total / 10, "hardly any position has a clear winner: the model is too flat to tell"
