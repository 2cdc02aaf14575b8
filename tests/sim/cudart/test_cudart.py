"""libcudart.so.13 as a binary sees it: its symbols and their version against the toolkit's own library, and calls that
programs of the corpus do not make."""

import ctypes
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
VENV = pathlib.Path(os.environ.get("TILEWRIGHT_VENV", ROOT / "build" / "venv"))
LIBRARY = pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"]) / "lib" / "sim" / "libcudart.so.13"
TOOLKIT = next(VENV.glob("lib/python3*/site-packages/nvidia/cu13")) / "lib" / "libcudart.so.13"

# Declared in other headers than cuda_runtime_api.h (graphics interoperation), or in none.
OTHER_HEADERS = ("cudaGL", "cudaEGL", "cudaVDPAU", "cudaGraphicsGL", "cudaGraphicsEGL", "cudaGraphicsVDPAU",
                 "cudaGraphicsResourceGetMappedEglFrame", "cudaEventCreateFromEGLSync", "cudaSubgrid",
                 "__cudaGetProcAddress", "__cudaRegisterUnifiedTable")


def symbols(library):
    """name@@version of each function that a library defines."""
    text = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library], check=True,
                          capture_output=True, text=True).stdout
    return {line.split()[-1] for line in text.splitlines() if line.split()[-2] == "T"}


def test_every_symbol_with_its_version():
    missing = {name for name in symbols(TOOLKIT) - symbols(LIBRARY) if not name.startswith(OTHER_HEADERS)}
    assert missing == set()


def test_nothing_else_is_visible():
    assert symbols(LIBRARY) - symbols(TOOLKIT) == set()


def run_python(code, **environment):
    """Runs code with `rt` as the library, in a process of its own."""
    prelude = f"import ctypes\nrt = ctypes.CDLL({str(LIBRARY)!r})\n"
    return subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, **{"TILEWRIGHT_SIM_SKU": "", **environment}))


def test_error_names_are_the_toolkits():
    theirs, ours = ctypes.CDLL(str(TOOLKIT)), ctypes.CDLL(str(LIBRARY))
    for library in (theirs, ours):
        library.cudaGetErrorName.restype = ctypes.c_char_p
        library.cudaGetErrorString.restype = ctypes.c_char_p
    for code in range(1100):
        assert ours.cudaGetErrorName(code) == theirs.cudaGetErrorName(code), code
        assert ours.cudaGetErrorString(code), code


def test_a_missing_call_names_itself_once():
    done = run_python("print([rt.cudaMallocArray(None, None, 1, 1, 0) for _ in range(3)], rt.cudaGetLastError())")
    assert done.stdout.strip() == "[801, 801, 801] 801"
    assert done.stderr.count("cudaMallocArray is not supported") == 1


def test_no_device_is_an_error_of_each_call():
    done = run_python("n = ctypes.c_int(7)\nprint(rt.cudaGetDeviceCount(ctypes.byref(n)), rt.cudaFree(None), n.value)",
                      TILEWRIGHT_SIM_SKU="no-such-board")
    assert done.stdout.strip() == "100 100 7"


ENTRY_POINT = """
def find(call, name, version, flags=0):
    pointer, state = ctypes.c_void_p(), ctypes.c_int(-1)
    arguments = [name, ctypes.byref(pointer), *version, ctypes.c_ulonglong(flags), ctypes.byref(state)]
    return getattr(rt, call)(*arguments), bool(pointer.value), state.value, pointer.value
"""


def test_driver_entry_points():
    done = run_python(ENTRY_POINT + """
print(find("cudaGetDriverEntryPoint", b"cuMemAlloc", [])[:3])
print(find("cudaGetDriverEntryPoint", b"cuNoSuchCall", [])[:3])
print(find("cudaGetDriverEntryPointByVersion", b"cuTensorMapEncodeTiled", [11000])[:3])
print(find("cudaGetDriverEntryPointByVersion", b"cuTensorMapEncodeTiled", [12000])[:3])
plain = find("cudaGetDriverEntryPoint", b"cuMemcpyAsync", [])[3]
own = find("cudaGetDriverEntryPoint_ptsz", b"cuMemcpyAsync", [])[3]
print(plain != own, find("cudaGetDriverEntryPoint", b"cuMemcpyAsync", [], 2)[3] == own)
""")
    assert done.stdout.splitlines() == ["(0, True, 0)", "(0, False, 1)", "(0, False, 2)", "(0, True, 0)", "True True"]


def test_the_thread_and_the_driver_share_one_context():
    """A context that the driver API made current is the one that the runtime uses, and the other way round."""
    done = run_python("""
cuda = ctypes.CDLL("libcuda.so.1")
first, current = ctypes.c_void_p(), ctypes.c_void_p()
rt.cudaFree(None)
cuda.cuCtxGetCurrent(ctypes.byref(first))
other, device, pointer = ctypes.c_void_p(), ctypes.c_int(-1), ctypes.c_void_p()
print(bool(first.value), cuda.cuCtxCreate_v2(ctypes.byref(other), 0, 1))
rt.cudaGetDevice(ctypes.byref(device))
print(device.value, rt.cudaMalloc(ctypes.byref(pointer), ctypes.c_size_t(64)))
owner = ctypes.c_void_p()
cuda.cuPointerGetAttribute(ctypes.byref(owner), 1, pointer)
print(owner.value == other.value)
print(rt.cudaSetDevice(0), rt.cudaGetDevice(ctypes.byref(device)), device.value)
cuda.cuCtxGetCurrent(ctypes.byref(current))
print(current.value == first.value)
""", TILEWRIGHT_SIM_SKU="h800-sxm,h20", LD_LIBRARY_PATH=str(LIBRARY.parent))
    assert done.stdout.splitlines() == ["True 0", "1 0", "True", "0 0 0", "True"], done.stderr


@pytest.mark.parametrize("image", [b"not an image", b"\x7fELF" + bytes(60)])
def test_a_bad_image_is_an_error_code(image):
    done = run_python(f"""
library = ctypes.c_void_p()
print(rt.cudaLibraryLoadData(ctypes.byref(library), {image!r}, None, None, 0, None, None, 0))
print(rt.cudaGetLastError())
""")
    assert done.stdout.split() == (["209", "209"] if image[:1] == b"\x7f" else ["200", "200"])
