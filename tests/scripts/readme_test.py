"""The examples of the README, pasted and run, on a small random model in place of the real one."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
NEW_TOKENS = 8


def read_blocks(title="## A minute"):
    """(what stands before a block, its language, its text) of a section."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index(title) :].split("\n## ")[0]
    parts = re.split(r"^```(\w*)\n(.*?)^```\n", section, flags=re.MULTILINE | re.DOTALL)
    return list(zip(parts[::3], parts[1::3], parts[2::3]))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The repository as the README's reader has it after scripts/demo."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("scripts", "runtime", "python", "docs"):
        (root / name).symlink_to(ROOT / name)
    demo = root / "build" / "demo"
    demo.mkdir(parents=True)
    for name in ("bin", "lib", "venv"):
        (root / "build" / name).symlink_to(BUILD / name)
    subprocess.run([sys.executable, ROOT / "models" / "make_tiny.py", "-o", BUILD / "test-models", "llama-tied"], check=True)
    model = shutil.copytree(BUILD / "test-models" / "llama-tied", demo / "SmolLM2-135M-Instruct")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 2048}))
    return root


@pytest.fixture(scope="module")
def outputs(checkout):
    """What each block prints, by language; shell blocks in one shell, as a reader has one."""
    demo = checkout / "build" / "demo"
    shell, printed = "set -e\n", {}
    for before, language, text in read_blocks():
        if language in ("c", "cpp"):
            (demo / re.search(r"as `([\w.]+)`", before)[1]).write_text(text)
        elif language == "python":
            (demo / "hello.py").write_text(text)
            shell += "echo '--- python'\npython3 hello.py\n"
        else:
            shell += "".join(f"echo '--- {line.split()[0]}'\n{line}\n" for line in text.splitlines() if line)
    done = subprocess.run(["bash", "-c", shell], cwd=checkout, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for part in done.stdout.split("--- ")[1:]:
        command, _, text = part.partition("\n")
        printed[command] = printed.get(command, "") + text
    return printed


def test_all_languages_are_there():
    assert {language for _, language, _ in read_blocks()} == {"sh", "python", "c", "cpp"}


def test_shell_python_and_c_agree(outputs):
    tokens = json.loads(outputs["tilewright"].splitlines()[-1])["tokens"]
    assert 0 < len(tokens) <= NEW_TOKENS
    python = outputs["python"].splitlines()
    assert json.loads(python[0]) == [tokens]
    assert python[1].startswith("(3, ")
    assert [int(line) for line in outputs["cc"].splitlines()] == tokens


def test_cpp_runs_two_sequences(outputs):
    lines = [line.split() for line in outputs["c++"].splitlines()]
    assert [len(line) for line in lines] == [2] * NEW_TOKENS
    assert all(token.isdecimal() for line in lines for token in line)


def test_cuda_program(checkout):
    """The last line of the section finds the race, and says so by its exit code."""
    ((_, _, text),) = read_blocks("## Any CUDA program")
    done = subprocess.run(["bash", "-c", text], cwd=checkout, capture_output=True, text=True, timeout=300)
    assert done.returncode == 3, done.stderr
    assert "error: race: " in done.stderr and done.stderr.endswith("tilewright-sim: 2 errors\n")
