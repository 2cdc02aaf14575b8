"""Steps of a session, put together by hand: what the Python package leaves to its generate()."""

import ctypes
from ctypes import POINTER, c_float, c_int, c_int32, c_int64, c_size_t, c_void_p

import numpy as np

from tilewright import _library as c

LAST, NONE, ALL = range(3)  # rows of logits that a step computes for a sequence


class StepInput(ctypes.Structure):
    _fields_ = [
        ("sequence", c_void_p),
        ("tokens", POINTER(c_int32)),
        ("num_tokens", c_size_t),
        ("pages", POINTER(c_int32)),
        ("num_pages", c_size_t),
        ("past_length", c_int64),
        ("rows", c_int),
        ("sampling", c.Sampling),
    ]


class Batch(c._Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("input_size", c_size_t),
        ("inputs", POINTER(StepInput)),
        ("num_inputs", c_size_t),
        ("next_tokens", POINTER(c_int32)),
        ("next_tokens_capacity", c_size_t),
        ("logits", POINTER(c_float)),
        ("logits_capacity", c_size_t),
    ]


class Stepper:
    """Sequences on a loaded model. They are freed on leaving a `with`."""

    def __init__(self, model):
        self._model = model
        self._handle = c.library.handle()
        self._handle.tilewright_session_step.argtypes = [c_void_p, POINTER(Batch), POINTER(c_size_t)]
        self._handle.tilewright_sequence_create.argtypes = [c_void_p, POINTER(c_void_p)]
        self._handle.tilewright_sequence_destroy.argtypes = [c_void_p]
        self._handle.tilewright_sequence_destroy.restype = None
        self._sequences = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sequence in self._sequences:
            self._handle.tilewright_sequence_destroy(sequence)

    def sequence(self):
        """A new, empty sequence."""
        made = c_void_p()
        c.library.call("sequence_create", self._model._session.pointer, ctypes.byref(made))
        self._sequences.append(made)
        return made

    def step(self, parts, rows=LAST):
        """One step over `(sequence, new tokens)` pairs. Returns the logits `[rows, vocab]` of each, and the next tokens."""
        arrays = [(c_int32 * len(tokens))(*tokens) for _, tokens in parts]
        inputs = (StepInput * len(parts))()
        for entry, (sequence, _), array in zip(inputs, parts, arrays):
            entry.sequence = sequence.value
            entry.tokens = ctypes.cast(array, POINTER(c_int32))
            entry.num_tokens = len(array)
            entry.rows = rows
            entry.sampling = c.Sampling(0.0, 1.0, 0, 0, 0)
        counts = [{LAST: 1, NONE: 0, ALL: len(array)}[rows] for array in arrays]
        logits = np.full((sum(counts), self._model.bundle.vocab_size), np.nan, np.float32)
        chosen = np.full(sum(counts), -1, np.int32)
        batch = Batch(
            input_size=ctypes.sizeof(StepInput), inputs=inputs, num_inputs=len(parts),
            next_tokens=chosen.ctypes.data_as(POINTER(c_int32)), next_tokens_capacity=len(chosen),
            logits=logits.ctypes.data_as(POINTER(c_float)), logits_capacity=len(logits))
        c.library.call("session_step", self._model._session.pointer, ctypes.byref(batch), None)
        ends = np.cumsum(counts)[:-1]
        return np.split(logits, ends), np.split(chosen, ends)
