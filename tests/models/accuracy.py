"""What a compiled model is held to: Transformers in float32 on the same weights, within what bf16 costs.

The truth is Transformers in float32 on the checkpoint's weights rounded to bf16, which is what a bundle computes with. A
bf16 run of Transformers on those weights shows what the number format costs, and that is the measure: our error may be
RMS_FACTOR of its root mean square, and MAX_FACTOR of its largest.

The factors: both runs round to bf16 about as often but not in the same places, so that their errors are two draws of the
same size. Root mean squares over tens of thousands of logits of such draws lie close together, and a fused kernel
rounds less often, so 1.25 leaves room for chance only. The largest of many draws scatters more: 1.5. A wrong or missing
operation is off by the size of the logits themselves, ten and more times beyond either.
"""

import numpy as np
import torch
import transformers

RMS_FACTOR = 1.25
MAX_FACTOR = 1.5


class Truth:
    """Transformers on one model directory, in float32 and in bf16."""

    def __init__(self, model):
        self._networks = {dtype: self._load(model, dtype) for dtype in (torch.float32, torch.bfloat16)}

    @staticmethod
    def _load(model, dtype):
        # Rounded to bf16 first in either case: that is what a bundle's weights are.
        network = transformers.AutoModelForCausalLM.from_pretrained(
            model, dtype=torch.bfloat16, attn_implementation="eager").eval()
        # Even to the type it has, a conversion would round the rope frequencies, which are f32.
        return network if dtype == torch.bfloat16 else network.to(dtype)

    def logits(self, tokens, dtype=torch.float32):
        """`[length, vocab]` for one sequence."""
        with torch.no_grad():
            return self._networks[dtype](torch.tensor([tokens])).logits[0].float().numpy()

    def measure(self, sequences):
        """The exact logits of each sequence, and what bf16 costs on them."""
        exact = [self.logits(tokens) for tokens in sequences]
        rounded = [self.logits(tokens, torch.bfloat16) for tokens in sequences]
        return exact, Bound(exact, rounded)


class Bound:
    """How far logits may be off: from the errors of a bf16 run.

    Attributes: `rms` and `max` of the errors, and `gap`, how far the distance between the two best logits may move.
    """

    def __init__(self, exact, rounded):
        errors = [b - a for a, b in zip(exact, rounded, strict=True)]
        self.rms = RMS_FACTOR * root_mean_square(errors)
        self.max = MAX_FACTOR * max(float(np.abs(error).max()) for error in errors)
        self.gap = MAX_FACTOR * max(self._gap_error(*pair) for pair in zip(exact, errors))

    @staticmethod
    def _gap_error(exact, errors):
        two_best = np.take_along_axis(errors, np.argsort(exact, axis=1)[:, -2:], axis=1)
        return float(np.abs(two_best[:, 1] - two_best[:, 0]).max())

    def __str__(self):
        return f"rms {self.rms:.5f}, largest {self.max:.5f}, gap {self.gap:.5f}"


def root_mean_square(arrays):
    return float(np.sqrt(np.mean(np.square(np.concatenate([a.ravel() for a in arrays]), dtype=np.float64))))


def check_logits(what, ours, exact, bound):
    """Every logit within bound.max, all of them together within bound.rms; names the first that is not."""
    errors = [a - b for a, b in zip(ours, exact, strict=True)]
    largest = max(float(np.abs(error).max()) for error in errors)
    print(f"{what}: rms of logits {root_mean_square(exact):.3f}; bound: {bound}; "
          f"ours: rms {root_mean_square(errors):.5f}, largest {largest:.5f}")
    # The measure must be sharp enough to see a mistake.
    assert bound.rms < 0.1 * root_mean_square(exact)
    for sequence, error in enumerate(errors):
        wrong = np.argwhere(~(np.abs(error) <= bound.max))  # NaN is wrong too
        if len(wrong):
            position, token = wrong[0]
            raise AssertionError(
                f"{what}: sequence {sequence}, position {position}, token {token}: "
                f"{ours[sequence][position, token]} instead of {exact[sequence][position, token]}, "
                f"bound {bound.max}; {len(wrong)} more such")
    assert root_mean_square(errors) <= bound.rms


def check_greedy(what, prompt, new, truth, bound):
    """Each new token is the best of the exact logits behind the prompt and the tokens before it.

    Where another token's exact logit lies within bound.gap of the best, rounding may decide, and that one is accepted:
    the next is then judged behind it. With no such place the tokens are those that float32 generates. Returns the number
    of places where rounding decided.
    """
    exact = truth.logits([*prompt, *new])[len(prompt) - 1 : -1]
    decided = 0
    for place, (token, row) in enumerate(zip(new, exact, strict=True)):
        best = int(row.argmax())
        if token == best:
            continue
        gap = float(row[best] - row[token])
        assert gap <= bound.gap, f"{what}: new token {place} is {token} instead of {best}, whose logit is {gap} larger"
        print(f"{what}: new token {place} is {token}, the best is {best}, but only by {gap:.4f}")
        decided += 1
    return decided
