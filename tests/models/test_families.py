"""The small random models of every family, compiled by the command line and run on the simulator, against Transformers."""

import make_tiny
import pytest
from accuracy import Truth, check_greedy
from families import OPTIONS, check_model, random_tokens


@pytest.mark.parametrize("name", make_tiny.VARIANTS)
def test_tiny_model(name, compiled, tiny_models):
    check_model(compiled, tiny_models / name)


@pytest.mark.parametrize("count", [20, 50])
def test_many_sequences(count, compiled, tiny_models):
    """Decode steps of more than one tile of tokens, which take other plans."""
    directory = tiny_models / "llama-tied"
    model = compiled(directory, "h800-sxm", *OPTIONS).model
    sequences = random_tokens(directory.name, [1 + 3 * i % 23 for i in range(count)])
    truth = Truth(directory)
    _, bound = truth.measure(sequences)
    answers = model.generate(sequences, max_new_tokens=4, ignore_eos=True)
    places = sum(
        check_greedy(f"sequence {i}", sequence, answer, truth, bound)
        for i, (sequence, answer) in enumerate(zip(sequences, answers, strict=True)))
    assert places <= 4 * count // 10
