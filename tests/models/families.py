"""The comparison of a small random model with Transformers."""

import make_tiny
import numpy as np
from accuracy import Truth, check_greedy, check_logits

NEW_TOKENS = 12
OPTIONS = ("--max-context", "256", "--max-tokens", "256")
# Beyond each sliding window, one page and one tile of a prompt; and one token alone.
LENGTHS = [150, 65, 64, 7, 1]


def random_tokens(name, lengths):
    vocab_size = make_tiny.VARIANTS[name][2]["vocab_size"]
    random = np.random.default_rng(len(name))
    return [random.integers(3, vocab_size, length).tolist() for length in lengths]


def check_model(compiled, directory, sku="h800-sxm"):
    """Logits of several sequences in a batch, then tokens behind them in one."""
    model = compiled(directory, sku, *OPTIONS).model
    sequences = random_tokens(directory.name, LENGTHS)
    truth = Truth(directory)
    exact, bound = truth.measure(sequences)
    check_logits(directory.name, model.logits(sequences), exact, bound)
    answers = model.generate(sequences, max_new_tokens=NEW_TOKENS, ignore_eos=True)
    for sequence, answer in zip(sequences, answers, strict=True):
        assert len(answer) == NEW_TOKENS
        check_greedy(f"{directory.name}, {len(sequence)} tokens", sequence, answer, truth, bound)
