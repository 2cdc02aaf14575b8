"""TILEWRIGHT_SIM_PERTURB: approximations use the whole bound that the ISA gives them, and no more."""

import harness
import numpy as np
import pytest

COUNT = 4096
RANDOM = np.random.default_rng(11)
UNIFORM = lambda low, high: RANDOM.uniform(low, high, COUNT).astype(np.float32)
LOGS = lambda low, high: np.exp2(RANDOM.uniform(low, high, COUNT)).astype(np.float32)


def ulp(values):
    """A unit in the last place of f32, subnormals included."""
    exponent = np.maximum(np.frexp(np.abs(values))[1] - 1, -126)
    return np.exp2(exponent - 23.0)


# Instruction, operands, exact value, bound of the absolute error (ISA 9.7.3.8 to 9.7.3.22).
CASES = [
    # 2 ulp from the correctly rounded result, so half a ulp more from the exact one is legal too.
    ("ex2.approx.f32", [UNIFORM(-126, 127)], np.exp2, lambda x, y: 2 * ulp(y)),
    ("ex2.approx.ftz.f32", [UNIFORM(-20, 20)], np.exp2, lambda x, y: 2 * ulp(y)),
    ("lg2.approx.f32", [UNIFORM(0.5, 2)], np.log2, lambda x, y: np.exp2(-22.0)),
    ("lg2.approx.f32", [LOGS(2, 120)], np.log2, lambda x, y: np.abs(y) * np.exp2(-22.0)),
    ("rcp.approx.f32", [LOGS(-120, 120)], lambda x: 1 / x, lambda x, y: ulp(y)),
    ("sqrt.approx.f32", [LOGS(-120, 120)], np.sqrt, lambda x, y: y * np.exp2(-23.0)),
    ("rsqrt.approx.f32", [LOGS(-120, 120)], lambda x: 1 / np.sqrt(x), lambda x, y: y * np.exp2(-22.9)),
    ("sin.approx.f32", [UNIFORM(-6.28, 6.28)], np.sin, lambda x, y: np.exp2(-20.5)),
    ("cos.approx.f32", [UNIFORM(7, 314)], np.cos, lambda x, y: np.exp2(-14.7)),
    ("tanh.approx.f32", [UNIFORM(-4, 4)], np.tanh, lambda x, y: np.abs(y) * np.exp2(-11.0)),
    ("div.approx.f32", [LOGS(-60, 60), LOGS(-60, 60)], np.divide, lambda x, y: 2 * ulp(y)),
    ("div.full.f32", [LOGS(-60, 60), LOGS(-60, 60)], np.divide, lambda x, y: 2 * ulp(y)),
]
HALVES = [
    ("tanh.approx.f16x2", np.float16, np.tanh, lambda y: np.exp2(-10.987)),
    ("ex2.approx.f16x2", np.float16, np.exp2, lambda y: y * np.exp2(-9.9)),
    ("tanh.approx.bf16x2", None, np.tanh, lambda y: np.exp2(-8.0)),
    ("ex2.approx.ftz.bf16x2", None, np.exp2, lambda y: y * np.exp2(-7.0)),
]


def run(instruction, operands, tmp_path, monkeypatch, seed):
    """The instruction on each element, its result in place of its first operand."""
    sources = ", ".join(f"%r{i + 2}" for i in range(len(operands)))
    loads = "".join(f"    ld.param.u64 %d0, [p{i}]; add.u64 %d0, %d0, %d9; ld.global.b32 %r{i + 2}, [%d0];\n"
                    for i in range(len(operands)))
    params = ", ".join(f".param .u64 p{i}" for i in range(len(operands) + 1))
    path = tmp_path / "perturb.ptx"
    path.write_text(f""".version 8.5
.target sm_90a
.address_size 64
.visible .entry test({params})
{{
    .reg .b32 %r<8>; .reg .b64 %d<10>;
    mov.u32 %r0, %ctaid.x; mov.u32 %r1, %tid.x; mad.lo.u32 %r0, %r0, 256, %r1; mul.wide.u32 %d9, %r0, 4;
{loads}    {instruction} %r2, {sources};
    ld.param.u64 %d0, [p{len(operands)}]; add.u64 %d0, %d0, %d9; st.global.b32 [%d0], %r2;
    ret;
}}
""")
    if seed is None:
        monkeypatch.delenv("TILEWRIGHT_SIM_PERTURB", raising=False)
    else:
        monkeypatch.setenv("TILEWRIGHT_SIM_PERTURB", str(seed))
    test = harness.Test(f"//! grid {COUNT // 256}\n//! block 256\n")
    test.arguments = [("in", f"x{i}", np.ascontiguousarray(x)) for i, x in enumerate(operands)]
    test.arguments.append(("out", "d", np.zeros(COUNT, np.uint32)))
    test.run(path)
    return test.names["d"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_uses_the_bound(case, tmp_path, monkeypatch):
    instruction, operands, function, bound = case
    wide = [x.astype(np.float64) for x in operands]
    exact = function(*wide)
    limit = bound(wide[0], exact)
    plain = run(instruction, operands, tmp_path, monkeypatch, None).view(np.float32)
    first, again, other = (run(instruction, operands, tmp_path, monkeypatch, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    # About half of the results go the other way with another seed.
    assert 0.3 < np.mean(first != other) < 0.7
    error = np.abs(first.view(np.float32) - exact)
    # The references are rounded to double themselves.
    assert np.all(error <= limit * (1 + 1e-9))
    # No f32 lies between a result and the bound; their spacing may change on the way.
    assert np.all(error + 2 * ulp(exact) >= limit)
    assert np.mean(error) > 0.45 * np.mean(limit)
    assert np.mean(np.abs(plain - exact)) < 0.6 * np.mean(error)
    ups = np.mean(first.view(np.float32) > exact)
    assert 0.4 < ups < 0.6


@pytest.mark.parametrize("case", HALVES, ids=lambda case: case[0])
def test_halves(case, tmp_path, monkeypatch):
    instruction, kind, function, bound = case
    values = RANDOM.uniform(-3, 3, (COUNT, 2))
    bits = harness.bf16(values) if kind is None else values.astype(kind).view(np.uint16)
    read = harness.from_bf16 if kind is None else lambda x: x.view(np.float16)
    exact = function(read(bits).astype(np.float64))
    got = run(instruction, [bits.view(np.uint32).ravel()], tmp_path, monkeypatch, 3).view(np.uint16).reshape(COUNT, 2)
    error, limit = np.abs(read(got).astype(np.float64) - exact), bound(exact)
    assert np.all(error <= limit * (1 + 1e-9))
    assert np.mean(error) > 0.5 * np.mean(limit)


def test_tables_stay(tmp_path, monkeypatch):
    """Zeros, infinities and NaN are in the ISA's tables, without an error."""
    special = np.resize(np.array([0.0, -0.0, np.inf, -np.inf, np.nan], np.float32), COUNT)
    for instruction in ("ex2.approx.f32", "lg2.approx.f32", "rcp.approx.f32", "sqrt.approx.f32", "tanh.approx.f32"):
        plain, perturbed = (run(instruction, [special], tmp_path, monkeypatch, seed) for seed in (None, 5))
        assert np.array_equal(plain, perturbed)


def test_exact_instructions_stay(tmp_path, monkeypatch):
    values = LOGS(-3, 3)
    for instruction in ("rcp.rn.f32", "sqrt.rn.f32", "neg.f32"):
        plain, perturbed = (run(instruction, [values], tmp_path, monkeypatch, seed) for seed in (None, 5))
        assert np.array_equal(plain, perturbed)
