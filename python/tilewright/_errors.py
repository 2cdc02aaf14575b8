"""One exception per status of the C API."""

from __future__ import annotations


class TilewrightError(Exception):
    """Something failed; the message says what. `status` is the C API's name
    for it, such as "OUT_OF_PAGES"."""

    def __init__(self, message: str, status: str = "INTERNAL"):
        super().__init__(message)
        self.status = status


class InvalidArgument(TilewrightError, ValueError):
    """An argument is not what the documentation asks for."""


class Unavailable(TilewrightError):
    """There is no such device or driver on this machine."""


class CompileError(TilewrightError):
    """The driver or the simulator rejected a kernel."""


class LaunchError(TilewrightError):
    """A kernel faulted, or its launch was refused."""


class NotFound(TilewrightError, FileNotFoundError):
    """There is no such file or directory."""


class FileError(TilewrightError, OSError):
    """A file could not be read."""


class BundleError(TilewrightError):
    """The file is no bundle, or a damaged one."""


class Unsupported(TilewrightError):
    """The bundle is sound, but newer than this library or for another GPU."""


class WeightsError(TilewrightError):
    """The weights are damaged, or not those that the bundle wants."""


class OutOfPages(TilewrightError):
    """The KV cache is full."""


class OutOfMemory(TilewrightError, MemoryError):
    """Host or device memory ran out."""


class Cancelled(TilewrightError):
    """A callback asked to stop."""


_BY_STATUS: dict[str, type[TilewrightError]] = {
    "INVALID_ARGUMENT": InvalidArgument,
    "UNAVAILABLE": Unavailable,
    "COMPILE_FAILED": CompileError,
    "LAUNCH_FAILED": LaunchError,
    "NOT_FOUND": NotFound,
    "IO_ERROR": FileError,
    "INVALID_BUNDLE": BundleError,
    "UNSUPPORTED": Unsupported,
    "INVALID_WEIGHTS": WeightsError,
    "OUT_OF_PAGES": OutOfPages,
    "OUT_OF_MEMORY": OutOfMemory,
    "CANCELLED": Cancelled,
}


def error_for(status: str, message: str) -> TilewrightError:
    """The exception for a status of the C API."""
    return _BY_STATUS.get(status, TilewrightError)(message, status)
