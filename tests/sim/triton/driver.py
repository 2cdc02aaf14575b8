"""A small launcher over the driver API, by ctypes: needs NumPy only, so that a replayed launch starts quickly."""

import ctypes
import dataclasses
import os
import pathlib

SUCCESS = 0
ERROR_DEINITIALIZED = 4
TENSOR_MAP_BYTES = 128
DEFAULT_SHARED_LIMIT = 48 << 10
ATTRIBUTE_COOPERATIVE, ATTRIBUTE_CLUSTER_DIMENSION, ATTRIBUTE_PROGRAMMATIC_SERIALIZATION = 2, 4, 6
FUNC_MAX_DYNAMIC_SHARED = 8
L2_PROMOTION_128B = 2

# Boards by what Triton calls the target.
BOARDS = {80: "a100-80-sxm", 90: "h800-sxm"}


class CudaError(RuntimeError):
    def __init__(self, call, code, name):
        super().__init__(f"{call}: {name} ({code})")
        self.code, self.name = code, name


class LaunchAttribute(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int), ("pad", ctypes.c_int), ("value", ctypes.c_uint * 16)]


class LaunchConfig(ctypes.Structure):
    _fields_ = [("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3), ("shared", ctypes.c_uint),
                ("stream", ctypes.c_void_p), ("attributes", ctypes.POINTER(LaunchAttribute)), ("count", ctypes.c_uint)]


@dataclasses.dataclass
class TensorMap:
    """What cuTensorMapEncodeTiled takes, with the innermost dimension first; `base` is a device address."""
    base: int
    type: int
    dims: list
    strides: list
    box: list
    swizzle: int = 0
    fill: int = 0


def library_path():
    return pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"]) / "lib" / "sim" / "libcuda.so.1"


class Driver:
    """One process, one primary context for each board."""

    def __init__(self, path=None):
        self.library = ctypes.CDLL(str(path or library_path()))
        self.configure = getattr(self.library, "tilewright_sim_configure", None)
        if self.configure:
            self.configure(",".join(BOARDS.values()).encode())
        self.call("cuInit", 0)
        self.contexts = {}
        self.current = None

    def check(self, call, code):
        if code == SUCCESS:
            return
        text = ctypes.c_char_p()
        self.library.cuGetErrorName(code, ctypes.byref(text))
        raise CudaError(call, code, text.value.decode() if text.value else "?")

    def call(self, name, *arguments):
        self.check(name, getattr(self.library, name)(*arguments))

    def use(self, arch):
        """Makes the context of the board of `arch` current."""
        if arch not in self.contexts:
            context = ctypes.c_void_p()
            self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), list(BOARDS).index(arch))
            self.contexts[arch] = context
        self.call("cuCtxSetCurrent", self.contexts[arch])
        self.current = arch

    def reset(self, arch):
        """After a fault, which poisons the context."""
        self.call("cuDevicePrimaryCtxReset_v2", list(BOARDS).index(arch))
        self.contexts.pop(arch, None)

    def allocate(self, size):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(size, 1)))
        return address.value

    def free(self, address):
        self.call("cuMemFree_v2", ctypes.c_uint64(address))

    def upload(self, address, data):
        data = bytes(data)
        self.call("cuMemcpyHtoD_v2", ctypes.c_uint64(address), data, ctypes.c_size_t(len(data)))

    def download(self, address, size):
        data = ctypes.create_string_buffer(size)
        self.call("cuMemcpyDtoH_v2", data, ctypes.c_uint64(address), ctypes.c_size_t(size))
        return data.raw

    def load(self, ptx):
        """A module from PTX text; a refusal's text is in the error."""
        log = ctypes.create_string_buffer(1 << 14)
        options = (ctypes.c_int * 2)(5, 6)  # CU_JIT_ERROR_LOG_BUFFER, its size
        values = (ctypes.c_void_p * 2)(ctypes.cast(log, ctypes.c_void_p), len(log))
        module = ctypes.c_void_p()
        code = self.library.cuModuleLoadDataEx(ctypes.byref(module), ptx.encode(), 2, options, values)
        self.check(f"cuModuleLoadDataEx: {log.value.decode()}", code)
        return module

    def unload(self, module):
        self.call("cuModuleUnload", module)

    def function(self, module, name):
        function = ctypes.c_void_p()
        self.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        return function

    def encode(self, tensor_map):
        """The 128 bytes of a tensor map."""
        storage = ctypes.create_string_buffer(2 * TENSOR_MAP_BYTES)
        aligned = -ctypes.addressof(storage) % TENSOR_MAP_BYTES
        rank = len(tensor_map.dims)
        self.call("cuTensorMapEncodeTiled", ctypes.byref(storage, aligned), tensor_map.type, rank,
                  ctypes.c_uint64(tensor_map.base), (ctypes.c_uint64 * rank)(*tensor_map.dims),
                  (ctypes.c_uint64 * rank)(*tensor_map.strides), (ctypes.c_uint32 * rank)(*tensor_map.box),
                  (ctypes.c_uint32 * rank)(*[1] * rank), 0, tensor_map.swizzle, L2_PROMOTION_128B, tensor_map.fill)
        return storage.raw[aligned:aligned + TENSOR_MAP_BYTES]

    def launch(self, function, grid, threads, shared, parameters, cluster=1, cooperative=False, dependent=False):
        """`grid` counts clusters; `threads` and `cluster` are numbers along x, or triples; parameters are bytes. Waits."""
        cluster = cluster if isinstance(cluster, tuple) else (cluster, 1, 1)
        threads = threads if isinstance(threads, tuple) else (threads, 1, 1)
        if shared > DEFAULT_SHARED_LIMIT:
            self.call("cuFuncSetAttribute", function, FUNC_MAX_DYNAMIC_SHARED, shared)
        attributes = (LaunchAttribute * 3)()
        count = 0
        if cluster != (1, 1, 1):
            attributes[count].id = ATTRIBUTE_CLUSTER_DIMENSION
            attributes[count].value[:3] = cluster
            count += 1
        if cooperative:
            attributes[count].id = ATTRIBUTE_COOPERATIVE
            attributes[count].value[0] = 1
            count += 1
        if dependent:
            attributes[count].id = ATTRIBUTE_PROGRAMMATIC_SERIALIZATION
            attributes[count].value[0] = 1
            count += 1
        blocks = tuple(clusters * each for clusters, each in zip(grid, cluster))
        config = LaunchConfig(blocks, threads, shared, None, attributes, count)
        storage = [ctypes.create_string_buffer(value, len(value)) for value in parameters]
        pointers = (ctypes.c_void_p * max(len(storage), 1))(*[ctypes.addressof(each) for each in storage])
        self.call("cuLaunchKernelEx", ctypes.byref(config), function, pointers, None)
        self.call("cuCtxSynchronize")
