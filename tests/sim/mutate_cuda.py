"""A CUDA C++ kernel with the comments of tests/sim/exec/programs, compiled by nvcc, as a recorded launch."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE / "ptx"), str(HERE / "exec"), str(HERE / "triton")]


def numbers(text):
    values = [int(part) for part in text.split(",")]
    return tuple(values + [1] * (3 - len(values)))


def tensor_map(value, harness):
    """The harness's map as driver.TensorMap, base left open."""
    from driver import TensorMap
    array = value.array
    kind = harness.TENSOR_TYPES[array.dtype.name] if value.type is None else value.type
    return TensorMap(0, kind, list(array.shape[::-1]), [*array.strides[::-1][1:], 0], list(value.box), value.swizzle, value.fill)


def launch_of(source, build):
    """None for a program that is meant to fail."""
    os.environ["TILEWRIGHT_BUILD_DIR"] = str(build)
    import harness
    import numpy as np
    from recording import Launch
    from test_programs import compile_ptx
    test = harness.Test(source.read_text())
    if test.fails is not None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        ptx = compile_ptx(source, pathlib.Path(folder)).read_text()
    entry = test.options["kernel"]
    if entry == "-":
        entry = re.search(r"\.entry\s+([\w$]+)", ptx).group(1)
    arrays = [value for word, _, value in test.arguments if word in ("in", "out")]
    place = {id(array): index for index, array in enumerate(arrays)}
    parameters = []
    for word, _, value in test.arguments:
        if word in ("in", "out"):
            parameters.append(("buffer", place[id(value)]))
        elif word == "map":
            parameters.append(("map", place[id(value.array)], tensor_map(value, harness)))
        else:
            parameters.append(np.asarray(value).tobytes())
    cluster = numbers(test.options["cluster"])
    grid = tuple(whole // part for whole, part in zip(numbers(test.options["grid"]), cluster))
    shape = {"grid": grid, "threads": numbers(test.options["block"]), "shared": int(test.options["shared"]), "cluster": cluster}
    return Launch(90, ptx, entry, shape, parameters, [array.tobytes() for array in arrays], [])


def record(launch, path):
    """Writes a launch with what it leaves."""
    from driver import Driver
    launch.after = launch.replay(Driver())
    launch.save(path)


def main():
    source, build, folder = map(pathlib.Path, sys.argv[1:])
    launch = launch_of(source, build)
    path = folder / f"{source.stem}.launch"
    if launch:
        record(launch, path)
    print(path if launch else None)


if __name__ == "__main__":
    # usage: mutate_cuda.py SOURCE BUILD FOLDER; prints the recorded launch's path, or None.
    main()
