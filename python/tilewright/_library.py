"""The C API through ctypes: the structs and functions of runtime/tilewright.h."""

from __future__ import annotations

import ctypes
import os
from ctypes import (
    CFUNCTYPE,
    POINTER,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint64,
    c_void_p,
)
from pathlib import Path

from tilewright._errors import TilewrightError, error_for

_NAME = "libtilewright.so"


def library_path() -> str:
    """Where libtilewright.so is: TILEWRIGHT_LIBRARY, or beside the package as it
    is installed, or the build folder of the source tree."""
    chosen = os.environ.get("TILEWRIGHT_LIBRARY")
    if chosen:
        return chosen
    package = Path(__file__).resolve().parent
    root = package.parent.parent
    build = os.environ.get("TILEWRIGHT_BUILD_DIR")
    places = [package / _NAME]
    if build:
        places.append(Path(build) / "lib" / _NAME)
    places += [root / "build" / "lib" / _NAME, root / "build" / "sim-only" / "lib" / _NAME]
    for place in places:
        if place.exists():
            return str(place)
    tried = ", ".join(str(place) for place in places)
    raise TilewrightError(
        f"{_NAME} was not found; build it, or set TILEWRIGHT_LIBRARY (tried {tried})",
        "UNAVAILABLE",
    )


class _Sized(ctypes.Structure):
    """A struct that starts with its own size."""

    def __init__(self, **values):
        super().__init__(struct_size=ctypes.sizeof(self), **values)


class BundleInfo(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("family", c_char_p),
        ("target", c_char_p),
        ("sku", c_char_p),
        ("vocab_size", c_int64),
        ("max_context", c_int64),
        ("max_tokens", c_int64),
        ("max_seqs", c_int64),
        ("max_rows", c_int64),
        ("page_size", c_int64),
        ("page_bytes", c_int64),
        ("weight_bytes", c_int64),
        ("eos_tokens", POINTER(c_int32)),
        ("num_eos_tokens", c_size_t),
        ("num_kernels", c_size_t),
        ("batch_invariant", c_int32),
    ]


ProgressCallback = CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint64)
TokenCallback = CFUNCTYPE(c_int, c_void_p, c_size_t, c_int32)


class ModelOptions(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("progress", ProgressCallback),
        ("user", c_void_p),
        ("num_threads", c_int32),
    ]


class SessionOptions(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("num_pages", c_int64),
        ("caller_pages", c_int64),
        ("graphs", c_int),
    ]


class SessionInfo(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("num_pages", c_int64),
        ("free_pages", c_int64),
        ("steps", c_int64),
        ("launches", c_int64),
        ("last_launches", c_int64),
        ("graphs", c_int64),
    ]


class Sampling(ctypes.Structure):
    _fields_ = [
        ("temperature", c_float),
        ("top_p", c_float),
        ("top_k", c_int32),
        ("sample_index", c_int32),
        ("seed", c_uint64),
    ]


class Prompt(ctypes.Structure):
    _fields_ = [
        ("tokens", POINTER(c_int32)),
        ("num_tokens", c_size_t),
        ("max_new_tokens", c_size_t),
        ("sampling", Sampling),
    ]


class GenerateOptions(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("on_token", TokenCallback),
        ("user", c_void_p),
        ("ignore_eos", c_int32),
    ]


class GenerationInfo(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("prefill_seconds", c_double),
        ("decode_seconds", c_double),
        ("prefill_tokens", c_int64),
        ("decode_tokens", c_int64),
        ("prefill_steps", c_int64),
        ("decode_steps", c_int64),
    ]


# Functions that return a status: their argument types.
_STATUS_FUNCTIONS = {
    "device_create": [c_char_p, POINTER(c_void_p)],
    "bundle_open": [c_char_p, POINTER(c_void_p)],
    "bundle_query": [c_void_p, POINTER(BundleInfo)],
    "bundle_manifest": [c_void_p, POINTER(c_void_p), POINTER(c_size_t)],
    "model_load": [c_void_p, c_void_p, c_char_p, POINTER(ModelOptions), POINTER(c_void_p)],
    "session_create": [c_void_p, POINTER(SessionOptions), POINTER(c_void_p)],
    "session_query": [c_void_p, POINTER(SessionInfo)],
    "generate": [c_void_p, POINTER(Prompt), c_size_t, POINTER(GenerateOptions), POINTER(c_void_p)],
    "generation_query": [c_void_p, POINTER(GenerationInfo)],
    "generation_tokens": [
        c_void_p,
        c_size_t,
        POINTER(POINTER(c_int32)),
        POINTER(c_size_t),
        POINTER(c_int),
    ],
    "logits": [c_void_p, POINTER(Prompt), c_size_t, POINTER(POINTER(c_float))],
}
_DESTROY_FUNCTIONS = ("device", "bundle", "model", "session", "generation")


class _Library:
    """The loaded library; opened on first use, so that importing the package
    needs no library."""

    def __init__(self) -> None:
        self._handle: ctypes.CDLL | None = None

    def handle(self) -> ctypes.CDLL:
        if self._handle is None:
            self._handle = self._open(library_path())
        return self._handle

    @staticmethod
    def _open(path: str) -> ctypes.CDLL:
        try:
            handle = ctypes.CDLL(path)
        except OSError as problem:
            raise TilewrightError(str(problem), "UNAVAILABLE") from None
        for name, arguments in _STATUS_FUNCTIONS.items():
            function = getattr(handle, f"tilewright_{name}")
            function.argtypes = arguments
            function.restype = c_int
        for name in _DESTROY_FUNCTIONS:
            function = getattr(handle, f"tilewright_{name}_destroy")
            function.argtypes = [c_void_p]
            function.restype = None
        for name, arguments in (("version", []), ("last_error", []), ("status_name", [c_int])):
            function = getattr(handle, f"tilewright_{name}")
            function.argtypes = arguments
            function.restype = c_char_p
        return handle

    def call(self, name: str, *arguments) -> None:
        """Calls a function that returns a status; raises what it reports."""
        handle = self.handle()
        status = getattr(handle, f"tilewright_{name}")(*arguments)
        if status:
            message = handle.tilewright_last_error().decode(errors="replace")
            raise error_for(handle.tilewright_status_name(status).decode(), message)

    def destroy(self, name: str, pointer: c_void_p) -> None:
        getattr(self.handle(), f"tilewright_{name}_destroy")(pointer)


library = _Library()


def version() -> str:
    """Version of libtilewright.so."""
    return library.handle().tilewright_version().decode()


class Handle:
    """Owns an object of the C API."""

    def __init__(self, kind: str, *arguments) -> None:
        """Calls `tilewright_<kind>` (its name ends in what it makes, such as
        "device_create" or "model_load") with an out argument at the end."""
        self._kind = kind.split("_")[0] if kind != "generate" else "generation"
        self._pointer = c_void_p()
        library.call(kind, *arguments, ctypes.byref(self._pointer))

    @property
    def pointer(self) -> c_void_p:
        if not self._pointer:
            raise error_for("INVALID_ARGUMENT", f"the {self._kind} is closed")
        return self._pointer

    def close(self) -> None:
        if self._pointer:
            library.destroy(self._kind, self._pointer)
            self._pointer = c_void_p()

    def __del__(self) -> None:
        # At exit the module's globals may be gone already.
        if getattr(self, "_pointer", None) and library is not None:
            self.close()
