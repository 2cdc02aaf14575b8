"""The command line as a user runs it."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
TOOL = BUILD / "bin" / "tilewright"
TINY = BUILD / "test-models"
DEVICE = "sim:h800-sxm"
DONE, FAILED, USAGE, VERIFY_FAILED, INTERNAL = range(5)
# Enough for a bundle that runs, and a second to compile.
SMALL = ("--no-ptxas", "--max-tokens", "8", "--max-seqs", "8", "--max-context", "64")


def tilewright(*arguments, environment=None, limits=""):
    """The finished process. `limits` are commands of the shell before it starts."""
    command = ["bash", "-c", limits + '\nexec "$@"', "tilewright", TOOL, *arguments]
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120,
        env=os.environ | (environment or {}))


def expect_error(result, code, *lines):
    """Exactly these lines on stderr, nothing on stdout."""
    assert result.stderr.splitlines() == list(lines)
    assert result.stdout == ""
    assert result.returncode == code


def output_of(result):
    """stdout of a run that went well and had nothing to say."""
    assert (result.returncode, result.stderr) == (DONE, ""), result.stderr[:4000]
    return result.stdout


@pytest.fixture(scope="session")
def tiny_models():
    subprocess.run([sys.executable, ROOT / "models" / "make_tiny.py", "-o", TINY], check=True)
    return TINY


@pytest.fixture
def model(tiny_models, tmp_path):
    """A model directory of one's own."""
    return pathlib.Path(shutil.copytree(tiny_models / "llama-tied", tmp_path / "model"))


@pytest.fixture(scope="session")
def bundle(tiny_models, tmp_path_factory):
    """A bundle of the model."""
    path = tmp_path_factory.mktemp("bundle") / "tiny.twb"
    output_of(tilewright("compile", tiny_models / "llama-tied", "-o", path, *SMALL))
    return path


def read_members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def change_manifest(bundle, path, change):
    """A copy of a bundle whose manifest went through `change`."""
    members = read_members(bundle)
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    return write_members(path, members | {"manifest.json": json.dumps(manifest)})


def read_safetensors(path):
    """Header and data of a file."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def write_safetensors(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
