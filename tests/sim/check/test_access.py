"""The kinds `memory` and `initialization`, on kernels with planted faults and their correct twins."""

import pytest
import recipes

FILES = sorted(path for kind in ("memory", "initialization") for path in (recipes.HERE / kind).glob("*.ptx"))
KERNELS = [kernel for path in FILES for kernel in recipes.kernels_of(path)]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    return recipes.run(KERNELS, tmp_path_factory.mktemp("run"), "memory,initialization,wgmma")


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_kernel(kernel, outcome):
    results, findings, text = outcome
    found = findings.get(kernel.name, [])
    expected = kernel.expected()
    assert kernel.broken == bool(expected)
    assert {(each["ptx_line"], each["kind"], each["severity"]) for each in found} == set(expected), found
    for each in found:
        words = expected[each["ptx_line"], each["kind"], each["severity"]]
        assert words in f"{each['message']}; {each['object']}"
        assert each["block"] is not None and each["thread"] is not None and each["count"] >= 1
        line = kernel.ptx.splitlines()[each["ptx_line"] - 1]
        assert f":{each['ptx_line']}:" in text and line in text
    if not kernel.broken:
        assert results[kernel.name] == 0
