"""Interleaved tensor maps: refused with the way out, the way out, and the experiment that would settle what they mean.

With a GPU, `TILEWRIGHT_TEST_DEVICE=cuda:0 python -m pytest -s tests/sim/async/test_interleave.py` (or ctest -R sim-interleave)
says which reading of docs/interleaved-tensor-maps.md is right.
"""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from interleave import CASES, HALF, READINGS, UINT16, everywhere, judge, predict, swizzled
from tensor_probe import FILLED, UNTOUCHED

HERE = pathlib.Path(__file__).parent
SIMULATED = os.environ.get("TILEWRIGHT_TEST_DEVICE", "sim:h800-sxm").startswith("sim:")
gpu = pytest.mark.skipif(SIMULATED, reason="needs a GPU: TILEWRIGHT_TEST_DEVICE=cuda:0")


def probe(arguments):
    """(what the probe found, what it wrote to stderr)"""
    done = subprocess.run([sys.executable, HERE / "tensor_probe.py", json.dumps(arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_a_device_of_any_reading_is_recognized(reading):
    found = {}
    for case in CASES:
        halves = predict(reading, case)
        found[case.name] = {"bytes": halves.size * HALF, "completed": True, "halves": [*halves, UNTOUCHED]}
    assert everywhere(judge(found)) == [reading]
    # A single halfword elsewhere is none of them.
    found[CASES[0].name]["halves"][3] += 1
    assert everywhere(judge(found)) == []


@pytest.mark.skipif(not SIMULATED, reason="of the simulator")
@pytest.mark.parametrize("interleave", (1, 2))
def test_refused_with_the_way_out(interleave):
    found, message = probe({**CASES[0].arguments(), "interleave": interleave, "swizzle": interleave - 1})
    assert found == {"error": "cuTensorMapEncodeTiled: 1"}
    assert "a dimension of their own" in message and "docs/interleaved-tensor-maps.md" in message


def expected(layout, box, at, order):
    """The box of an array of halfword numbers, dimensions from the slowest, as shared memory holds it in an order of them."""
    padded = np.pad(layout, [(0, extent) for extent in box], constant_values=FILLED)
    part = padded[tuple(slice(start, start + extent) for start, extent in zip(at, box))]
    return part.transpose(order).ravel()


IMAGES, SLICES, HEIGHT, WIDTH = 2, 3, 5, 6
# Of [image, slice, row, column, channel of the slice]: slice by slice, or all slices of a pixel together.
SHARED_ORDERS = {"by slice": (0, 1, 2, 3, 4), "by pixel": (0, 2, 3, 1, 4)}
BOX, AT = (2, 2, 3, 4, None), (0, 1, 1, 3, 0)  # reaches over the right edge and over the last slice


@pytest.mark.parametrize("order", SHARED_ORDERS)
@pytest.mark.parametrize("slice_bytes, swizzle", [(16, 0), (32, 0), (32, 1)])
@pytest.mark.parametrize("at", [AT, (1, 2, 4, 0, 0)])
def test_slices_as_a_dimension(order, slice_bytes, swizzle, at):
    """NC/8HWC8 and NC/16HWC16 without interleave: one dimension more."""
    channels = slice_bytes // HALF
    layout = np.arange(IMAGES * SLICES * HEIGHT * WIDTH * channels).reshape(IMAGES, SLICES, HEIGHT, WIDTH, channels)
    box = (*BOX[:-1], channels)
    axes = SHARED_ORDERS[order]
    fastest = axes[::-1]
    found, _ = probe({"type": UINT16, "interleave": 0, "swizzle": swizzle, "dims": [layout.shape[axis] for axis in fastest],
                      "strides": [layout.strides[axis] // layout.itemsize * HALF for axis in fastest[1:]],
                      "box": [box[axis] for axis in fastest], "at": [at[axis] for axis in fastest]})
    want = expected(layout, box, at, axes)
    if swizzle:
        places = swizzled(np.arange(0, want.size * HALF, HALF)) // HALF
        want = want[places]  # the swizzle is its own inverse
    assert found["completed"] and found["bytes"] == want.size * HALF
    np.testing.assert_array_equal(found["halves"][:want.size], want)
    assert set(found["halves"][want.size:]) == {UNTOUCHED}


@gpu
def test_which_reading_is_right(capsys):
    found = {case.name: probe(case.arguments())[0] for case in CASES}
    right = judge(found)
    with capsys.disabled():
        for case in CASES:
            result = {**found[case.name]}
            halves = result.pop("halves", [])
            slices = halves[:result.get("bytes", 0) // HALF:8]  # the first halfword of every 16 bytes
            print(f"\n{case}\n  {result}, each 16 bytes from byte {[half * HALF if half >= 0 else half for half in slices]}")
            for reading in right[case.name]:
                print(f"  agrees: {reading}")
        print("\nRight in all cases:", *everywhere(right), sep="\n  ")
    assert len(everywhere(right)) == 1, "no reading, or several, explain all boxes: the bytes above are what the device does"
