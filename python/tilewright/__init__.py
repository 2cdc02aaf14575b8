"""Runs kernel bundles compiled by Tilewright, on a GPU or in the simulator.

    import tilewright

    with tilewright.load("model.twb", weights="MODEL_DIR",
                         device="sim:h800-sxm") as model:
        tokens = model.generate([[1, 2, 3]], max_new_tokens=8)
        logits = model.logits([[1, 2, 3]])

A thin layer over the C API (runtime/tilewright.h): everything that happens
happens there.
"""

from tilewright._errors import (
    BundleError,
    Cancelled,
    CompileError,
    FileError,
    InvalidArgument,
    LaunchError,
    NotFound,
    OutOfMemory,
    OutOfPages,
    TilewrightError,
    Unavailable,
    Unsupported,
    WeightsError,
)
from tilewright._library import library_path, version
from tilewright._model import Bundle, Generation, Model, load

__all__ = [
    "Bundle",
    "BundleError",
    "Cancelled",
    "CompileError",
    "FileError",
    "Generation",
    "InvalidArgument",
    "LaunchError",
    "Model",
    "NotFound",
    "OutOfMemory",
    "OutOfPages",
    "TilewrightError",
    "Unavailable",
    "Unsupported",
    "WeightsError",
    "library_path",
    "load",
    "version",
]
