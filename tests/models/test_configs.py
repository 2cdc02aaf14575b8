"""Published models from config.json alone: every kernel assembles without a spill, also where the GPU makes tiles large."""

import pytest
from conftest import ROOT, check_assembly, run_tool

LLAMA_LAUNCHES = 6  # of a layer and decode step, at most


@pytest.mark.parametrize("name, sku", [
    ("Llama-3.1-70B", "h800-sxm"), ("Qwen2.5-7B-Instruct", "h100-pcie"), ("Qwen3-8B", "h200"), ("Mistral-7B-v0.1", "h20"),
])
def test_config_only(name, sku, tmp_path):
    bundle = tmp_path / "model.twb"
    # Qwen's advice to those who sample from it; kernels do not depend on it.
    run_tool("compile", ROOT / "models" / name, "--config-only", "--sku", sku, "-o", bundle, "--json",
             "--ignore-config-field=generation_config.repetition_penalty")
    described = run_tool("inspect", bundle, "--json")
    check_assembly(described["kernels"])
    layers = described["model"]["num_hidden_layers"]
    for plan in described["entry_points"]["decode"]["plans"]:
        outside = len(plan["launches"]) - LLAMA_LAUNCHES * layers
        assert outside <= 4, "embedding, last norm, logits, sampling"
