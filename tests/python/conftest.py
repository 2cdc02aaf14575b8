"""The hand-made model of tests/runtime, loaded on the simulator."""

import os
import subprocess
from pathlib import Path

import pytest

import tilewright

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
DEVICE = os.environ.get("TILEWRIGHT_TEST_DEVICE", "sim:h800-sxm")
VOCAB_SIZE = 97


def expected_tokens(prompt, count):
    """What the hand-made model says: see tests/runtime/TestBundle.h."""
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(sum(3 * token % 101 for token in tokens) % VOCAB_SIZE)
    return tokens[len(prompt) :]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    subprocess.run([BUILD / "bin" / "runtime-test-bundle", path], check=True)
    return path


@pytest.fixture(scope="session")
def model(folder):
    with tilewright.load(folder / "test.twb", weights=folder, device=DEVICE) as loaded:
        yield loaded
