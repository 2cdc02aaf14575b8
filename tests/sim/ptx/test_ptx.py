"""Every .ptx file beside this one, on the engine and through ptxas."""

import pathlib
import subprocess

import harness
import pytest

HERE = pathlib.Path(__file__).parent
FILES = sorted(HERE.glob("**/*.ptx"))
PTXAS = next(pathlib.Path(harness.os.environ.get("TILEWRIGHT_VENV", HERE.parents[2] / "build" / "venv")).glob(
    "lib/python3*/site-packages/nvidia/cu13/bin/ptxas"))


def name_of(path):
    return str(path.relative_to(HERE))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_runs(path):
    harness.Test(path.read_text()).run(path)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_ptxas(path, tmp_path):
    """ptxas accepts what runs, and rejects what is in invalid/."""
    text = path.read_text()
    done = subprocess.run([PTXAS, "-arch=sm_90a", path, "-o", tmp_path / "out.cubin"], capture_output=True, text=True)
    accepted = done.returncode == 0
    assert accepted == ("//! ptxas rejects" not in text), done.stderr


def test_there_are_files():
    assert len(FILES) >= 60
