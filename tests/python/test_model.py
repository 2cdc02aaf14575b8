"""The Python package on the hand-made model."""

import subprocess
import sys

import numpy
import pytest
from conftest import DEVICE, VOCAB_SIZE, expected_tokens

import tilewright


def test_generate_batch(model):
    prompts = [[1, 2, 3], list(range(30)), [96], [5, 5], [7]]
    got = model.generate(prompts, max_new_tokens=6, ignore_eos=True)
    assert got == [expected_tokens(prompt, 6) for prompt in prompts]


def test_generate_takes_arrays(model):
    prompt = numpy.array([1, 2, 3], dtype=numpy.int64)
    assert model.generate([prompt], 2) == [expected_tokens([1, 2, 3], 2)]
    assert model.generate([], 2) == []


def test_details(model):
    details = model.generate_detailed([[1, 2, 3]], max_new_tokens=4, ignore_eos=True)
    assert details.finish_reasons == ["length"]
    assert details.prefill_tokens == 3 and details.prefill_steps == 1
    assert details.decode_tokens == 3 and details.decode_steps == 3
    assert details.prefill_seconds > 0 and details.decode_seconds > 0


def test_callback_sees_tokens_in_order(model):
    seen = []
    got = model.generate([[5, 6], [7]], 5, ignore_eos=True, on_token=lambda *each: seen.append(each))
    for index in range(2):
        assert [token for prompt, token in seen if prompt == index] == got[index]


def test_exception_in_the_callback_comes_out(model):
    def stop(_index, _token):
        raise KeyboardInterrupt

    before = model.session_info()["free_pages"]
    with pytest.raises(KeyboardInterrupt):
        model.generate([[5]], 5, on_token=stop)
    assert model.session_info()["free_pages"] == before


def test_logits(model):
    prompts = [list(range(1, 25)), [4]]
    got = model.logits(prompts)
    for prompt, logits in zip(prompts, got):
        assert logits.dtype == numpy.float32
        assert logits.shape == (len(prompt), VOCAB_SIZE)
        totals = numpy.cumsum([3 * token % 101 for token in prompt])
        for row, total in enumerate(totals):
            expected = numpy.full(VOCAB_SIZE, total, numpy.float32)
            expected[total % VOCAB_SIZE] += 1
            numpy.testing.assert_array_equal(logits[row], expected, err_msg=f"row {row}")


def test_bundle_alone(folder):
    bundle = tilewright.Bundle(folder / "test.twb")
    assert (bundle.family, bundle.target, bundle.sku) == ("sum", "sm_90a", "h800-sxm")
    assert bundle.vocab_size == VOCAB_SIZE
    assert bundle.eos_tokens == [42]
    assert bundle.batch_invariant is True
    assert [kernel["name"] for kernel in bundle.manifest["kernels"]] == [
        "append",
        "total",
        "tma_copy",
        "choose",
    ]


def test_progress(folder):
    seen = []
    with tilewright.load(
        folder / "test.twb", folder, DEVICE, progress=lambda *each: seen.append(each)
    ):
        pass
    assert seen[-1][0] == seen[-1][1] == 97 * 4 + 6 * 2

    def stop(_done, _total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        tilewright.load(folder / "test.twb", folder, DEVICE, progress=stop)


@pytest.mark.parametrize(
    "prompts, options, exception, message",
    [
        ([[97]], {}, tilewright.InvalidArgument, "token 0 is 97, must be from 0 to 96"),
        ([[2**40]], {}, tilewright.InvalidArgument, "a token id does not fit 32 bits"),
        ([["x"]], {}, tilewright.InvalidArgument, "must be a list of token ids"),
        ([[]], {}, tilewright.InvalidArgument, r"prompts\[0\]: has no tokens"),
        ([[1] * 65], {}, tilewright.InvalidArgument, "65 tokens exceed the context of 64"),
        ([[1]], {"temperature": -1.0}, ValueError, "temperature must be"),
        ([[1]], {"temperature": 1.0}, ValueError, "samples greedily only"),
        ([[1]], {"top_p": 0.0}, ValueError, "top_p must be above 0"),
        ([[1]], {"max_new_tokens": -1}, ValueError, "must not be negative"),
    ],
)
def test_refusals(model, prompts, options, exception, message):
    with pytest.raises(exception, match=message):
        model.generate(prompts, **options)


def test_failures_of_loading(folder, tmp_path):
    bundle = folder / "test.twb"
    with pytest.raises(FileNotFoundError, match="none.twb: cannot open"):
        tilewright.load(folder / "none.twb", folder, DEVICE)
    with pytest.raises(FileNotFoundError, match="holds neither model.safetensors"):
        tilewright.load(bundle, tmp_path, DEVICE)
    (tmp_path / "cut.twb").write_bytes(bundle.read_bytes()[:-30])
    with pytest.raises(tilewright.BundleError, match="not a zip archive, or truncated"):
        tilewright.load(tmp_path / "cut.twb", folder, DEVICE)
    (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(tilewright.WeightsError, match="truncated: header of 8 bytes") as caught:
        tilewright.load(bundle, tmp_path, DEVICE)
    assert caught.value.status == "INVALID_WEIGHTS"
    with pytest.raises(tilewright.Unavailable, match="no CUDA driver"):
        tilewright.load(bundle, folder, "lib:/nowhere/libcuda.so.1")
    with pytest.raises(tilewright.OutOfPages, match="needs 3 pages"):
        tilewright.load(bundle, folder, DEVICE, num_pages=2).generate([[1] * 8], 4)


def test_closed_model(folder):
    model = tilewright.load(folder / "test.twb", folder, DEVICE)
    model.close()
    model.close()
    with pytest.raises(tilewright.InvalidArgument, match="the session is closed"):
        model.generate([[1]])


def test_import_needs_no_library(tmp_path):
    code = (
        "import tilewright\n"
        "try: tilewright.version()\n"
        "except tilewright.TilewrightError as e: print(e.status)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"TILEWRIGHT_LIBRARY": str(tmp_path / "none.so"), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "UNAVAILABLE\n"
