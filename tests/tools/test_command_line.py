"""What scripts rely on: exit codes, streams, the forms of --json, and the same bytes from the same input."""

import json
import os
import pty
import subprocess

import pytest
from conftest import (
    DEVICE, DONE, FAILED, SMALL, TOOL, USAGE, expect_error, output_of, read_members, tilewright)


def test_version_and_help():
    assert output_of(tilewright("--version")).count("\n") == 1
    for command in ((), ("compile",), ("run",), ("inspect",), ("verify",)):
        assert "Usage: tilewright" in output_of(tilewright(*command, "--help"))


@pytest.mark.parametrize("arguments, message", [
    ((), "a subcommand is required"),
    (("transmogrify",), "not expected: transmogrify"),
    (("compile",), "model is required"),
    (("compile", "DIR"), "--output is required"),
    (("compile", "DIR", "-o", "x.twb", "--max-tokens", "0"), "--max-tokens"),
    (("compile", "DIR", "-o", "x.twb", "--max-tokens", "99999999999999999999"), "--max-tokens"),
    (("compile", "DIR", "-o", "x.twb", "--max-seqs", "-1"), "--max-seqs"),
    (("compile", "DIR", "-o", "x.twb", "--threads", "-1"), "--threads"),
    (("compile", "DIR", "-o", "x.twb", "--fast"), "--fast"),
    (("run", "x.twb", "--weights", "DIR"), "--tokens is required"),
    (("run", "x.twb", "--weights", "DIR", "--tokens", "1", "--max-new-tokens", "-3"), "--max-new-tokens"),
    (("run", "x.twb", "--weights", "DIR", "--tokens", "1", "--max-new-tokens", "few"), "--max-new-tokens"),
    (("inspect",), "bundle is required"),
])
def test_usage(arguments, message):
    result = tilewright(*arguments)
    assert (result.returncode, result.stdout) == (USAGE, "")
    problem, hint = result.stderr.splitlines()
    assert problem.startswith("error: ") and message in problem and hint == "hint: --help lists what there is"


@pytest.mark.parametrize("tokens", ["", "1,,2", "1,2,", "one", "1 2", "99999999999", "1.5"])
def test_tokens_that_are_no_list(tokens, bundle, tiny_models):
    result = tilewright("run", bundle, "--weights", tiny_models / "llama-tied", "--device", DEVICE, "--tokens", tokens)
    expect_error(result, USAGE,
                 f"error: --tokens takes numbers with commas between them, as in 1,2,3, but got '{tokens}'")


def test_compile_json(tiny_models, tmp_path):
    path = tmp_path / "tiny.twb"
    summary = json.loads(output_of(tilewright(
        "compile", tiny_models / "qwen3", "-o", path, "--target", "sm_90a", "--sku", "h100-sxm", "--config-only",
        "--max-tokens", 8, "--max-seqs", 4, "--max-context", 64, "--dump-ir", tmp_path / "ir", "--json")))
    assert summary["bundle"] == str(path)
    assert set(summary["seconds"]) == {"import", "graph", "codegen", "ptxas"}
    assert summary["total_seconds"] == pytest.approx(sum(summary["seconds"].values()))
    for kernel in summary["kernels"]:
        assert kernel["config"] and kernel["reason"] and kernel["ptxas"]["registers"] > 0
        for stage in ("tile.mlir", "expanded.mlir", "nvvm.mlir", "ptx"):
            assert (tmp_path / "ir" / f"{kernel['name']}.{stage}").stat().st_size > 0
    assert (tmp_path / "ir" / "0-import.mlir").exists() and (tmp_path / "ir" / "1-kernels.mlir").exists()
    check_inspection(path, {kernel["name"] for kernel in summary["kernels"]})


def check_inspection(path, names):
    described = json.loads(output_of(tilewright("inspect", path, "--json")))
    assert {kernel["name"] for kernel in described["kernels"]} == names
    for kernel in described["kernels"]:
        assert kernel["family"] in {"gemm", "attention", "row_wise", "embedding", "elementwise", "sample"}
        assert isinstance(kernel["config"], dict) and isinstance(kernel["reason"], str)
        report = kernel["ptxas"]
        assert set(report) >= {"version", "registers", "spill_bytes", "shared_bytes", "warnings"}
        assert (report["spill_bytes"], report["warnings"]) == (0, [])
    assert set(described["entry_points"]) == {"decode", "prefill"}
    for entry in described["entry_points"].values():
        assert entry["launches"] and set(entry["launches"]) <= names
        assert entry["activation_bytes"] > 0
    assert (described["target"], described["sku"]) == ("sm_90a", "h100-sxm")
    assert len(described["model"]["config_sha256"]) == 64


def test_inspect_ptx(bundle):
    for name, content in read_members(bundle).items():
        if name.startswith("kernels/") and name.endswith(".ptx"):
            kernel = name.removeprefix("kernels/").removesuffix(".ptx")
            assert output_of(tilewright("inspect", bundle, "--ptx", kernel)) == content.decode()
            assert f".entry {kernel}(" in content.decode()
    expect_error(tilewright("inspect", bundle, "--ptx", "nobody"), FAILED, "error: the bundle has no kernel 'nobody'")


def run(bundle, tiny_models, *arguments):
    return tilewright("run", bundle, "--weights", tiny_models / "llama-tied", "--device", DEVICE, "--ignore-eos",
                      "--max-new-tokens", 3, *arguments)


def test_run_json(bundle, tiny_models):
    """One sequence is a list, several are a list of lists; the plain form has one list a line."""
    one = json.loads(output_of(run(bundle, tiny_models, "--tokens", "1,2,3", "--json")))
    assert set(one) >= {"tokens", "prefill_seconds", "decode_seconds"}
    assert len(one["tokens"]) == 3 and all(isinstance(token, int) for token in one["tokens"])
    assert one["prefill_seconds"] > 0 and one["decode_seconds"] > 0
    both = ("--tokens", "1,2,3", "--tokens", "7")
    several = json.loads(output_of(run(bundle, tiny_models, *both, "--json")))
    assert [len(tokens) for tokens in several["tokens"]] == [3, 3]
    plain = output_of(run(bundle, tiny_models, *both)).splitlines()
    assert [json.loads(line) for line in plain] == several["tokens"]


def test_same_bytes(tiny_models, tmp_path, bundle):
    """From the same input, whatever the threads, the folders and the names."""
    elsewhere = tmp_path / "another name"
    elsewhere.symlink_to(tiny_models / "llama-tied")
    os.mkdir(tmp_path / "skus")
    for sku in (TOOL.parents[2] / "autotune" / "skus").glob("*.json"):
        (tmp_path / "skus" / sku.name).write_bytes(sku.read_bytes())
    expected = bundle.read_bytes()
    for number, (directory, options, environment) in enumerate([
        (tiny_models / "llama-tied", ("--threads", 1), {}),
        (tiny_models / "llama-tied", ("--threads", 5), {}),
        (elsewhere, (), {"TILEWRIGHT_SKU_DIR": str(tmp_path / "skus")}),
        (elsewhere, ("--sku", tmp_path / "skus" / "h800-sxm.json"), {"LC_ALL": "C", "TZ": "Asia/Tokyo"}),
    ]):
        path = tmp_path / f"{number}.twb"
        output_of(tilewright("compile", directory, "-o", path, *SMALL, *options, environment=environment))
        assert path.read_bytes() == expected, f"compilation {number}"


def test_compiling_needs_no_weights(model, bundle, tmp_path):
    for file in model.glob("*.safetensors"):
        file.unlink()
    output_of(tilewright("compile", model, "-o", tmp_path / "x.twb", "--config-only", *SMALL))
    assert (tmp_path / "x.twb").read_bytes() == bundle.read_bytes()


def shown_on_a_terminal(*arguments):
    """What a run that goes well writes to stderr where that is a terminal."""
    terminal, end = pty.openpty()
    result = subprocess.run([str(part) for part in (TOOL, *arguments)], stdout=subprocess.PIPE, stderr=end, timeout=300)
    os.close(end)
    assert result.returncode == DONE and json.loads(result.stdout)
    shown = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    return shown


def test_progress_only_on_a_terminal(tiny_models, tmp_path):
    """Elsewhere stderr stays empty, as all other tests check."""
    model, bundle = tiny_models / "llama-tied", tmp_path / "x.twb"
    assert "compile: 1 of " in shown_on_a_terminal("compile", model, "-o", bundle, "--json", *SMALL)
    shown = shown_on_a_terminal("bench", bundle, "--weights", model, "--device", DEVICE, "--repeats", "1", "--batch", "2",
                                "--prompt-tokens", "5", "--json")
    assert "prefill, 2 times ..." in shown and "decode, 2 times ..." in shown
    shown = shown_on_a_terminal("verify", model, "--json", *(flag for flag in SMALL if flag != "--no-ptxas"))
    assert "every pass against the interpreter ..." in shown and "decode on sim:h800-sxm and by the interpreter ..." in shown
