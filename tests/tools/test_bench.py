"""tilewright bench: the launches of a step are those of the manifest, and what it says about its seconds."""

import json

import pytest
from conftest import DEVICE, DONE, FAILED, TOOL, expect_error, output_of, tilewright


def launches(bundle, entry_point, tokens):
    """How often a step of so many tokens launches each kernel, by the manifest."""
    plans = json.loads(output_of(tilewright("inspect", bundle, "--json")))["entry_points"][entry_point]["plans"]
    plan = next(plan for plan in plans if plan["max_tokens"] >= tokens)
    return {name: plan["launches"].count(name) for name in plan["launches"]}


def bench(bundle, weights, *flags):
    result = tilewright("bench", bundle, "--weights", weights, "--device", DEVICE, "--repeats", "1", *flags)
    assert result.returncode == DONE, result.stderr
    return result


def test_measures_every_launch(bundle, tiny_models):
    result = bench(bundle, tiny_models / "llama-tied", "--batch", "2", "--prompt-tokens", "5", "--json")
    measured = json.loads(result.stdout)
    prefill, decode = measured["steps"]
    assert [(step["entry_point"], step["sequences"], step["new_tokens"], step["keys"]) for step in (prefill, decode)] == [
        ("prefill", 1, 5, 5), ("decode", 2, 1, 6)]
    for step, tokens in ((prefill, 5), (decode, 2)):
        kernels = step["kernels"]
        assert {kernel["name"]: kernel["launches"] for kernel in kernels} == launches(bundle, step["entry_point"], tokens)
        assert all(kernel["seconds"] > 0 for kernel in kernels)
        assert sum(kernel["seconds"] for kernel in kernels) == pytest.approx(step["seconds"])


def test_sizes_of_products(bundle, tiny_models):
    """[m, n, k] of a product are the tokens of the step and the shape of its weight."""
    decode = json.loads(bench(bundle, tiny_models / "llama-tied", "--batch", "3", "--prompt-tokens", "4", "--json").stdout)["steps"][1]
    kernels = {kernel["name"]: kernel for kernel in json.loads(output_of(tilewright("inspect", bundle, "--json")))["kernels"]}
    products = [kernel for kernel in decode["kernels"] if kernel["family"] == "gemm"]
    assert products
    for product in products:
        n, k = kernels[product["name"]]["args"][1]["shape"]
        assert product["gemm"] == {"m": 3, "n": n, "k": k}
        assert "cublaslt_seconds" not in product


def test_says_that_seconds_are_the_hosts(bundle, tiny_models):
    result = bench(bundle, tiny_models / "llama-tied", "--prompt-tokens", "3")
    (note,) = result.stderr.splitlines()
    assert note.startswith("note: seconds are this host's, simulating the GPU: no prediction of a GPU's")
    assert "cuBLASLt" in note
    assert result.stdout.splitlines()[0].endswith(", simulated: host seconds")


def test_a_simulator_under_another_name(bundle, tiny_models):
    """A driver library that is the simulator is recognized by what it exports."""
    library = TOOL.parent.parent / "lib" / "sim" / "libcuda.so.1"
    result = tilewright("bench", bundle, "--weights", tiny_models / "llama-tied", "--device", f"lib:{library}", "--repeats", "0",
                        "--prompt-tokens", "3", "--json")
    assert json.loads(result.stdout)["host_seconds"] is True


@pytest.mark.parametrize("flags, message", [
    (("--batch", "9"), "error: --batch is 9, this bundle takes at most 8"),
    (("--prompt-tokens", "9"), "error: --prompt-tokens is 9, this bundle takes at most 8"),
])
def test_sizes_beyond_the_bundle(bundle, tiny_models, flags, message):
    result = tilewright("bench", bundle, "--weights", tiny_models / "llama-tied", "--device", DEVICE, *flags)
    expect_error(result, FAILED, message)
