"""What is refused at load is shown where it stands: file, line and column, the source line, a caret below it."""

import pathlib
import re
import subprocess

import harness
import pytest

INVALID = sorted((pathlib.Path(__file__).parent / "invalid").glob("*.ptx"))
# These load; launching them fails.
AT_RUN_TIME = {"free-of-memory"}


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_place(path, tmp_path):
    command, _ = harness.Test(path.read_text()).command(path, tmp_path)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    if path.stem in AT_RUN_TIME:
        return
    head, line, caret = done.stderr.splitlines()[:3]
    place = re.fullmatch(rf"\S*{re.escape(path.name)}:(\d+):(\d+): error: \S.*", head)
    assert place, head
    row, column = int(place.group(1)), int(place.group(2))
    assert line == path.read_text().splitlines()[row - 1]
    assert caret == caret[:column - 1] + "^" and caret[:column - 1].strip() == ""


# The word at the caret, where the message is about one.
@pytest.mark.parametrize("name, word", [
    ("device-malloc", "call"), ("device-launch", "call"), ("device-runtime", "call"), ("libdevice", "call"),
    ("undefined-function", "call"), ("undefined-variable", "elsewhere"), ("undefined-address", "nothere"),
    ("undefined-initializer", "nothere"), ("texture-variable", ".texref"),
    ("texture", "tex"), ("multimem", "multimem"), ("sparse", ".sp"), ("im2col", ".im2col")])
def test_word_at_the_caret(name, word, tmp_path):
    path = pathlib.Path(__file__).parent / "invalid" / f"{name}.ptx"
    command, _ = harness.Test(path.read_text()).command(path, tmp_path)
    _, line, caret = subprocess.run(command, capture_output=True, text=True).stderr.splitlines()[:3]
    assert line[len(caret) - 1:].startswith(word), line[len(caret) - 1:]
