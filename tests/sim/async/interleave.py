"""What an interleaved tensor map may mean: candidate readings of the manuals, and what each says of a box.

Neither the driver's manual nor the PTX ISA defines the layout (docs/interleaved-tensor-maps.md). A Reading fixes what they leave
open; `predict` gives what a probe (tensor_probe.py) finds if it is the right one.
"""
import dataclasses
import functools
import itertools

import numpy as np
from tensor_probe import FILLED, KNOWN

UINT8, UINT16, FLOAT32 = 0, 1, 7  # CUtensorMapDataType
ELEMENT_BYTES = {UINT8: 1, UINT16: 2, FLOAT32: 4}
SLICE_BYTES = {1: 16, 2: 32}  # by CUtensorMapInterleave
HALF = 2


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    type: int
    interleave: int  # CUtensorMapInterleave
    dims: tuple
    strides: tuple
    box: tuple
    at: tuple

    @property
    def swizzle(self):
        return 1 if self.interleave == 2 else 0  # the manual: 32 with 32

    def arguments(self):
        return {**dataclasses.asdict(self), "swizzle": self.swizzle}


# What dimension 0 (of the tensor, of the box, of the coordinates) counts.
UNITS = {
    "elements": lambda case, slice_bytes: slice_bytes // ELEMENT_BYTES[case.type],
    "pairs of bytes": lambda case, slice_bytes: slice_bytes // 2,
    "eighths of a slice": lambda case, slice_bytes: 8,
    "slices": lambda case, slice_bytes: 1,
}
# (stride from slice to slice, strides of dimensions 1, 2, ...)
STRIDES = {
    # globalStrides as without interleave; the slices of an image (all but the last dimension) lie one behind another.
    "packed": lambda case, slice_bytes: (case.strides[-2] * case.dims[-2], case.strides),
    # Pixels of a row lie a slice apart, which needs no stride; the free one, the first, leads from slice to slice.
    "first": lambda case, slice_bytes: (case.strides[0], (slice_bytes, *case.strides[1:])),
    # The same, with globalStrides in the order of memory: D, H and W within a slice, slices within an image, images.
    "sorted": lambda case, slice_bytes: (case.strides[-2], (slice_bytes, *case.strides[:-2], case.strides[-1])),
    # A pixel's slices lie one behind another: interleave changes only the unit.
    "together": lambda case, slice_bytes: (slice_bytes, case.strides),
}
# Dimensions in shared memory, from the fastest: 0 is the slices.
ORDERS = {
    "by pixel": lambda rank: tuple(range(rank)),
    "by slice": lambda rank: (*range(1, rank - 1), 0, rank - 1),
    "slices outermost": lambda rank: (*range(1, rank), 0),
}
# What comes of the part of a slice behind the tensor's last channel.
FILLS = ("zeros", "what memory holds")


@dataclasses.dataclass(frozen=True)
class Reading:
    unit: str
    strides: str
    order: str
    fill: str

    def __str__(self):
        return f"dimension 0 counts {self.unit}; strides {self.strides}; shared memory {self.order}; behind the last channel {self.fill}"


# Slices are never cut, so the last choice makes no difference to them.
READINGS = [reading for reading in itertools.starmap(Reading, itertools.product(UNITS, STRIDES, ORDERS, FILLS))
            if reading.unit != "slices" or reading.fill == FILLS[0]]

# Strides are such that every reading stays within what the probe can number, and that no two agree on all cases.
CASES = [
    Case("16B", UINT16, 1, (32, 6, 3), (256, 8192), (16, 4, 2), (8, 1, 1)),
    Case("16B, rank 4", UINT16, 1, (32, 6, 5, 3), (128, 768, 16384), (16, 3, 2, 2), (8, 1, 1, 0)),
    Case("16B, rank 5", UINT16, 1, (16, 5, 4, 3, 2), (96, 512, 2048, 16384), (8, 2, 2, 2, 2), (8, 1, 1, 0, 0)),
    Case("16B, one slice", UINT16, 1, (8, 6, 3), (256, 8192), (8, 4, 2), (0, 1, 1)),
    Case("16B, a part of a slice behind the tensor", UINT16, 1, (20, 6, 3), (256, 8192), (16, 4, 2), (8, 1, 1)),
    Case("16B, bytes", UINT8, 1, (64, 6, 3), (256, 8192), (32, 4, 2), (16, 1, 1)),
    Case("16B, words", FLOAT32, 1, (16, 6, 3), (256, 8192), (8, 4, 2), (8, 1, 1)),
    Case("32B", UINT16, 2, (64, 6, 3), (256, 8192), (32, 4, 2), (16, 1, 1)),
    Case("32B, words", FLOAT32, 2, (32, 6, 3), (256, 8192), (16, 4, 2), (16, 1, 1)),
]


def swizzled(offset):
    """Where the byte at an offset of an unswizzled box lies with the swizzle of 32 bytes: bit 7 goes onto bit 4."""
    return offset ^ (offset >> 7 & 1) << 4


@functools.cache
def predict(reading, case):
    """Number of the halfword of global memory for each halfword of the box in shared memory; ids outside KNOWN are refused."""
    slice_bytes = SLICE_BYTES[case.interleave]
    channels = UNITS[reading.unit](case, slice_bytes)
    across, strides = STRIDES[reading.strides](case, slice_bytes)
    rank = len(case.dims)
    first = case.at[0] // channels
    counts = (-(-case.box[0] // channels), *case.box[1:])
    order = ORDERS[reading.order](rank)
    halves = np.full(int(np.prod(counts)) * slice_bytes // HALF, FILLED)
    offset = 0
    for place in itertools.product(*(range(counts[d]) for d in reversed(order))):
        index = dict(zip(reversed(order), place))
        pixel = [case.at[d] + index[d] for d in range(1, rank)]
        number = first + index[0]
        address = number * across + sum(at * stride for at, stride in zip(pixel, strides))
        if all(at < size for at, size in zip(pixel, case.dims[1:])):
            for byte in range(0, slice_bytes, HALF):
                channel = number * channels + byte * channels // slice_bytes
                if channel < case.dims[0] or (reading.fill != FILLS[0] and number * channels < case.dims[0]):
                    assert (address + byte) // HALF < KNOWN, f"{reading} leaves the probe's memory in {case.name}"
                    target = offset + byte
                    halves[(swizzled(target) if case.swizzle else target) // HALF] = (address + byte) // HALF
        offset += slice_bytes
    return halves


def judge(found):
    """For each case the readings that explain what the probe found in it, by name."""
    return {case.name: [reading for reading in READINGS if agrees(found[case.name], predict(reading, case))] for case in CASES}


def agrees(found, want):
    if not found.get("completed") or found["bytes"] != want.size * HALF:
        return False
    return np.array_equal(found["halves"][:want.size], want)


def everywhere(right):
    """The readings that explain all cases."""
    return [reading for reading in READINGS if all(reading in readings for readings in right.values())]
