"""Triton's own runtime, unmodified: its C extension is built against the simulator and launches through it."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest
from driver import library_path
from launch import BUILD

CHECKS = {80: ["softmax", "persistent_product"], 90: ["softmax", "persistent_product", "cluster_product"]}
HERE = pathlib.Path(__file__).parent


def test_own_runtime(machine):
    if not shutil.which("gcc") or not pathlib.Path(sysconfig.get_paths()["include"], "Python.h").exists():
        pytest.skip("Triton builds its launcher with gcc and Python's headers")
    folder = str(library_path().parent)
    # The launcher links against the simulator, so it has a cache of its own.
    environment = os.environ | {"LD_LIBRARY_PATH": folder, "TRITON_LIBCUDA_PATH": folder, "PYTHONPATH": str(HERE),
                                "TRITON_CACHE_DIR": str(BUILD / "triton-runtime-cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run([sys.executable, HERE / "own_runtime.py", str(machine.arch)], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.split() == [word for check in CHECKS[machine.arch] for word in (check, "ok")]
