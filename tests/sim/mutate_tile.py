"""A launch of Tilewright's own kernels that a conformance test recorded (TILEWRIGHT_TEST_RECORD=FOLDER), as a recorded launch of mutate.py."""

import json
import math
import os
import pathlib
import struct
import sys

from mutate_cuda import record

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE / "triton"))

# What the driver calls elements and swizzles of a tensor map.
TENSOR_TYPES = {"u8": 0, "u16": 1, "u32": 2, "i32": 3, "u64": 4, "i64": 5, "f16": 6, "f32": 7, "f64": 8, "bf16": 9}
SWIZZLES = {0: 0, 32: 1, 64: 2, 128: 3}
BYTES = {"u8": 1, "i8": 1, "u16": 2, "f16": 2, "bf16": 2, "u32": 4, "i32": 4, "f32": 4, "u64": 8, "i64": 8, "f64": 8}
OPERATIONS = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "ceildiv": lambda a, b: -(-a // b),
    "min": min, "max": max,
}


def size(expression, symbols):
    """A size expression of the manifest (runtime/README.md)."""
    if isinstance(expression, int):
        return expression
    if isinstance(expression, str):
        return symbols[expression]
    operation, left, right = expression
    return OPERATIONS[operation](size(left, symbols), size(right, symbols))


def tensor_map(parameter, argument, symbols):
    """As runtime/session encodes it: dense, with the innermost dimension first."""
    from driver import TensorMap
    dims = [math.prod(size(part, symbols) for part in entry) for entry in parameter["view"]][::-1]
    element = BYTES[argument["dtype"]]
    strides = [element * math.prod(dims[:rank]) for rank in range(1, len(dims))]
    return TensorMap(0, TENSOR_TYPES[argument["dtype"]], dims, [*strides, 0], parameter["box"][::-1], SWIZZLES[parameter["swizzle"]],
                     int(parameter.get("fill") == "nan"))


def parameter_of(parameter, entry, symbols):
    kind = parameter["kind"]
    if kind == "size":
        return struct.pack("<q" if parameter.get("dtype") == "i64" else "<i", size(parameter["value"], symbols))
    place = parameter["arg"]
    if kind == "pointer":
        return ("buffer", place)
    return ("map", place, tensor_map(parameter, entry["args"][place], symbols))


def launch_of(path):
    from recording import Launch
    record = json.loads(path.read_text())
    entry, symbols = record["entry"], record["symbols"]
    data = path.with_suffix(".bin").read_bytes()
    buffers, begin = [], 0
    for argument in record["arguments"]:
        buffers.append(data[begin:begin + argument["bytes"]])
        begin += argument["bytes"]
    cluster = tuple(entry["cluster"])
    grid = tuple(size(each, symbols) // part for each, part in zip(entry["grid"], cluster))
    shape = {"grid": grid, "threads": tuple(entry["block"]), "shared": entry["shared_bytes"], "cluster": cluster}
    parameters = [parameter_of(each, entry, symbols) for each in entry["params"]]
    unwritten = [index for index, argument in enumerate(record["arguments"]) if not argument["written"]]
    return Launch(90, record["ptx"], entry["name"], shape, parameters, buffers, [], unwritten=unwritten)


if __name__ == "__main__":
    # usage: mutate_tile.py RECORD.json BUILD FOLDER; prints the recorded launch's path.
    source, build, folder = map(pathlib.Path, sys.argv[1:])
    os.environ["TILEWRIGHT_BUILD_DIR"] = str(build)
    path = folder / f"{source.stem}.launch"
    record(launch_of(source), path)
    print(path)
