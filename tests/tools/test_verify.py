"""tilewright verify: small models of every family, pass by pass and kernel by kernel, from config.json alone.

Random weights, so no checkpoint is needed; the simulator stands for the GPU.
"""

import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"]) / "bin" / "tilewright"

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "eos_token_id": 2,
    "hidden_act": "silu",
    "hidden_size": 256,
    "intermediate_size": 512,
    "max_position_embeddings": 512,
    "model_type": "llama",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "torch_dtype": "bfloat16",
    "vocab_size": 500,
}
LLAMA3_ROPE = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 64}
MODELS = {
    "llama": LLAMA,
    "llama-tied": LLAMA | {"tie_word_embeddings": True},
    "llama-biases": LLAMA | {"attention_bias": True, "mlp_bias": True},
    "llama3-rope": LLAMA | {"rope_scaling": LLAMA3_ROPE},
    "llama-heads-of-128": LLAMA | {"head_dim": 128, "num_attention_heads": 6, "num_key_value_heads": 1},
    "qwen2": LLAMA | {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"},
    "qwen3": LLAMA | {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 128, "attention_bias": False},
    # Shorter than the longest prompt, so that it is really exceeded.
    "mistral-window": LLAMA | {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "sliding_window": 48},
}


def write_model(directory, config):
    (directory / "config.json").write_text(json.dumps(config, indent=1))
    return directory


def tilewright(*arguments):
    return subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("sku", ["h800-sxm", "h20"])
@pytest.mark.parametrize("name", MODELS)
def test_passes_and_kernels(tmp_path, name, sku):
    result = tilewright("verify", write_model(tmp_path, MODELS[name]), "--sku", sku, "--max-tokens", "128",
                        "--max-seqs", "8", "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert "xf-fold-norms" in report["passes"]
    assert [step["step"] for step in report["steps"]] == ["prefill", "decode", "second decode"]
    assert [step["plan"].split("_")[0] for step in report["steps"]] == ["prefill", "decode", "decode"]
    for step in report["steps"]:
        assert step["rows"] == 3
        # Not equal bit by bit: sums have another order. Something was compared.
        assert 0 < step["largest_distance"] <= step["allowed_distance"]


# Kernels that a step launches, in a part of their name; the families whose arithmetic has a place for a mistake.
WRONG = {"_add_prefill": ("gemm", "prefill"), "gated_decode": ("gemm", "decode"), "attention_prefill": ("attention", "prefill"),
         "rms_norm": ("row_wise", "prefill")}


@pytest.mark.parametrize("part", WRONG)
def test_wrong_kernel_is_named(tmp_path, part):
    """One instruction of one kernel is wrong: that kernel is named, and not those that got its results."""
    family, step = WRONG[part]
    result = tilewright("verify", write_model(tmp_path, LLAMA), "--max-tokens", "128", "--max-seqs", "8",
                        "--debug-corrupt-kernel", part)
    assert (result.returncode, result.stdout) == (3, "")
    first, note = result.stderr.splitlines()
    assert first.startswith(f"error: {step}: expects ")
    assert note.startswith("note: the first kernel that differs is launch ")
    assert re.search(rf" of plan {step}_\d+, \w*{part}\w* \({family}\), in result \d+: ", note)
    assert "rounding explains" in note and "; its config is {" in note


def test_text_report(tmp_path):
    result = tilewright("verify", write_model(tmp_path, LLAMA), "--max-tokens", "128", "--max-seqs", "8")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "every pass keeps what the graph means"
    assert lines[1].startswith("prefill, plan prefill_128: 3 rows of logits off by at most 0.")


def test_passes_alone(tmp_path):
    result = tilewright("verify", write_model(tmp_path, LLAMA), "--device", "none", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["steps"] == []


PUBLISHED = sorted(path.parent.name for path in (ROOT / "models").glob("*/config.json"))


def shrink(config):
    """The same model with 2 layers, an eighth of the heads and of the width, and a small vocabulary."""
    heads, kv_heads = config["num_attention_heads"], config.get("num_key_value_heads", config["num_attention_heads"])
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    group = heads // kv_heads
    kv_heads = max(1, kv_heads // 8)
    width = max(2, group * kv_heads) * head_dim
    changes = {"num_hidden_layers": 2, "num_key_value_heads": kv_heads, "num_attention_heads": group * kv_heads,
               "head_dim": head_dim, "hidden_size": width, "intermediate_size": 2 * width, "vocab_size": 1000,
               "eos_token_id": 2, "bos_token_id": 1, "max_position_embeddings": 512}
    scaling = config.get("rope_scaling")
    if scaling and "original_max_position_embeddings" in scaling:
        changes["rope_scaling"] = scaling | {"original_max_position_embeddings": 64}
    if config.get("sliding_window"):
        changes["sliding_window"] = 48
    return config | changes


@pytest.mark.parametrize("name", PUBLISHED)
def test_passes_on_published_models(tmp_path, name):
    """No pass moves results further than rounding explains, on any model that is here."""
    config = shrink(json.loads((ROOT / "models" / name / "config.json").read_text()))
    result = tilewright("verify", write_model(tmp_path, config), "--device", "none", "--json")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("context", [1, 5, 64, 70])
def test_short_contexts(tmp_path, context):
    """The random step fits into what the model allows."""
    result = tilewright("verify", write_model(tmp_path, LLAMA), "--device", "none", "--max-context", str(context), "--json")
    assert (result.returncode, result.stderr) == (0, "")


def test_compile_with_verified_passes(tmp_path):
    bundle = tmp_path / "model.twb"
    result = tilewright("compile", write_model(tmp_path, LLAMA), "-o", bundle, "--config-only", "--no-ptxas", "--verify-each-pass")
    assert result.returncode == 0, result.stderr
    assert bundle.exists()


@pytest.mark.parametrize("arguments, text", [
    (["--device", "sim:h900"], "h900"),
    (["--device", "gpu"], "gpu"),
    (["--sku", "h900"], "unknown SKU 'h900'"),
])
def test_bad_arguments(tmp_path, arguments, text):
    result = tilewright("verify", write_model(tmp_path, LLAMA), "--max-tokens", "64", "--max-seqs", "8", *arguments)
    assert result.returncode == 1
    assert "error: " in result.stderr and text in result.stderr
    assert result.stdout == ""


def test_ignored_field(tmp_path):
    write_model(tmp_path, LLAMA | {"shuffle_heads": True})
    command = ["compile", tmp_path, "-o", tmp_path / "model.twb", "--config-only", "--no-ptxas"]
    result = tilewright(*command)
    assert result.returncode == 1 and "shuffle_heads" in result.stderr
    result = tilewright(*command, "--ignore-config-field=shuffle_heads")
    assert result.returncode == 0, result.stderr
    # Naming another field does not help.
    assert tilewright(*command, "--ignore-config-field=heads").returncode == 1
