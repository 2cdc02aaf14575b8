"""Compiles a Triton function for its arguments, as Triton's own `kernel[grid](...)` does, and launches it on the simulator.

Triton's cache, keyed by source, options and version, lies under the build directory, so a kernel is compiled once. Its
pipeline ends in ptxas, so every kernel of the corpus is also accepted by NVIDIA's assembler.
"""

import json
import os
import pathlib
import struct
import time

BUILD = pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"])
os.environ.setdefault("TRITON_CACHE_DIR", str(BUILD / "triton-cache"))

import torch  # noqa: E402
import triton  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.backends.nvidia.driver import TMA_DTYPE_DEVICE_TO_HOST  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402
from triton.experimental.gluon._runtime import GluonASTSource  # noqa: E402
from triton.experimental.gluon.nvidia.hopper import TensorDescriptor as GluonDescriptor  # noqa: E402
from triton.tools.tensor_descriptor import TensorDescriptor  # noqa: E402

from driver import CudaError, Driver, TensorMap  # noqa: E402
from recording import Recorder  # noqa: E402

NAMES = {torch.float64: "fp64", torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16",
         torch.float8_e4m3fn: "fp8e4nv", torch.float8_e5m2: "fp8e5", torch.int8: "i8", torch.uint8: "u8",
         torch.int16: "i16", torch.uint16: "u16", torch.int32: "i32", torch.uint32: "u32", torch.int64: "i64",
         torch.uint64: "u64", torch.bool: "i1"}
FORMATS = {"i1": "b", "i8": "b", "i16": "h", "i32": "i", "i64": "q", "u8": "B", "u16": "H", "u32": "I", "u64": "Q",
           "fp32": "f", "fp64": "d"}
# What a variable of this many bytes is divisible by, for the compiler to use wider accesses.
DIVISIBLE = 16


class DeviceTensor:
    """A contiguous tensor in device memory."""

    def __init__(self, machine, host):
        host = host.detach().contiguous()
        self.machine, self.dtype, self.shape = machine, host.dtype, tuple(host.shape)
        self.strides = host.stride()
        self.bytes = host.numel() * host.element_size()
        self.address = machine.driver.allocate(self.bytes)
        machine.driver.upload(self.address, raw(host))

    def data_ptr(self):
        return self.address

    def stride(self, dim=None):
        return self.strides if dim is None else self.strides[dim]

    def numel(self):
        return self.bytes // self.dtype.itemsize

    def cpu(self):
        data = bytearray(self.machine.driver.download(self.address, self.bytes))
        return torch.frombuffer(data, dtype=torch.uint8).view(self.dtype).reshape(self.shape).clone()


def raw(host):
    return host.reshape(-1).view(torch.uint8).numpy().tobytes()


def specialize(value):
    """(type, constant?, attributes) of an argument, by Triton's rules: 1 is a constant, multiples of 16 are marked."""
    divisible = [["tt.divisibility", DIVISIBLE]]
    if isinstance(value, (TensorDescriptor, GluonDescriptor)):
        layout = f",{value.layout!r}" if isinstance(value, GluonDescriptor) else ""
        return f"tensordesc<{NAMES[value.base.dtype]}{list(value.block_shape)}{layout}>", False, None
    if isinstance(value, DeviceTensor):
        return f"*{NAMES[value.dtype]}", False, divisible if value.address % DIVISIBLE == 0 else None
    if isinstance(value, bool):
        return "i1", False, None
    if isinstance(value, int):
        kind = "i32" if -2**31 <= value < 2**31 else "i64" if value < 2**63 else "u64"
        return kind, value == 1, divisible if value % DIVISIBLE == 0 else None
    if isinstance(value, float):
        return "fp32", False, None
    if value is None:
        return "constexpr", True, None
    raise TypeError(f"no Triton type for {value!r}")


class Machine:
    """A simulated board and what was compiled for it."""

    def __init__(self, arch, record=None):
        self.arch = arch
        self.driver = Driver()
        self.driver.use(arch)
        self.modules = {}
        self.timings = {}
        self.recorder = Recorder(record) if record else None
        self.live = []

    def put(self, host):
        tensor = DeviceTensor(self, host)
        self.live.append(tensor)
        return tensor

    def zeros(self, *shape, dtype=torch.float32):
        return self.put(torch.zeros(*shape, dtype=dtype))

    def full(self, shape, value, dtype):
        return self.put(torch.full(shape, value, dtype=dtype))

    def release(self):
        for tensor in self.live:
            self.driver.free(tensor.address)
        self.live.clear()

    def compile(self, fn, arguments, options):
        signature, constants, attributes = {}, {}, {}
        for index, param in enumerate(fn.params):
            value = arguments[param.name]
            if param.is_constexpr:
                signature[param.name], constants[param.name] = "constexpr", value
                continue
            kind, constant, attribute = specialize(value)
            signature[param.name] = "constexpr" if constant else kind
            if constant:
                constants[param.name] = value
            elif attribute:
                attributes[(index,)] = attribute
        source = (GluonASTSource if fn.is_gluon() else ASTSource)(fn, signature, constants, attributes)
        target = GPUTarget("cuda", self.arch, 32)
        return triton.compile(source, target=target, options=options), signature

    def parameters(self, compiled, signature, arguments):
        """The kernel's parameters as bytes, or objects that the recorder relocates: tensors and tensor maps."""
        maps = iter(getattr(compiled.metadata, "tensordesc_meta", None) or [])
        values = []
        for name, kind in signature.items():
            value = arguments[name]
            if kind == "constexpr":
                continue
            if kind.startswith("tensordesc"):
                values += descriptor(value, next(maps, None))
            elif kind.startswith("*"):
                values.append(value)
            else:
                values.append(struct.pack(FORMATS[kind], value))
        return values

    def run(self, fn, grid, *positional, num_warps=4, num_stages=3, num_ctas=1, **named):
        """fn[grid](...) on the board; grid counts clusters when num_ctas > 1. Returns the compiled kernel."""
        options = {"num_warps": num_warps, "num_stages": num_stages, "num_ctas": num_ctas}
        options |= {name: named.pop(name) for name in ("debug", "launch_pdl", "launch_cooperative_grid") if name in named}
        names = [param.name for param in fn.params]
        arguments = dict(zip(names, positional)) | named
        # Gluon's layouts depend on the number of warps, so its kernels ask for it.
        if "num_warps" in names:
            arguments["num_warps"] = num_warps
        for param in fn.params:
            if param.name not in arguments and param.has_default:
                arguments[param.name] = param.default
        compiled, signature = self.compile(fn, arguments, options)
        self.launch(compiled, grid, self.parameters(compiled, signature, arguments))
        return compiled

    def launch(self, compiled, grid, values):
        meta = compiled.metadata
        grid = tuple(grid) + (1,) * (3 - len(grid))
        scratch = []
        for size in (meta.global_scratch_size, meta.profile_scratch_size):
            count = grid[0] * grid[1] * grid[2] * meta.num_ctas
            scratch.append(self.put(torch.zeros(size * count, dtype=torch.uint8)) if size else struct.pack("Q", 0))
        values = values + scratch
        function = self.function(compiled)
        shape = {"grid": grid, "threads": 32 * meta.num_warps, "shared": meta.shared, "cluster": meta.num_ctas,
                 "cooperative": meta.launch_cooperative_grid, "dependent": meta.launch_pdl}
        if self.recorder:
            self.recorder.before(self.driver, compiled.asm["ptx"], meta.name, shape, values, self.live)
        start = time.perf_counter()
        try:
            self.driver.launch(function, parameters=[self.pack(value) for value in values], **shape)
        except CudaError:
            self.forget()
            raise
        self.timings[meta.name] = max(self.timings.get(meta.name, 0), time.perf_counter() - start)
        if self.recorder:
            self.recorder.after(self.driver)

    def pack(self, value):
        if isinstance(value, DeviceTensor):
            return struct.pack("Q", value.address)
        return self.driver.encode(value) if isinstance(value, TensorMap) else value

    def function(self, compiled):
        if compiled.hash not in self.modules:
            module = self.driver.load(compiled.asm["ptx"])
            self.modules[compiled.hash] = self.driver.function(module, compiled.metadata.name)
        return self.modules[compiled.hash]

    def forget(self):
        """Starts a new context after a fault, which poisons the old one."""
        self.driver.reset(self.arch)
        self.driver.use(self.arch)
        self.modules.clear()
        self.live.clear()

    def write_timings(self, path):
        pathlib.Path(path).write_text(json.dumps(self.timings, indent=1))


def descriptor(value, meta):
    """What Triton passes for a descriptor: a tensor map where the target has TMA, else its parts, then shape and strides."""
    shape, strides = list(value.shape), list(value.strides)
    tail = [struct.pack("i", each) for each in shape] + [struct.pack("q", each) for each in strides]
    nan = value.padding == "nan"
    if meta is None:
        wide = [struct.pack("q", each) for each in shape + strides]
        return [value.base, *wide, struct.pack("b", nan), *tail]
    size = meta["elem_size"]
    # The driver wants the innermost dimension first, and no stride for it.
    bytes_of = [stride * size for stride in strides[-2::-1]]
    tensor_map = TensorMap(value.base.address, TMA_DTYPE_DEVICE_TO_HOST[meta["elem_type"]], shape[::-1], bytes_of + [0],
                           list(meta["block_size"])[::-1], meta["swizzle"], int(nan))
    return [tensor_map, *tail]
