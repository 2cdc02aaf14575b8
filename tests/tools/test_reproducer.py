"""A bug of Tilewright's: exit code 4, what failed, and a folder that shows it again."""

import json
import re
import shlex
import signal
import stat
import subprocess
import time

import pytest
from conftest import FAILED, INTERNAL, SMALL, TOOL, tilewright

OPT = TOOL.parent / "tilewright-opt"
# What the fault pass says, or how it ends, in this program and in tilewright-opt.
FAULTS = {
    "fail": ("failed", "fails, as asked"),
    "invalid": ("failed", "empty block: expect at least a terminator"),
    "crash": ("crashed: Aborted", ""),
    "overflow": ("crashed: Segmentation fault", ""),
    "fatal": ("LLVM reports a fatal error: Cannot select: as asked", "Cannot select: as asked"),
}


def check_report(result, folder, problem):
    """The two lines; returns the command of the second, as a list."""
    assert (result.returncode, result.stdout) == (INTERNAL, ""), result.stderr
    first, second = result.stderr.splitlines()
    assert first == f"internal error: {problem}"
    place, command = re.fullmatch(r"reproducer: (.*); to run it again: (.*)", second).groups()
    assert place == str(folder)
    return shlex.split(command)


def check_context(folder, model, *facts):
    """What every reproducer holds."""
    report = (folder / "report.txt").read_text()
    for fact in ("tilewright: ", "LLVM: ", f"command: {TOOL} ", *facts):
        assert fact in report
    assert (folder / "config.json").read_bytes() == (model / "config.json").read_bytes()


@pytest.mark.parametrize("stage", ["graph", "kernel"])
@pytest.mark.parametrize("kind", FAULTS)
def test_faulty_pass(kind, stage, tiny_models, tmp_path):
    model = tiny_models / "llama-tied"
    output = tmp_path / "x.twb"
    result = tilewright("compile", model, "-o", output, *SMALL, f"--debug-{stage}-fault", kind)
    problem, cause = FAULTS[kind]
    folder = tmp_path / "x.twb.reproducer"
    command = check_report(result, folder, f"pass 'xf-check-fault' {problem}")
    check_context(folder, model, cause, f"--debug-{stage}-fault {kind}")
    assert sorted(tmp_path.iterdir()) == [folder]  # no bundle, nothing half written

    # The same failure again, from the IR before that pass alone.
    assert command == ["tilewright-opt", "--run-reproducer", str(folder / "xf-check-fault.mlir")]
    text = (folder / "xf-check-fault.mlir").read_text()
    assert f"builtin.module(xf-check-fault{{kind={kind}}})" in text
    assert ("xf.kernel" if stage == "graph" else "tile.kernel") in text
    again = subprocess.run([OPT, *command[1:]], capture_output=True, text=True, timeout=60)
    assert again.returncode != 0 and cause in again.stderr


def fake_ptxas(path, action):
    """A program that answers --version as ptxas does, and does something else when it is to assemble."""
    path.write_text(f"""#!/bin/bash
if [ "$1" = --version ]; then
  echo "Cuda compilation tools, release 13.5, V13.5.37"
  exit 0
fi
{action}
""")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_rejected_ptx(tiny_models, tmp_path):
    ptxas = fake_ptxas(tmp_path / "ptxas", 'echo "ptxas kernel.ptx, line 7; fatal: as asked"; exit 255')
    model = tiny_models / "llama-tied"
    result = tilewright("compile", model, "-o", tmp_path / "x.twb", "--ptxas", ptxas, "--max-tokens", 8, "--max-context", 64)
    folder = tmp_path / "x.twb.reproducer"
    (name,) = {path.stem for path in folder.glob("*.ptx")}
    command = check_report(result, folder, f"ptxas rejects the PTX of kernel '{name}'")
    check_context(folder, model, "line 7; fatal: as asked")
    assert (folder / "ptxas.log").read_text() == "ptxas kernel.ptx, line 7; fatal: as asked\n"
    assert f".visible .entry {name}(" in (folder / f"{name}.ptx").read_text()
    again = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (again.returncode, again.stdout) == (255, "ptxas kernel.ptx, line 7; fatal: as asked\n")


def test_crash(tiny_models, tmp_path):
    """Wherever it happens."""
    model = tiny_models / "llama-tied"
    ptxas = fake_ptxas(tmp_path / "ptxas", "exec sleep 20")
    process = subprocess.Popen(
        [TOOL, "compile", model, "-o", tmp_path / "x.twb", "--ptxas", ptxas, "--max-tokens", "8", "--max-context", "64"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    process.send_signal(signal.SIGSEGV)
    output, messages = process.communicate(timeout=60)
    assert (process.returncode, output) == (INTERNAL, "")
    first, second = messages.splitlines()
    assert re.fullmatch(r"internal error: .* crashed: Segmentation fault", first)
    folder = tmp_path / "x.twb.reproducer"
    assert second.startswith(f"reproducer: {folder}; to run it again: ")
    check_context(folder, model, "crashed: Segmentation fault")
    assert sorted(tmp_path.iterdir()) == [ptxas, folder]


def test_newer_reproducer_replaces_the_older(tiny_models, tmp_path):
    folder = tmp_path / "x.twb.reproducer"
    for kind in ("fail", "crash"):
        tilewright("compile", tiny_models / "llama-tied", "-o", tmp_path / "x.twb", *SMALL, "--debug-graph-fault", kind)
        assert f"kind={kind}" in (folder / "xf-check-fault.mlir").read_text()
        assert list(tmp_path.iterdir()) == [folder]


def test_no_room_for_a_reproducer(tiny_models, tmp_path):
    output = tmp_path / "no" / "x.twb"
    result = tilewright("compile", tiny_models / "llama-tied", "-o", output, *SMALL, "--debug-graph-fault", "fail")
    assert (result.returncode, result.stderr.splitlines()) == (INTERNAL, [
        "internal error: pass 'xf-check-fault' failed",
        f"no reproducer: {output}.reproducer: cannot write: No such file or directory"])
    assert list(tmp_path.iterdir()) == []


def test_verify(tiny_models, tmp_path):
    """It has no output to put the folder beside."""
    result = tilewright("verify", tiny_models / "qwen3", "--device", "none", "--max-tokens", 8,
                        "--debug-graph-fault", "crash", limits=f"cd '{tmp_path}'")
    check_report(result, "tilewright-verify.reproducer", "pass 'xf-check-fault' crashed: Aborted")
    check_context(tmp_path / "tilewright-verify.reproducer", tiny_models / "qwen3")


def test_input_that_cannot_be_compiled_is_no_bug(model, tmp_path):
    """A pass refuses, with reasons."""
    config = json.loads((model / "config.json").read_text())
    heads = {"num_attention_heads": 72, "num_key_value_heads": 1, "head_dim": 64}
    (model / "config.json").write_text(json.dumps(config | heads))
    result = tilewright("compile", model, "-o", tmp_path / "x.twb", *SMALL, "--config-only")
    assert (result.returncode, result.stdout) == (FAILED, "")
    first, second = result.stderr.splitlines()[:2]
    assert first == "error: no config of the attention family fits this kernel"
    assert second.startswith("note: ") and second.endswith(": more query heads share a KV head than a tile has rows")
    assert list(tmp_path.iterdir()) == [model]
