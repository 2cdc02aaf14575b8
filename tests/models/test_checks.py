"""Every kernel of every family's bundle under all checks of the simulator: steps of every plan, with one sequence and with
many. What the kernels compute is held in the other files; here no check may find anything, not even what is only formal.
"""

import json
import zipfile

import make_tiny
import numpy as np
import pytest
from conftest import Compiled
from families import random_tokens
from stepper import NONE, Stepper

import tilewright

# Contexts for which few sequences have their keys split.
OPTIONS = ("--max-context", "1024", "--max-tokens", "256")
LONG = 300


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """What was found up to now; the checks run from the first launch on."""
    if Compiled.simulated is not None:
        pytest.skip("the checks start with the simulator, and this process has started it: run this file in a process of its own")
    report = tmp_path_factory.mktemp("checks") / "findings.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILEWRIGHT_SIM_CHECK", "all")
        patch.setenv("TILEWRIGHT_SIM_CHECK_JSON", str(report))
        # The file is there from the first launch on, also without findings.
        yield lambda: json.loads(report.read_text())["findings"]


def plans_of(manifest):
    """(entry point, fewest tokens, most tokens) of each plan."""
    for name, entry in manifest["entry_points"].items():
        fewest = 1 if name == "decode" else 2
        for plan in entry["plans"]:
            yield name, fewest, plan["max_tokens"]
            fewest = plan["max_tokens"] + 1


def cut(tokens, parts, random):
    """That many tokens in parts of different lengths, none of them empty."""
    ends = np.sort(random.choice(np.arange(1, tokens), parts - 1, replace=False))
    return np.diff([0, *ends, tokens]).tolist()


class Steps:
    """Steps of a model over random tokens."""

    def __init__(self, model, stepper, name):
        self.stepper, self.random = stepper, np.random.default_rng(len(name))
        self.tokens = random_tokens(name, [4096])[0]
        self.handles = [stepper.sequence() for _ in range(model.bundle.manifest["symbols"]["seqs"]["max"])]

    def run(self, counts, first=0, **options):
        """New tokens of each sequence, from the `first` on."""
        parts = [(self.handles[first + i], self.tokens[i : i + count]) for i, count in enumerate(counts)]
        self.stepper.step(parts, **options)

    def prefill(self, fewest, most):
        # A tile with one token, alone; full ones, ragged, in as many sequences as the plan's logits take.
        alone = self.stepper.sequence()
        self.stepper.step([(alone, self.tokens[:fewest])])
        self.run(cut(most, min(most // 2, len(self.handles) // 2), self.random), first=1)

    def decode(self, fewest, most):
        for count in {fewest, most}:
            self.run([1] * count)


@pytest.mark.parametrize("name", make_tiny.VARIANTS)
def test_no_finding(name, compiled, tiny_models, findings):
    model = compiled(tiny_models / name, "h800-sxm", *OPTIONS).model
    manifest = model.bundle.manifest
    plans = list(plans_of(manifest))
    with Stepper(model) as stepper:
        steps = Steps(model, stepper, name)
        # Keys for the steps that decode: of one long sequence, beyond each window.
        most = manifest["symbols"]["tokens"]["max"]
        for begin in range(0, LONG, most):
            steps.run([min(most, LONG - begin)], rows=NONE)
        for entry, fewest, most in plans:
            getattr(steps, entry)(fewest, most)
    # A draw needs more than the best token.
    model.generate([steps.tokens[:9], steps.tokens[:2]], max_new_tokens=3, temperature=0.8, top_k=20, top_p=0.9, ignore_eos=True)
    assert findings() == []
    launched = {launch["kernel"] for entry in manifest["entry_points"].values() for plan in entry["plans"]
                for launch in plan["launches"] if "kernel" in launch}
    assert launched == {kernel["name"] for kernel in manifest["kernels"]}


def test_fault_is_found(compiled, tiny_models, findings, tmp_path):
    """A bundle whose kernels lack a fence."""
    directory = tiny_models / "llama-tied"
    before = findings()
    broken = tmp_path / "broken.twb"
    with (zipfile.ZipFile(compiled(directory, "h800-sxm", *OPTIONS).bundle) as source,
          zipfile.ZipFile(broken, "w", zipfile.ZIP_STORED) as target):
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"fence.proxy.async", b"// fence.proxy.async"))
    with tilewright.load(broken, weights=directory, device="sim:h800-sxm") as model:
        model.generate(random_tokens("llama-tied", [200]), max_new_tokens=1, ignore_eos=True)
    found = [each for each in findings() if each not in before]
    assert found and {each["kind"] for each in found} == {"proxy"}
