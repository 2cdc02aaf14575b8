"""The same model for another GPU: results are the same, choices are not. One process simulates one GPU only."""

import json

from conftest import ROOT, run_tool
from families import check_model

MODEL = ROOT / "models" / "Llama-3.1-8B"


def test_tiny_model(compiled, tiny_models):
    check_model(compiled, tiny_models / "qwen3", "h20")


def configs_for(sku, folder):
    bundle = folder / f"{sku}.twb"
    run_tool("compile", MODEL, "--config-only", "--sku", sku, "--no-ptxas", "--max-context", 4096, "-o", bundle, "--json")
    described = run_tool("inspect", bundle, "--json")
    assert described["sku"] == sku
    return described["kernels"]


def test_choices_differ(tmp_path):
    """H20 has a seventh of H800's tensor throughput and more bandwidth, on other SM counts."""
    kernels = {sku: configs_for(sku, tmp_path) for sku in ("h800-sxm", "h20")}
    chosen = {
        sku: {(kernel["family"], json.dumps(kernel["config"], sort_keys=True)) for kernel in items}
        for sku, items in kernels.items()
    }
    only = {sku: chosen[sku] - chosen[other] for sku, other in (("h800-sxm", "h20"), ("h20", "h800-sxm"))}
    for sku, configs in only.items():
        print(f"only on {sku}:", *sorted(configs), sep="\n  ")
        assert any(family == "gemm" for family, _ in configs)
    for sku, items in kernels.items():
        assert all(kernel["reason"] for kernel in items)
        assert any(sku in kernel["reason"] for kernel in items)
