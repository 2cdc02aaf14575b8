"""Broken twins of two kernels that nvcc compiled: every one of them is found, the kernels themselves are not reported."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
import mutate  # noqa: E402
import mutate_explain  # noqa: E402
import mutate_operators  # noqa: E402

BUILD = pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"])


@pytest.mark.parametrize("program, least", [("bulk", 16), ("pipeline", 13)])
def test_all_twins_found(program, least):
    runner = mutate.Runner(BUILD, timeout=60)
    (case,) = mutate.recorded(HERE / "exec" / "programs" / f"{program}.cu", BUILD, runner.folder.name)
    baseline, rows = mutate.examine(case, runner, limit=None)
    assert baseline.said == "same" and not baseline.findings
    missed = [row for row in rows if row["verdict"] not in ("found", "formal")]
    assert len(rows) >= least and not missed, missed


BARRIERS = """
.visible .entry k() .reqntid 128
{
    mov.u32 %r1, %tid.x;
    setp.eq.b32 %p1, %r1, 0;
    st.shared.u32 [%r2], %r3;
    bar.sync 0;
    bar.sync 0;
    ld.shared.u32 %r4, [%r5];
    bar.sync 0;
    ld.shared.u32 %r6, [%r7];
    ret;
}
"""


def test_proofs():
    """The second of two barriers orders nothing that the first does not; one between reads orders nothing."""
    graph = mutate_explain.Graph(BARRIERS)
    twins = mutate_operators.mutants(BARRIERS)
    assert [twin.line for twin in twins] == [7, 8, 10]
    reasons = [mutate_explain.reason(graph, twin) for twin in twins]
    assert reasons[:2] == ["no memory is touched between this barrier and the next, or the end",
                           "no memory is touched between the barrier before and this one"]
    assert reasons[2] == "accesses on both sides of it touch different spaces, or only read"
    alone = BARRIERS.replace("    bar.sync 0;\n    bar.sync 0;\n", "    bar.sync 0;\n")
    assert mutate_explain.reason(mutate_explain.Graph(alone), mutate_operators.mutants(alone)[0]) is None


def test_twins_keep_lines():
    for twin in mutate_operators.mutants(BARRIERS):
        assert twin.apply(BARRIERS).count("\n") == BARRIERS.count("\n")
