"""Runs self-checking PTX files on the engine.

A test file is PTX with comments that give arguments and expected results, as
NumPy expressions (`np` and the arguments are in scope):

    //! block 32
    //! in a = np.arange(32, dtype=u32)
    //! value n = u32(7)
    //! out d = np.zeros(32, u32)
    //! map m = tensor_map(a, box=[16, 16], swizzle=3)
    //! expect d == a + n

Arguments are passed in the order in which they appear. `//! fails TEXT` expects
the load or the launch to fail with TEXT in the message instead.
"""

import dataclasses
import os
import pathlib
import subprocess
import tempfile

import numpy as np

BUILD = pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"])
RUNNER = BUILD / "bin" / "sim_ptx_run"
# CUtensorMapDataType of NumPy's types.
TENSOR_TYPES = {"uint8": 0, "uint16": 1, "uint32": 2, "int32": 3, "uint64": 4, "int64": 5, "float16": 6, "float32": 7,
                "float64": 8}


@dataclasses.dataclass
class TensorMap:
    array: np.ndarray
    box: list
    swizzle: int = 0
    fill: int = 0
    type: int | None = None
    element_strides: list | None = None
    dims: list | None = None  # innermost first, where the array has padding around the tensor

    def argument(self, buffers):
        # Dimension 0 is the innermost.
        array = self.array
        index = next(i for i, buffer in enumerate(buffers) if buffer is array)
        dims = self.dims or array.shape[::-1]
        strides = array.strides[::-1][1:]
        kind = TENSOR_TYPES[array.dtype.name] if self.type is None else self.type
        numbers = [dims, strides, self.box, self.element_strides or [1] * len(dims)]
        lists = ":".join(",".join(str(n) for n in row) for row in numbers)
        return f"map:{index}:{kind}:{self.swizzle}:{self.fill}:{lists}"


def tensor_map(array, box, **options):
    return TensorMap(array, box, **options)


def bf16(values):
    """The bits of float32 values rounded to bf16, to nearest even."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (np.asarray(bits).astype(np.uint32) << 16).view(np.float32)


def scope():
    random = np.random.default_rng(1)
    names = {"np": np, "tensor_map": tensor_map, "bf16": bf16, "from_bf16": from_bf16, "random": random}
    for kind, bits in [("u", (8, 16, 32, 64)), ("s", (8, 16, 32, 64)), ("f", (16, 32, 64))]:
        for width in bits:
            numpy_name = {"u": "uint", "s": "int", "f": "float"}[kind] + str(width)
            names[f"{kind}{width}"] = getattr(np, numpy_name)
    return names


def same(got, want):
    """Equal bits, but for NaNs, which only have to be NaN."""
    want = np.broadcast_to(np.asarray(want), got.shape).astype(got.dtype)
    if got.dtype.kind == "f":
        return (got.view(f"u{got.itemsize}") == want.view(f"u{got.itemsize}")) | (np.isnan(got) & np.isnan(want))
    return got == want


def set_schedule(monkeypatch, seed):
    """The schedule of the launches that follow: the default one, or an adversarial one by its seed."""
    if seed is None:
        monkeypatch.delenv("TILEWRIGHT_SIM_SCHEDULE", raising=False)
    else:
        monkeypatch.setenv("TILEWRIGHT_SIM_SCHEDULE", str(seed))


class Test:
    def __init__(self, text):
        self.names = scope()
        self.arguments = []
        self.expects = []
        self.fails = None
        self.options = {"kernel": "-", "grid": "1", "block": "32", "cluster": "1", "shared": "0"}
        with np.errstate(all="ignore"):
            for line in text.splitlines():
                if line.startswith("//!"):
                    self.directive(line[3:].strip())

    def directive(self, line):
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word in self.options:
            self.options[word] = ",".join(rest.split())
        elif word in ("in", "out", "value", "map"):
            name, _, expression = rest.partition("=")
            value = eval(expression, self.names)
            if word in ("in", "out"):
                value = np.ascontiguousarray(value)
            self.names[name.strip()] = value
            self.arguments.append((word, name.strip(), value))
        elif word == "let":
            exec(rest, self.names)
        elif word == "expect":
            self.expects.append(rest)
        elif word == "ptxas":
            pass  # for test_ptx.py
        elif word == "fails":
            self.fails = rest
        else:
            raise ValueError(f"unknown directive '{word}'")

    def command(self, ptx, directory):
        buffers = [value for word, _, value in self.arguments if word in ("in", "out")]
        words, files = [], []
        for word, name, value in self.arguments:
            if word in ("in", "out"):
                file = pathlib.Path(directory) / f"{name}.bin"
                value.tofile(file)
                files.append((name, value, file))
                words.append(f"buf:{file}")
            elif word == "map":
                words.append(value.argument(buffers))
            else:
                words.append("val:" + np.asarray(value).tobytes().hex())
        options = self.options
        return [RUNNER, ptx, options["kernel"], options["grid"], options["block"], options["cluster"],
                options["shared"]] + words, files

    def run(self, ptx, threads=None):
        environment = dict(os.environ)
        if threads:
            environment["TILEWRIGHT_SIM_THREADS"] = str(threads)
        with tempfile.TemporaryDirectory() as directory:
            command, files = self.command(ptx, directory)
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
            if self.fails is not None:
                assert done.returncode == 1, f"did not fail: {done.stderr}"
                assert self.fails in done.stderr, done.stderr
                return
            assert done.returncode == 0, done.stderr
            for name, value, file in files:
                self.names[name] = np.fromfile(file, value.dtype).reshape(value.shape)
            self.names["stdout"] = done.stdout
        self.check()

    def check(self):
        for expect in self.expects:
            left, equals, right = expect.partition(" == ")
            with np.errstate(all="ignore"):
                got = eval(left if equals else expect, self.names)
                if not equals:
                    assert np.all(got), expect
                    continue
                want = eval(right, self.names)
            if not isinstance(got, np.ndarray):
                assert got == want, f"{expect}: got {got!r}, want {want!r}"
                continue
            wrong = np.argwhere(~same(got, want))
            if len(wrong):
                at = tuple(wrong[0])
                want = np.broadcast_to(np.asarray(want), got.shape)
                raise AssertionError(f"{expect}: {len(wrong)} wrong, first at {at}: got {got[at]!r}, want {want[at]!r}")
