"""SmolLM2-135M-Instruct, compiled by the command line and run on the simulator, against Transformers."""

import numpy as np
import pytest
import transformers
from accuracy import Truth, check_greedy, check_logits
from stepper import Stepper

NEW_TOKENS = 32
PROMPTS = [
    "What is the capital of France?",
    "Write a haiku about rain.",
    "Explain in one sentence why the sky is blue.",
    "List three prime numbers above 10.",
    "Translate to French: Good morning, my friend.",
    "Who wrote Romeo and Juliet?",
]
TEXT = """The tensor memory accelerator copies boxes of a tensor between global and shared memory. One thread issues the
copy and goes on; the hardware computes the addresses, clips what lies outside of the tensor, and counts the bytes that
arrive on a barrier in shared memory, on which the threads that use the data wait. A kernel that is built around it has a
few warps that do nothing but issue copies, and others that multiply. They meet in a ring of buffers: a producer waits
until a buffer is free, names the bytes it expects, and starts the copies; a consumer waits until a buffer is full,
multiplies, and says that it is free again. Each barrier has a phase, one bit, which flips whenever all have arrived, and
both sides keep count of it. The old ways of hiding the time that memory takes were many threads and a good scheduler.
Now a single warp keeps tens of kilobytes under way. In 1969, 240 people worked on it; by 1975 there were 3,100 of them,
most in the two towns north of the river, and "nobody", as the old director said, "knew what the others were doing".

def gcd(a, b):
    while b:
        a, b = b, a % b
    return a

La pluie tombait depuis trois jours, et la rivière montait. On avait fermé l'école; les enfants regardaient par la fenêtre.
"""


@pytest.fixture(scope="module")
def model(compiled, smollm2):
    return compiled(smollm2, "h800-sxm", "--max-context", "2048").model


@pytest.fixture(scope="module")
def tokenizer(smollm2):
    return transformers.AutoTokenizer.from_pretrained(smollm2)


@pytest.fixture(scope="module")
def truth(smollm2):
    return Truth(smollm2)


@pytest.fixture(scope="module")
def text(tokenizer):
    tokens = tokenizer(TEXT)["input_ids"]
    assert len(tokens) > 300
    return tokens


@pytest.fixture(scope="module")
def measured(truth, text):
    """The exact logits of the text, and the bound on any logits of this model."""
    (exact,), bound = truth.measure([text])
    return exact, bound


@pytest.fixture(scope="module")
def prompts(tokenizer):
    return [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, return_dict=True)["input_ids"]
        for prompt in PROMPTS
    ]


@pytest.fixture(scope="module")
def answers(model, prompts):
    """All prompts in one batch."""
    return model.generate(prompts, max_new_tokens=NEW_TOKENS, ignore_eos=True)


def test_logits_of_a_text(model, text, measured):
    exact, bound = measured
    check_logits("text", model.logits([text]), [exact], bound)


def test_whole_text_in_one_step(model, text, measured):
    """The largest tiles; logits() goes in steps of as many tokens as there may be rows."""
    exact, bound = measured
    with Stepper(model) as stepper:
        (logits,), _ = stepper.step([(stepper.sequence(), text)])
    check_logits("last of the text", [logits], [exact[-1:]], bound)


def test_greedy_tokens(answers, prompts, truth, measured):
    _, bound = measured
    places = 0
    for name, prompt, answer in zip(PROMPTS, prompts, answers):
        assert len(answer) == NEW_TOKENS
        places += check_greedy(name, prompt, answer, truth, bound)
    print(f"rounding decided {places} of {NEW_TOKENS * len(PROMPTS)} tokens")
    assert places <= NEW_TOKENS * len(PROMPTS) // 20, "rounding decides too often for the comparison to mean much"


def test_alone_as_in_a_batch(model, answers, prompts, truth, measured):
    alone = model.generate(prompts[1:2], max_new_tokens=NEW_TOKENS, ignore_eos=True)[0]
    if model.bundle.batch_invariant:
        assert alone == answers[1]
    check_greedy("alone", prompts[1], alone, truth, measured[1])


def test_mixed_steps(model, text, measured):
    """Sequences of different lengths at different points in one step: each as alone."""
    exact, bound = measured
    # Tokens that each sequence, always a beginning of the text, takes in each step.
    steps = [[40, 1, 130, 0], [1, 1, 1, 0], [1, 63, 1, 7], [30, 1, 1, 1]]
    totals = np.sum(steps, axis=0)
    with Stepper(model) as stepper:
        mixed = run_steps(stepper, text, steps)
        alone = [run_steps(stepper, text, [[count] for count in column])[0] for column in zip(*steps)]
    expected = [exact[ends] for ends in last_places(steps)]
    check_logits("mixed", mixed, expected, bound)
    check_logits("one by one", alone, expected, bound)
    assert [len(rows) for rows in mixed] == [4, 4, 4, 2] and max(totals) > 128
    if model.bundle.batch_invariant:
        for one, many in zip(alone, mixed):
            np.testing.assert_array_equal(one, many)


def test_batch_invariant(compiled, smollm2, text, measured):
    """With the option, bit by bit, across the plans of long prompts, of mixed steps and of decoding."""
    exact, bound = measured
    model = compiled(smollm2, "h800-sxm", "--max-context", "2048", "--batch-invariant").model
    assert model.bundle.batch_invariant
    steps = [[150, 1, 90], [1, 1, 1], [1, 40, 1]]
    with Stepper(model) as stepper:
        mixed = run_steps(stepper, text, steps)
        alone = [run_steps(stepper, text, [[count] for count in column])[0] for column in zip(*steps)]
    check_logits("mixed", mixed, [exact[ends] for ends in last_places(steps)], bound)
    for one, many in zip(alone, mixed):
        np.testing.assert_array_equal(one, many)


def last_places(steps):
    """Of each sequence: the places of the last token of each of its steps."""
    return [[total - 1 for total, count in zip(np.cumsum(column), column) if count] for column in zip(*steps)]


def run_steps(stepper, text, steps):
    """Logits of the last token of each sequence and step, `[steps, vocab]` per sequence."""
    sequences = [stepper.sequence() for _ in steps[0]]
    rows = [[] for _ in steps[0]]
    fed = [0 for _ in steps[0]]
    for step in steps:
        parts = [i for i, count in enumerate(step) if count]
        if not parts:
            continue
        logits, _ = stepper.step([(sequences[i], text[fed[i] : fed[i] + step[i]]) for i in parts])
        for i, row in zip(parts, logits):
            rows[i].append(row[0])
            fed[i] += step[i]
    return [np.array(row) for row in rows]
