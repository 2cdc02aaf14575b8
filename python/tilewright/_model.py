"""Bundles, models, generation."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tilewright import _library as c
from tilewright._errors import Cancelled, InvalidArgument
from tilewright._library import Handle, library

if TYPE_CHECKING:
    import numpy

_FINISH_REASONS = ("length", "eos", "context")
Path = str | os.PathLike


class Bundle:
    """A bundle file, opened and checked. Needs no device.

    Attributes: `manifest` (the manifest as Python objects), `family`, `target`,
    `sku`, `vocab_size`, `max_context`, `max_tokens`, `max_seqs`, `max_rows`,
    `page_size`, `page_bytes`, `weight_bytes`, `num_kernels`, `batch_invariant`,
    `eos_tokens`.
    """

    def __init__(self, path: Path) -> None:
        self._handle = Handle("bundle_open", os.fsencode(path))
        info = c.BundleInfo()
        library.call("bundle_query", self._handle.pointer, ctypes.byref(info))
        self.family: str = info.family.decode()
        self.target: str = info.target.decode()
        self.sku: str = info.sku.decode()
        self.vocab_size: int = info.vocab_size
        self.max_context: int = info.max_context
        self.max_tokens: int = info.max_tokens
        self.max_seqs: int = info.max_seqs
        self.max_rows: int = info.max_rows
        self.page_size: int = info.page_size
        self.page_bytes: int = info.page_bytes
        self.weight_bytes: int = info.weight_bytes
        self.num_kernels: int = info.num_kernels
        self.batch_invariant: bool = bool(info.batch_invariant)
        self.eos_tokens: list[int] = info.eos_tokens[: info.num_eos_tokens]

    @property
    def manifest(self) -> dict:
        text, size = ctypes.c_void_p(), ctypes.c_size_t()
        library.call(
            "bundle_manifest", self._handle.pointer, ctypes.byref(text), ctypes.byref(size)
        )
        return json.loads(ctypes.string_at(text.value, size.value))


@dataclass
class Generation:
    """What `Model.generate` did, in more detail than its tokens."""

    tokens: list[list[int]]  #: new tokens, per prompt
    finish_reasons: list[str]  #: "length", "eos" or "context", per prompt
    prefill_seconds: float  #: in steps that held a part of a prompt
    decode_seconds: float  #: in all other steps
    prefill_tokens: int  #: tokens that went into the former
    decode_tokens: int  #: tokens that came out of the latter
    prefill_steps: int = field(default=0)
    decode_steps: int = field(default=0)


def _tokens_of(prompt: Iterable[int]) -> ctypes.Array:
    try:
        values = [int(token) for token in prompt]
    except (TypeError, ValueError):
        raise InvalidArgument(
            "a prompt must be a list of token ids", "INVALID_ARGUMENT"
        ) from None
    if any(not -(2**31) <= value < 2**31 for value in values):
        # ctypes would wrap it around silently.
        raise InvalidArgument("a token id does not fit 32 bits", "INVALID_ARGUMENT")
    return (ctypes.c_int32 * len(values))(*values)


def _prompts_of(
    prompts: Sequence[Iterable[int]], max_new_tokens: int, sampling: Iterator[c.Sampling]
) -> tuple[ctypes.Array, list[ctypes.Array]]:
    """The C structs, and the arrays that they point to."""
    arrays = [_tokens_of(prompt) for prompt in prompts]
    structs = (c.Prompt * len(arrays))()
    for struct, array in zip(structs, arrays):
        struct.tokens = ctypes.cast(array, ctypes.POINTER(ctypes.c_int32))
        struct.num_tokens = len(array)
        struct.max_new_tokens = max_new_tokens
        struct.sampling = next(sampling)
    return structs, arrays


class _Callback:
    """A user's function as a C callback that stops at an exception.

    An exception cannot cross the C code: it is kept, and raised again at the end
    of the `with` in which the call is.
    """

    def __init__(self, kind: type, function: Callable[..., object] | None) -> None:
        self._raised: BaseException | None = None

        def call(_user, *arguments):
            try:
                function(*arguments)
                return 0
            except BaseException as problem:  # noqa: BLE001
                self._raised = problem
                return 1

        self.pointer = kind(call)

    def __enter__(self) -> _Callback:
        return self

    def __exit__(self, kind, *_exception) -> None:
        if self._raised is not None and kind is not None and issubclass(kind, Cancelled):
            raise self._raised from None


class Model:
    """A bundle with its weights on a device, and a KV cache. Made by `load`.

    May be used as a context manager; `close` frees the device's memory.
    """

    def __init__(
        self,
        path: Path,
        weights: Path,
        device: str,
        *,
        num_pages: int = 0,
        progress: Callable[[int, int], object] | None = None,
        threads: int = 0,
    ) -> None:
        self.bundle = Bundle(path)
        self._device = Handle("device_create", device.encode())
        self._model = self._load(weights, progress, threads)
        options = c.SessionOptions(num_pages=num_pages)
        self._session = Handle("session_create", self._model.pointer, ctypes.byref(options))

    def _load(
        self, weights: Path, progress: Callable[[int, int], object] | None, threads: int
    ) -> Handle:
        report = _Callback(c.ProgressCallback, progress)
        options = c.ModelOptions(num_threads=threads)
        if progress is not None:
            options.progress = report.pointer
        with report:
            return Handle(
                "model_load",
                self._device.pointer,
                self.bundle._handle.pointer,
                os.fsencode(weights),
                ctypes.byref(options),
            )

    def generate(
        self,
        prompts: Sequence[Iterable[int]],
        max_new_tokens: int = 16,
        *,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        ignore_eos: bool = False,
        on_token: Callable[[int, int], object] | None = None,
    ) -> list[list[int]]:
        """Continues each prompt by up to `max_new_tokens` tokens.

        A temperature of 0 is greedy; `top_k` 0 and `top_p` 1 are off. Equal
        seeds give equal tokens; each prompt of a batch has a sequence of random
        numbers of its own. `on_token(prompt, token)` sees each new token as it
        comes. A prompt ends at the model's end-of-sequence token, which is the
        last one given, unless `ignore_eos`.

        Returns the new tokens of each prompt.
        """
        return self.generate_detailed(
            prompts,
            max_new_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            ignore_eos=ignore_eos,
            on_token=on_token,
        ).tokens

    def generate_detailed(
        self,
        prompts: Sequence[Iterable[int]],
        max_new_tokens: int = 16,
        *,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        ignore_eos: bool = False,
        on_token: Callable[[int, int], object] | None = None,
    ) -> Generation:
        """`generate`, with why each prompt ended, and times."""
        if max_new_tokens < 0:
            raise InvalidArgument("max_new_tokens must not be negative", "INVALID_ARGUMENT")
        sampling = (
            c.Sampling(temperature, top_p, top_k, 0, (seed + index) % 2**64)
            for index in range(len(prompts))
        )
        structs, _arrays = _prompts_of(prompts, max_new_tokens, sampling)
        report = _Callback(c.TokenCallback, on_token)
        options = c.GenerateOptions(ignore_eos=ignore_eos)
        if on_token is not None:
            options.on_token = report.pointer
        with report:
            handle = Handle(
                "generate", self._session.pointer, structs, len(prompts), ctypes.byref(options)
            )
        return _read_generation(handle, len(prompts))

    def logits(self, prompts: Sequence[Iterable[int]]) -> list[numpy.ndarray]:
        """The logits after each token of each prompt: one float32 array
        `[length, vocab_size]` per prompt."""
        import numpy

        greedy = (c.Sampling(0.0, 1.0, 0, 0, 0) for _ in prompts)
        structs, arrays = _prompts_of(prompts, 0, greedy)
        results = [
            numpy.empty((len(array), self.bundle.vocab_size), numpy.float32) for array in arrays
        ]
        pointers = (ctypes.POINTER(ctypes.c_float) * len(results))(
            *(result.ctypes.data_as(ctypes.POINTER(ctypes.c_float)) for result in results)
        )
        library.call("logits", self._session.pointer, structs, len(results), pointers)
        return results

    def session_info(self) -> dict[str, int]:
        """Pages of the KV cache, steps and launches so far."""
        info = c.SessionInfo()
        library.call("session_query", self._session.pointer, ctypes.byref(info))
        return {name: getattr(info, name) for name, _ in info._fields_[1:]}

    def close(self) -> None:
        """Frees what is on the device. The model cannot be used any more."""
        for handle in (self._session, self._model, self._device):
            handle.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()


def _read_generation(handle: Handle, count: int) -> Generation:
    info = c.GenerationInfo()
    library.call("generation_query", handle.pointer, ctypes.byref(info))
    tokens, reasons = [], []
    for index in range(count):
        data = ctypes.POINTER(ctypes.c_int32)()
        size, finish = ctypes.c_size_t(), ctypes.c_int()
        library.call(
            "generation_tokens",
            handle.pointer,
            index,
            ctypes.byref(data),
            ctypes.byref(size),
            ctypes.byref(finish),
        )
        tokens.append(data[: size.value] if size.value else [])
        reasons.append(_FINISH_REASONS[finish.value])
    values = {name: getattr(info, name) for name, _ in info._fields_[1:]}
    return Generation(tokens, reasons, **values)


def load(
    path: Path,
    weights: Path,
    device: str = "cuda:0",
    *,
    num_pages: int = 0,
    progress: Callable[[int, int], object] | None = None,
    threads: int = 0,
) -> Model:
    """Loads a bundle and the weights of its model onto a device.

    `weights` is the directory with the safetensors files (or one such file, or
    the index of shards). `device` is "cuda:N", "sim:SKU" for the simulator, or
    "lib:PATH" for a driver library. `num_pages` is the size of the KV cache in
    pages; 0 is enough for some sequences of full length.
    `progress(done, total)` is called with bytes of weights; an exception in it
    stops the load. `threads` transform the weights; 0 means all cores.
    """
    return Model(
        path, weights, device, num_pages=num_pages, progress=progress, threads=threads
    )
