"""Compiles models by the command line and loads them, once per test run."""

import json
import os
import pathlib
import subprocess
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import pytest  # noqa: E402

import tilewright  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
SMOLLM2 = BUILD / "demo" / "SmolLM2-135M-Instruct"
TINY = BUILD / "test-models"
sys.path.insert(0, str(ROOT / "models"))

MAX_REGISTERS = 255


def run_tool(*arguments):
    """What `tilewright` prints, as JSON."""
    command = [str(part) for part in (BUILD / "bin" / "tilewright", *arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[:4000]
    return json.loads(result.stdout)


def check_assembly(kernels):
    """No kernel spills, and ptxas has nothing to say about any."""
    for kernel in kernels:
        report = kernel["ptxas"]
        assert report["spill_bytes"] == 0, kernel["name"]
        assert report["warnings"] == [], kernel["name"]
        assert 0 < report["registers"] <= MAX_REGISTERS, kernel["name"]


class Compiled:
    """A bundle, compiled once, and loaded when first asked for."""

    PAGES = 160  # room for steps of many short sequences
    simulated = None  # the GPU that this process simulates, once it does

    def __init__(self, directory, bundle, sku, options):
        self.directory, self.bundle, self.sku = directory, bundle, sku
        summary = run_tool("compile", directory, "-o", bundle, "--target", "sm_90a", "--sku", sku, "--json", *options)
        check_assembly(summary["kernels"])
        self._model = None

    @property
    def model(self):
        if Compiled.simulated not in (None, self.sku):
            pytest.skip(f"this process simulates {Compiled.simulated}, and a process has one board: "
                        "run this file in a process of its own")
        if self._model is None:
            Compiled.simulated = self.sku
            self._model = tilewright.load(self.bundle, weights=self.directory, device="sim:" + self.sku, num_pages=self.PAGES)
        return self._model

    def close(self):
        if self._model is not None:
            self._model.close()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Compiles a model directory for a SKU: `compiled(directory, sku, *options)`."""
    folder = tmp_path_factory.mktemp("bundles")
    made = {}

    def compile_model(directory, sku="h800-sxm", *options):
        key = (directory, sku, options)
        if key not in made:
            made[key] = Compiled(directory, folder / f"{directory.name}-{sku}-{len(made)}.twb", sku, options)
        return made[key]

    yield compile_model
    for item in made.values():
        item.close()


@pytest.fixture(scope="session")
def smollm2():
    """The demo model's directory."""
    subprocess.run([sys.executable, ROOT / "scripts" / "make_demo_model.py", "-o", SMOLLM2], check=True)
    return SMOLLM2


@pytest.fixture(scope="session")
def tiny_models():
    """The folder with the small random models."""
    subprocess.run([sys.executable, ROOT / "models" / "make_tiny.py", "-o", TINY], check=True)
    return TINY
