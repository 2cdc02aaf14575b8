"""Every kind of bad input through the whole command line: one clear error, its exit code, nothing on stdout, and no half
file left. What a config can say wrong is in tests/frontend, what a manifest can in tests/runtime."""

import json
import os
import pathlib
import resource
import shutil
import struct

import pytest
from conftest import (
    DEVICE, FAILED, ROOT, SMALL, change_manifest, expect_error, output_of, read_members, read_safetensors, tilewright,
    write_members, write_safetensors)


def compile_model(model, tmp_path, *options, **others):
    """The process; whatever comes out of it, there must be no output file."""
    output = tmp_path / "out"
    output.mkdir()
    result = tilewright("compile", model, "-o", output / "x.twb", *SMALL, *options, **others)
    assert list(output.iterdir()) == []
    return result


def run_bundle(bundle, weights, *options, device=DEVICE, tokens="1,2,3"):
    return tilewright("run", bundle, "--weights", weights, "--device", device, "--tokens", tokens, *options)


# Models ------------------------------------------------------------------------------------------------------------


def change_config(model, **fields):
    """Puts fields into the first lines of config.json."""
    path = model / "config.json"
    config = json.loads(path.read_text())
    for name in fields:
        config.pop(name, None)
    path.write_text(json.dumps(fields | config, indent=2))


@pytest.mark.parametrize("field, value, problem", [
    ("model_type", "gpt2", '2:17: error: models of type "gpt2" are not supported'),
    ("hidden_act", "quick_gelu", '2:17: error: activation "quick_gelu" is not supported'),
    ("attn_logit_softcapping", 50.0, '2:3: error: field "attn_logit_softcapping" is not supported in a llama model'),
    ("rope_parameters", {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0}, '3:18: error: rope scaling of type "yarn" is not supported'),
    ("intermediate_size", 509, "2:24: error: size 509 cannot be tiled"),
    ("head_dim", 72, "2:15: error: heads of size 72 are not supported"),
])
def test_config(field, value, problem, model, tmp_path):
    change_config(model, **{field: value})
    result = compile_model(model, tmp_path)
    assert (result.returncode, result.stdout) == (FAILED, "")
    first = result.stderr.splitlines()[0]
    assert first.startswith(f"{model / 'config.json'}:") and problem in first


def truncate(path):
    os.truncate(path, path.stat().st_size - 1)


def replace_header(change):
    def damage(path):
        header, data = read_safetensors(path)
        change(header)
        write_safetensors(path, header, data)
    return damage


def lie(name, **fields):
    return replace_header(lambda header: header[name].update(fields))


NORM = "model.norm.weight"
NORM_BYTES = 512
CHECKPOINTS = {
    "truncated": (truncate, NORM),
    "empty": (lambda path: path.write_bytes(b""), "error: "),
    "no header": (lambda path: path.write_bytes(struct.pack("<Q", 1 << 40) + b"{}"), "error: "),
    "header that is no JSON": (lambda path: path.write_bytes(struct.pack("<Q", 8) + b"{{{{{{{{"), "error: "),
    "offsets past the end": (lie(NORM, data_offsets=[1 << 40, (1 << 40) + NORM_BYTES]), NORM),
    "offsets that overlap": (lie(NORM, data_offsets=[0, NORM_BYTES]), "overlap"),
    "negative offsets": (lie(NORM, data_offsets=[-NORM_BYTES, 0]), NORM),
    "wrong dtype": (lie(NORM, dtype="F64"), NORM),
    "wrong shape": (lie(NORM, shape=[128, 2]), NORM),
    "huge shape": (lie(NORM, shape=[1 << 62, 1 << 62]), NORM),
    "missing tensor": (replace_header(lambda header: header.update({NORM + "s": header.pop(NORM)})), NORM),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoint(name, model, tmp_path, bundle):
    """Both when compiling, and when a bundle's weights are loaded."""
    damage, problem = CHECKPOINTS[name]
    damage(model / "model.safetensors")
    for result in (compile_model(model, tmp_path), run_bundle(bundle, model)):
        assert (result.returncode, result.stdout) == (FAILED, ""), result.stderr
        assert "error: " in result.stderr and problem in result.stderr
        assert str(model) in result.stderr
        assert len(result.stderr.splitlines()) <= 3  # a misnamed tensor is missing, and has no place


def change_index(change):
    def damage(model):
        path = model / "model.safetensors.index.json"
        index = json.loads(path.read_text())
        change(index["weight_map"])
        path.write_text(json.dumps(index))
    return damage


def first_shard(model):
    return min(model.glob("model-*.safetensors"))


SHARDS = {
    "a shard is missing": (lambda model: first_shard(model).unlink(), "model-00001-of-"),
    "a shard is truncated": (lambda model: truncate(first_shard(model)), "model-00001-of-"),
    "a shard elsewhere": (change_index(lambda names: names.update({NORM: "../model.safetensors"})), "a file beside the index"),
    "a tensor in the wrong shard": (
        change_index(lambda names: names.update({NORM: min(names.values()) if names[NORM] != min(names.values()) else max(names.values())})),
        f"tensor '{NORM}' is not in "),
    "an index that is no JSON": (lambda model: (model / "model.safetensors.index.json").write_text("{"), "model.safetensors.index.json"),
    "an index of nothing": (change_index(lambda names: names.clear()), "is missing"),
}


@pytest.fixture(scope="session")
def sharded_bundle(tiny_models, tmp_path_factory):
    path = tmp_path_factory.mktemp("sharded") / "sharded.twb"
    output_of(tilewright("compile", tiny_models / "llama-sharded", "-o", path, *SMALL))
    return path


@pytest.mark.parametrize("name", SHARDS)
def test_shards(name, tiny_models, tmp_path, sharded_bundle):
    """Both when compiling, and when a bundle's weights are loaded."""
    damage, problem = SHARDS[name]
    model = pathlib.Path(shutil.copytree(tiny_models / "llama-sharded", tmp_path / "model"))
    damage(model)
    compiled = compile_model(model, tmp_path)
    assert (compiled.returncode, compiled.stdout) == (FAILED, "")
    assert f"{model}" in compiled.stderr and "error: " in compiled.stderr and problem in compiled.stderr
    loaded = run_bundle(sharded_bundle, model)
    assert (loaded.returncode, loaded.stdout) == (FAILED, "")
    (line,) = loaded.stderr.splitlines()
    assert line.startswith("error: ") and "model" in line


def test_no_model(tmp_path):
    expect_error(compile_model(tmp_path / "nowhere", tmp_path), FAILED, f"{tmp_path}/nowhere: error: is not a directory")


def test_no_weights(model, tmp_path):
    (model / "model.safetensors").unlink()
    expect_error(compile_model(model, tmp_path), FAILED,
                 f"{model}: error: holds neither model.safetensors nor model.safetensors.index.json",
                 "hint: compiling needs no weights: --config-only")


# Options -----------------------------------------------------------------------------------------------------------

PAGES = "is not supported: it must be a power of two, and at least 8"


@pytest.mark.parametrize("options, problem", [
    (("--sku", "b300"), "error: unknown SKU 'b300'; known: a100-80-sxm, a800-80-sxm, h100-pcie, h100-sxm, h20, h200, h800-sxm"),
    (("--target", "sm_80"), "error: there are no kernels for target 'sm_80'; that of h800-sxm is sm_90a"),
    (("--target", "sm_90"), "error: there are no kernels for target 'sm_90'; that of h800-sxm is sm_90a"),
    (("--target", "hopper"), "error: there are no kernels for target 'hopper'; that of h800-sxm is sm_90a"),
    (("--page-size", "48"), f"error: a page of 48 tokens {PAGES}"),
    (("--page-size", "1"), f"error: a page of 1 tokens {PAGES}"),
    (("--page-size", "-8"), "{model}: error: page size -8 is not in [1, 4096]"),
    (("--page-size", "8192"), "{model}: error: page size 8192 is not in [1, 4096]"),
    (("--dump-ir", "/dev/null"), "error: /dev/null: is not a directory"),
    (("--dump-ir", "/dev/null/x"), "error: cannot make directory /dev/null/x: Not a directory"),
])
def test_options(options, problem, tiny_models, tmp_path):
    model = tiny_models / "llama-tied"
    expect_error(compile_model(model, tmp_path, *options), FAILED, problem.format(model=model))


def test_context_beyond_the_model(tiny_models, tmp_path):
    result = tilewright("compile", tiny_models / "llama-tied", "-o", tmp_path / "x.twb", "--max-context", 1025)
    assert (result.returncode, result.stdout) == (FAILED, "")
    assert "error: a context of 1025 is not in [1, 1024]" in result.stderr


@pytest.mark.parametrize("ptxas, problem", [
    ("/nowhere/ptxas", "error: '/nowhere/ptxas' is not an executable ptxas"),
    ("/bin/true", "error: '/bin/true' does not answer --version like ptxas"),
])
def test_ptxas(ptxas, problem, tiny_models, tmp_path):
    result = tilewright("compile", tiny_models / "llama-tied", "-o", tmp_path / "x.twb", "--max-tokens", 8,
                        "--max-context", 64, "--ptxas", ptxas)
    expect_error(result, FAILED, problem)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("field, value, problem", [
    ("sm_count", -1, "sm_count must be a positive integer"),
    ("sm_count", "many", "sm_count must be a positive integer"),
    ("hbm_reached_tb_s", 0, "hbm_reached_tb_s must be a positive number"),
    ("latency_cycles", None, "latency_cycles must be an object"),
    ("arch", "sm_80", "arch is sm_80, and there are kernels for sm_90a only"),
    ("schema_version", 2, "schema_version must be 1"),
])
def test_sku_file(field, value, problem, tiny_models, tmp_path):
    sku = json.loads((ROOT / "autotune" / "skus" / "h800-sxm.json").read_text())
    path = tmp_path / "gpu.json"
    path.write_text(json.dumps(sku | {field: value}))
    expect_error(compile_model(tiny_models / "llama-tied", tmp_path, "--sku", path), FAILED, f"error: {path}: {problem}")


def test_sku_file_that_is_no_json(tiny_models, tmp_path):
    path = tmp_path / "gpu.json"
    path.write_text("{")
    expect_error(compile_model(tiny_models / "llama-tied", tmp_path, "--sku", path), FAILED,
                 f"error: {path}: not a JSON object")


# Output ------------------------------------------------------------------------------------------------------------


def test_output_that_cannot_be_written(tiny_models, tmp_path):
    def compile_to(path):
        return tilewright("compile", tiny_models / "llama-tied", "-o", path, *SMALL)

    missing = tmp_path / "no" / "x.twb"
    expect_error(compile_to(missing), FAILED, f"error: {missing}: cannot write: No such file or directory")
    expect_error(compile_to(tmp_path), FAILED, f"error: {tmp_path}: cannot write: Is a directory")
    expect_error(compile_to("/dev/full"), FAILED, "error: /dev/full: cannot write: No space left on device")


def test_no_half_file(tiny_models, tmp_path):
    """What is there stays whole, and nothing appears beside it, when the new bundle does not fit."""
    path = tmp_path / "x.twb"
    path.write_bytes(b"an older bundle")
    blocks = 20480 // resource.getpagesize() * 4  # of 1 KiB: less than any bundle
    result = tilewright("compile", tiny_models / "llama-tied", "-o", path, *SMALL, limits=f"ulimit -f {blocks}")
    expect_error(result, FAILED, f"error: {path}: cannot write: File too large")
    assert path.read_bytes() == b"an older bundle"
    assert list(tmp_path.iterdir()) == [path]


# Bundles -----------------------------------------------------------------------------------------------------------


def set_field(*keys, value):
    def change(manifest):
        for key in keys[:-1]:
            manifest = manifest[key]
        manifest[keys[-1]] = value
    return change


@pytest.mark.parametrize("change, problem", [
    (set_field("schema_version", value=2), "schema_version"),
    (set_field("target", value="sm_100a"), "sm_100a"),
    (set_field("page_size", value=-64), "page_size"),
    (set_field("page_size", value=1 << 62), "page_size"),
    (set_field("max_context", value=1 << 40), "max_context"),
    (set_field("symbols", "tokens", "max", value=-1), "symbols.tokens.max"),
    (set_field("kernels", 0, "shared_bytes", value=1 << 63), "kernels[0].shared_bytes"),
    (set_field("kernels", 0, "block", value=[1 << 20, 1, 1]), "kernels[0].block"),
    (set_field("weights", 0, "shape", value=[1 << 40, 1 << 40]), "weights[0]"),
    (set_field("caches", 0, "shape", value=["pages", 1 << 40, 64, 64]), "caches[0]"),
    (set_field("entry_points", value={}), "entry_points"),
    (set_field("what_is_this", value=1), "what_is_this"),
])
def test_manifest(change, problem, bundle, tiny_models, tmp_path):
    damaged = change_manifest(bundle, tmp_path / "damaged.twb", change)
    result = run_bundle(damaged, tiny_models / "llama-tied")
    assert (result.returncode, result.stdout) == (FAILED, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {damaged}: ") and problem in line


def test_rewritten_bundle_runs(bundle, tiny_models, tmp_path):
    """What the damaged ones are made with makes sound ones too."""
    same = change_manifest(bundle, tmp_path / "same.twb", lambda manifest: None)
    output_of(run_bundle(same, tiny_models / "llama-tied", "--max-new-tokens", 1))


@pytest.mark.parametrize("name", ["truncated", "not a zip", "empty", "a flipped bit", "no manifest", "a kernel is missing"])
def test_archive(name, bundle, tiny_models, tmp_path):
    damaged = tmp_path / "damaged.twb"
    content = bundle.read_bytes()
    members = read_members(bundle)
    if name == "no manifest":
        write_members(damaged, {key: value for key, value in members.items() if key != "manifest.json"})
    elif name == "a kernel is missing":
        members.pop(next(key for key in members if key.startswith("kernels/")))
        write_members(damaged, members)
    else:
        at = content.index(b".visible .entry")
        damaged.write_bytes({
            "truncated": content[: len(content) // 2], "not a zip": b"hello, world" * 100, "empty": b"",
            "a flipped bit": content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]}[name])
    for result in (run_bundle(damaged, tiny_models / "llama-tied"), tilewright("inspect", damaged, "--json")):
        assert (result.returncode, result.stdout) == (FAILED, "")
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"error: {damaged}: ")


def test_no_bundle(tmp_path, tiny_models):
    path = tmp_path / "none.twb"
    expect_error(run_bundle(path, tiny_models / "llama-tied"), FAILED,
                 f"error: {path}: cannot open: No such file or directory")
    expect_error(tilewright("inspect", tmp_path), FAILED, f"error: {tmp_path}: not a regular file")


# Running -----------------------------------------------------------------------------------------------------------


def test_weights_of_another_model(bundle, tiny_models):
    for other in ("qwen3", "llama3-rope", "llama-sharded"):
        result = run_bundle(bundle, tiny_models / other)
        assert (result.returncode, result.stdout) == (FAILED, "")
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: ") and "model." in line  # the tensor's name


def test_weights_that_are_not_there(bundle, tmp_path):
    expect_error(run_bundle(bundle, tmp_path / "no"), FAILED, f"error: {tmp_path}/no: no such directory")


@pytest.mark.parametrize("tokens, problem", [
    ("1,512", "error: inputs[0]: token 1 is 512, must be from 0 to 511"),
    ("-1,5", "error: inputs[0]: token 0 is -1, must be from 0 to 511"),
    (",".join(["1"] * 65), "error: prompts[0]: its 65 tokens exceed the context of 64"),
])
def test_prompts(tokens, problem, bundle, tiny_models):
    expect_error(tilewright("run", bundle, "--weights", tiny_models / "llama-tied", "--device", DEVICE,
                            f"--tokens={tokens}"), FAILED, problem)


def test_generation_stops_at_the_context(bundle, tiny_models):
    result = run_bundle(bundle, tiny_models / "llama-tied", "--max-new-tokens", 100, "--ignore-eos", "--json")
    assert len(json.loads(output_of(result))["tokens"]) == 64 - 3 + 1


@pytest.mark.parametrize("device, problem", [
    ("gpu", "error: unknown device 'gpu': expected cuda:N, sim:SKU or lib:PATH"),
    ("cuda:x", "error: unknown device 'cuda:x': expected cuda:N, sim:SKU or lib:PATH"),
    ("lib:/nowhere.so", "error: no CUDA driver: /nowhere.so: "),
    ("sim:b300", "the simulator cannot be the GPU 'b300'"),
    ("sim:a100-80-sxm", "compiled for sm_90a, which does not run on NVIDIA A100-SXM4-80GB (sm_80)"),
])
def test_devices(device, problem, bundle, tiny_models):
    result = run_bundle(bundle, tiny_models / "llama-tied", device=device)
    assert (result.returncode, result.stdout) == (FAILED, "")
    assert problem in result.stderr
