"""Whether a sequence's results depend on what else is in a step: never with --batch-invariant, whatever plan the step takes."""

import numpy as np
import pytest
from accuracy import Truth, check_logits
from families import OPTIONS, random_tokens
from stepper import Stepper

# Heads of two sizes, Q/K norms, biases, and a window that is exceeded.
MODELS = ["llama-tied", "qwen2", "qwen3", "mistral-window"]
# Tokens that each sequence takes in each step. Alone, with a few, and with many, in steps that only decode and in steps that
# also take prompts: every plan of the bundle, and tiles at every offset.
STEPS = [
    [70, 1, 7, 0, 0] + [0] * 40,
    [1, 1, 1, 0, 0] + [0] * 40,
    [1, 1, 1, 65, 1] + [2] * 40,
    [1, 1, 1, 1, 1] + [1] * 40,
    [1, 30, 1, 1, 1] + [0] * 40,
    [3, 1, 60, 1, 1] + [1] * 10 + [0] * 30,
]


def run_steps(stepper, sequences, steps):
    """All logits of each sequence, `[tokens, vocab]`."""
    handles = [stepper.sequence() for _ in sequences]
    rows = [[] for _ in sequences]
    fed = [0 for _ in sequences]
    for step in steps:
        parts = [i for i, count in enumerate(step) if count]
        if not parts:
            continue
        logits, _ = stepper.step([(handles[i], sequences[i][fed[i] : fed[i] + step[i]]) for i in parts])
        for i, row in zip(parts, logits):
            rows[i].append(row[-1])
            fed[i] += step[i]
    return [np.array(row) for row in rows]


def run_alone(model, sequence, counts):
    with Stepper(model) as stepper:
        return run_steps(stepper, [sequence], [[count] for count in counts])[0]


def make_sequences(directory):
    totals = np.sum(STEPS, axis=0)
    return random_tokens(directory.name, totals)


@pytest.mark.parametrize("name", MODELS)
def test_promised(name, compiled, tiny_models):
    directory = tiny_models / name
    model = compiled(directory, "h800-sxm", *OPTIONS, "--batch-invariant").model
    assert model.bundle.batch_invariant
    sequences = make_sequences(directory)
    columns = list(zip(*STEPS))
    with Stepper(model) as stepper:
        together = run_steps(stepper, sequences, STEPS)
    for i in [*range(6), 14, len(sequences) - 1]:
        np.testing.assert_array_equal(run_alone(model, sequences[i], columns[i]), together[i], err_msg=f"sequence {i}")
    # However its tokens are divided into steps, too: a prompt at once, and token by token.
    total = sum(columns[1])
    for counts in ([total], [1] * total):
        np.testing.assert_array_equal(run_alone(model, sequences[1], counts)[-1], together[1][-1])


@pytest.mark.parametrize("name", ["llama-tied"])
def test_promised_is_as_accurate(name, compiled, tiny_models):
    """Other configs, the same model."""
    directory = tiny_models / name
    model = compiled(directory, "h800-sxm", *OPTIONS, "--batch-invariant").model
    sequences = random_tokens(name, [150, 65, 7, 1])
    exact, bound = Truth(directory).measure(sequences)
    check_logits(name, model.logits(sequences), exact, bound)


def test_not_promised(compiled, tiny_models):
    """What is faster alone may be another config, and the manifest says so; results stay within the bound."""
    directory = tiny_models / "llama-tied"
    model = compiled(directory, "h800-sxm", *OPTIONS).model
    assert not model.bundle.batch_invariant
    sequences = make_sequences(directory)
    exact, bound = Truth(directory).measure(sequences[:4])
    with Stepper(model) as stepper:
        together = run_steps(stepper, sequences, STEPS)
    alone = [run_alone(model, sequences[i], [step[i] for step in STEPS]) for i in range(4)]
    for what, logits in (("together", together[:4]), ("alone", alone)):
        ends = [np.cumsum([step[i] for step in STEPS if step[i]]) - 1 for i in range(4)]
        check_logits(what, logits, [rows[end] for rows, end in zip(exact, ends)], bound)
