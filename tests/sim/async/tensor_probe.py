"""Copies one box of a tensor map and says where each of its bytes came from.

    tensor_probe.py '{"type": 1, "interleave": 1, "swizzle": 0, "dims": [...], "strides": [...], "box": [...], "at": [...]}'

Needs nothing but a driver, the simulator's or a GPU's, so it runs wherever there is one. Global memory holds its own halfword
numbers, shared memory a marker that no copy brings; what stands there afterwards is printed as JSON:

    {"bytes": 1024, "completed": true, "halves": [...]}

`halves[i]` is the number of the halfword of global memory that came to halfword i of shared memory, FILLED for zeros that the
copy put there, UNTOUCHED where it put nothing. `completed` says whether the mbarrier got exactly `bytes`. A call that fails is
{"error": "cuLaunchKernel: 700"}. Whoever wants several boxes starts several processes: one that faults ends the context.
"""
import ctypes
import json
import os
import sys

import numpy as np

FILLED, UNTOUCHED, BEYOND = -1, -2, -3
MARKER, OUTSIDE = 0xffff, 0xfffe
KNOWN = 0xfffd  # halfwords that can be numbered, as 1, 2, ...; global memory goes on behind them
GLOBAL_BYTES = 1 << 24
SHARED_BYTES = 128 << 10
MAP_BYTES = 128

# A first launch leaves the number of bytes open and waits for the copy with sleep; a second one waits at the mbarrier for as
# many as the first one found, and ends when they do not come.
PTX = """.version 8.0
.target sm_90
.address_size 64
.extern .shared .align 1024 .b8 box[];
.shared .align 8 .b64 barrier;
.visible .entry probe(.param .align 64 .b8 map[128], .param .u64 out, .param .u32 bytes, .param .u32 size,
    .param .s32 c0, .param .s32 c1, .param .s32 c2, .param .s32 c3, .param .s32 c4) {
  .reg .pred %p<4>; .reg .b32 %r<24>; .reg .b64 %rd<8>;
  mov.u32 %r1, %tid.x;
  ld.param.u64 %rd1, [out];
  cvta.to.global.u64 %rd1, %rd1;
  ld.param.u32 %r2, [bytes];
  ld.param.u32 %r3, [size];
  mov.u32 %r4, box;
  mov.u32 %r5, barrier;
  shl.b32 %r6, %r1, 2;
  mov.u32 %r7, %r6;
mark:
  add.u32 %r8, %r4, %r7;
  st.shared.b32 [%r8], 0xffffffff;
  add.u32 %r7, %r7, 512;
  setp.lt.u32 %p1, %r7, %r3;
  @%p1 bra mark;
  setp.ne.u32 %p2, %r1, 0;
  @%p2 bra ready;
  mbarrier.init.shared.b64 [%r5], 1;
ready:
  fence.proxy.async;
  bar.sync 0;
  @%p2 bra done;
  mov.b64 %rd2, map;
  cvta.param.u64 %rd2, %rd2;
  ld.param.s32 %r10, [c0];
  ld.param.s32 %r11, [c1];
  ld.param.s32 %r12, [c2];
  ld.param.s32 %r13, [c3];
  ld.param.s32 %r14, [c4];
  setp.eq.u32 %p3, %r2, 0;
  @%p3 bra copy;
  mbarrier.arrive.expect_tx.shared.b64 %rd3, [%r5], %r2;
copy:
  cp.async.bulk.tensor.RANKd.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r4], [%rd2, {COORDINATES}], [%r5];
  mov.u32 %r15, 0;
  mov.u32 %r16, 0;
wait:
  nanosleep.u32 1000;
  @%p3 bra again;
  mbarrier.test_wait.parity.shared.b64 %p1, [%r5], 0;
  selp.u32 %r16, 1, 0, %p1;
  @%p1 bra over;
again:
  add.u32 %r15, %r15, 1;
  setp.lt.u32 %p1, %r15, 5000;
  @%p1 bra wait;
over:
  fence.proxy.async;
  st.global.u32 [%rd1], %r16;
done:
  bar.sync 0;
dump:
  add.u32 %r8, %r4, %r6;
  ld.shared.b32 %r9, [%r8];
  cvt.u64.u32 %rd4, %r6;
  add.s64 %rd4, %rd1, %rd4;
  st.global.b32 [%rd4+16], %r9;
  add.u32 %r6, %r6, 512;
  setp.lt.u32 %p1, %r6, %r3;
  @%p1 bra dump;
  ret;
}
"""


class Failed(Exception):
    pass


class Driver:
    """The driver's calls by name; a code other than 0 raises Failed."""

    def __init__(self, library):
        self.library = ctypes.CDLL(library)

    def __getattr__(self, name):
        def call(*arguments):
            code = getattr(self.library, name)(*arguments)
            if code:
                raise Failed(f"{name}: {code}")
        return call


def encode(driver, case, address):
    rank = len(case["dims"])
    storage = ctypes.create_string_buffer(2 * MAP_BYTES)
    place = (ctypes.addressof(storage) + MAP_BYTES - 1) & -MAP_BYTES
    driver.cuTensorMapEncodeTiled(
        ctypes.c_void_p(place), case["type"], rank, address, (ctypes.c_uint64 * rank)(*case["dims"]),
        (ctypes.c_uint64 * (rank - 1))(*case["strides"]), (ctypes.c_uint32 * rank)(*case["box"]),
        (ctypes.c_uint32 * rank)(*([1] * rank)), case["interleave"], case["swizzle"], 0, 0)
    return storage, place


def launch(driver, kernel, place, out, count, at):
    scalars = [ctypes.c_uint32(count), ctypes.c_uint32(SHARED_BYTES), *(ctypes.c_int32(c) for c in (*at, 0, 0, 0, 0)[:5])]
    parameters = (ctypes.c_void_p * 9)(place, ctypes.addressof(out), *(ctypes.addressof(scalar) for scalar in scalars))
    driver.cuLaunchKernel(kernel, 1, 1, 1, 128, 1, 1, SHARED_BYTES, None, parameters, None)
    driver.cuCtxSynchronize()
    dumped = np.zeros(16 + SHARED_BYTES, np.uint8)
    driver.cuMemcpyDtoH_v2(ctypes.c_void_p(dumped.ctypes.data), out, ctypes.c_size_t(dumped.size))
    return bool(dumped[0]), dumped[16:].view(np.uint16).astype(np.int64)


def probe(driver, device, case):
    context, module, kernel = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    memory, out = ctypes.c_uint64(), ctypes.c_uint64()
    driver.cuInit(0)
    driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)
    driver.cuCtxSetCurrent(context)
    rank = len(case["dims"])
    text = PTX.replace("RANK", str(rank)).replace("COORDINATES", ", ".join(f"%r{10 + i}" for i in range(rank)))
    driver.cuModuleLoadData(ctypes.byref(module), text.encode())
    driver.cuModuleGetFunction(ctypes.byref(kernel), module, b"probe")
    driver.cuFuncSetAttribute(kernel, 8, SHARED_BYTES)  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    driver.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(GLOBAL_BYTES))
    driver.cuMemAlloc_v2(ctypes.byref(out), ctypes.c_size_t(16 + SHARED_BYTES))
    numbers = np.full(GLOBAL_BYTES // 2, OUTSIDE, np.uint16)
    numbers[:KNOWN] = np.arange(1, KNOWN + 1)
    driver.cuMemcpyHtoD_v2(memory, ctypes.c_void_p(numbers.ctypes.data), ctypes.c_size_t(numbers.nbytes))
    _, place = kept = encode(driver, case, memory)
    _, found = launch(driver, kernel, place, out, 0, case["at"])
    count = 2 * int(np.count_nonzero(found != MARKER))
    completed, halves = launch(driver, kernel, place, out, count, case["at"]) if count else (False, found)
    del kept
    named = {0: FILLED, MARKER: UNTOUCHED, OUTSIDE: BEYOND}
    return {"bytes": count, "completed": completed, "halves": [named.get(int(half), int(half) - 1) for half in halves]}


def main():
    name = os.environ.get("TILEWRIGHT_TEST_DEVICE", "sim:h800-sxm")
    kind, _, which = name.partition(":")
    library = "libcuda.so.1"
    if kind == "sim":
        os.environ["TILEWRIGHT_SIM_SKU"] = which
        library = os.path.join(os.environ["TILEWRIGHT_BUILD_DIR"], "lib", "sim", library)
    try:
        result = probe(Driver(library), int(which) if kind == "cuda" else 0, json.loads(sys.argv[1]))
    except Failed as failed:
        result = {"error": str(failed)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
