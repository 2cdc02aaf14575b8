"""Runs the recipes at the head of PTX files on the simulated driver, as recipes.py explains them. A process of its own,
because a process chooses its checks once.

    run_recipes.py LIBRARY RECIPES.json

RECIPES.json is a list of {"name", "ptx"}; prints a list of {"name", "result"}, the code with which each launch ended.
"""

import ctypes
import json
import sys

TENSOR_MAP_BYTES = 128
TYPES = {"u8": 0, "u16": 1, "u32": 2, "f16": 6, "f32": 7}
BYTES = {"u8": 1, "u16": 2, "u32": 4, "f16": 2, "f32": 4}
SWIZZLES = {"none": 0, "32": 1, "64": 2, "128": 3}


class Attribute(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int), ("pad", ctypes.c_int), ("value", ctypes.c_uint * 16)]


class Config(ctypes.Structure):
    _fields_ = [("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3), ("shared", ctypes.c_uint),
                ("stream", ctypes.c_void_p), ("attributes", ctypes.POINTER(Attribute)), ("count", ctypes.c_uint)]


class Driver:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.call("cuInit", 0)

    def try_call(self, name, *arguments):
        return getattr(self.library, name)(*arguments)

    def call(self, name, *arguments):
        code = self.try_call(name, *arguments)
        if code:
            raise RuntimeError(f"{name} returned {code}")


class Recipe:
    """One kernel: its buffers and arguments, and the launch."""

    def __init__(self, driver, name, ptx):
        self.driver, self.name, self.ptx = driver, name, ptx
        self.buffers = {}
        self.arguments = []
        self.keep = []
        self.result = None

    def run(self):
        context = ctypes.c_void_p()
        self.driver.call("cuCtxCreate_v4", ctypes.byref(context), None, 0, 0)
        for line in self.ptx.splitlines():
            if line.startswith("// "):
                verb, *words = line[3:].split()
                getattr(self, "do_" + verb, lambda *_: None)(*words)
        self.driver.try_call("cuCtxDestroy_v2", context)
        return self.result

    def do_buffer(self, name, size, state="written"):
        address = ctypes.c_uint64()
        size = int(size)
        self.driver.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        self.buffers[name] = address.value
        if state != "unwritten":
            self.driver.call("cuMemsetD8_v2", address, ctypes.c_ubyte(0), ctypes.c_size_t(size))
        if state == "freed":
            self.driver.call("cuMemFree_v2", address)
        self.arguments.append(address)

    def do_write(self, name, offset, size):
        self.driver.call("cuMemsetD8_v2", ctypes.c_uint64(self.buffers[name] + int(offset)), ctypes.c_ubyte(0),
                         ctypes.c_size_t(int(size)))

    def do_copy(self, target, source, size):
        self.driver.call("cuMemcpyDtoD_v2", ctypes.c_uint64(self.buffers[target]),
                         ctypes.c_uint64(self.buffers[source]), ctypes.c_size_t(int(size)))

    def do_u32(self, value):
        self.arguments.append(ctypes.c_uint32(int(value, 0)))

    def do_u64(self, value):
        self.arguments.append(ctypes.c_uint64(int(value, 0)))

    def do_tensor(self, name, kind, *words):
        """tensor BUFFER TYPE dims WIDTHxHEIGHT box WIDTHxHEIGHT [swizzle NAME]; in place of the buffer's pointer."""
        options = dict(zip(words[::2], words[1::2]))
        dims = [int(each) for each in options["dims"].split("x")]
        box = [int(each) for each in options["box"].split("x")]
        strides = [BYTES[kind] * dims[0]]
        for dim in dims[1:-1]:
            strides.append(strides[-1] * dim)
        memory = ctypes.create_string_buffer(TENSOR_MAP_BYTES + 64)
        address = (ctypes.addressof(memory) + 63) // 64 * 64
        rank = len(dims)
        self.driver.call(
            "cuTensorMapEncodeTiled", ctypes.c_void_p(address), TYPES[kind], rank,
            ctypes.c_void_p(self.buffers[name]), (ctypes.c_uint64 * rank)(*dims),
            (ctypes.c_uint64 * max(rank - 1, 1))(*strides[:rank - 1]), (ctypes.c_uint32 * rank)(*box),
            (ctypes.c_uint32 * rank)(*[1] * rank), 0, SWIZZLES[options.get("swizzle", "none")], 0, 0)
        self.keep.append(memory)
        pointer = next(i for i, each in enumerate(self.arguments)
                       if isinstance(each, ctypes.c_uint64) and each.value == self.buffers[name])
        self.arguments[pointer] = (ctypes.c_char * TENSOR_MAP_BYTES).from_address(address)

    def do_launch(self, grid, block, *words):
        options = dict(zip(words[::2], words[1::2]))
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self.driver.call("cuModuleLoadData", ctypes.byref(module), self.ptx.encode())
        self.driver.call("cuModuleGetFunction", ctypes.byref(function), module, self.name.encode())
        config = Config((ctypes.c_uint * 3)(int(grid), 1, 1), (ctypes.c_uint * 3)(int(block), 1, 1),
                        int(options.get("shared", 0)))
        if "cluster" in options:
            attribute = Attribute(4, 0, (ctypes.c_uint * 16)(int(options["cluster"]), 1, 1))
            config.attributes, config.count = ctypes.pointer(attribute), 1
        pointers = (ctypes.c_void_p * max(len(self.arguments), 1))(
            *[ctypes.addressof(each) for each in self.arguments])
        self.driver.call("cuLaunchKernelEx", ctypes.byref(config), function, pointers, None)
        self.result = self.driver.try_call("cuCtxSynchronize")


def main():
    library, path = sys.argv[1:]
    driver = Driver(library)
    with open(path) as file:
        recipes = json.load(file)
    print(json.dumps([{"name": each["name"], "result": Recipe(driver, **each).run()} for each in recipes]))


if __name__ == "__main__":
    main()
