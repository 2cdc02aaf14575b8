"""Every variant of ldmatrix, stmatrix and movmatrix: matrices of 8 by 8 halves in rows at shuffled addresses (ISA 9.7.14.5.15 to
9.7.14.5.17)."""

import re

import forms
import harness
import numpy as np

VARIANTS = forms.swept_by("test_matrix_moves.py")
RANDOM = np.random.default_rng(5)
ROWS = 64
BEFORE = RANDOM.integers(0, 65536, (ROWS, 8)).astype(np.uint16)
# Two halves a register: registers 0 to 3 of each lane.
REGISTERS = RANDOM.integers(0, 65536, (4, 32, 2)).astype(np.uint16)
# The row that each lane names.
NAMED = np.stack([RANDOM.permutation(ROWS)[:32] for _ in VARIANTS])


def count_of(variant):
    return int(re.search(r"\.x(\d)", variant).group(1))


def fragment(matrix):
    """Lane 4 r + c holds elements 2 c and 2 c + 1 of row r."""
    return matrix.reshape(32, 2)


def expected(variant, named):
    """Registers that are loaded, as lanes of halves, and the rows of shared memory."""
    transposed = lambda m: m.T if "trans" in variant else m
    if variant.startswith("movmatrix"):
        return np.stack([fragment(np.ascontiguousarray(REGISTERS[1].reshape(8, 8).T))]), BEFORE
    # Lanes 8 i to 8 i + 7 name the rows of matrix i.
    matrices = [named[8 * i:8 * i + 8] for i in range(count_of(variant))]
    if variant.startswith("ldmatrix"):
        return np.stack([fragment(np.ascontiguousarray(transposed(BEFORE[rows]))) for rows in matrices]), BEFORE
    after = BEFORE.copy()
    for i, rows in enumerate(matrices):
        after[rows] = transposed(REGISTERS[i].reshape(8, 8))
    return np.zeros((0, 32, 2), np.uint16), after


def code(variant):
    stored = "" if variant.startswith("stmatrix") else " ".join(
        f"st.global.b32 [%out + {128 * i}], %r{i};" for i in range(4 if "matrix.sync.aligned.m8n8.x" in variant else 1))
    address = "%named" if ".shared" in variant else "%generic"
    dump = " ".join(f"ld.shared.b32 %v, [%mine + {128 * k}]; st.global.b32 [%out + {512 + 128 * k}], %v;" for k in range(ROWS * 16 // 128))
    restore = " ".join(f"ld.global.b32 %v, [%before + {128 * k}]; st.shared.b32 [%mine + {128 * k}], %v;" for k in range(ROWS * 16 // 128))
    loads = " ".join(f"ld.global.b32 %r{i}, [%regs + {128 * i}];" for i in range(4))
    return (f"    {restore} {loads} ld.global.u32 %v, [%rows]; mul.wide.u32 %named, %v, 16; add.u64 %named, %named, %base;\n"
            f"    cvta.shared.u64 %generic, %named; bar.warp.sync -1; {re.sub('%r[gs]', address, variant)}; bar.warp.sync -1;\n"
            f"    {stored} {dump} add.u64 %out, %out, {512 + ROWS * 16}; add.u64 %rows, %rows, 128;\n")


def test_matrix_moves(tmp_path):
    assert len(VARIANTS) == 37
    path = tmp_path / "matrix.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pbefore, .param .u64 pregs, .param .u64 prows, .param .u64 pout)
{{
    .reg .b32 %r<4>, %v; .reg .b64 %out, %before, %regs, %rows, %base, %mine, %named, %generic, %off; .shared .align 128 .b8 smem[{ROWS * 16}];
    mov.u32 %v, %laneid; mul.wide.u32 %off, %v, 4; mov.u64 %base, smem; add.u64 %mine, %base, %off;
    ld.param.u64 %before, [pbefore]; add.u64 %before, %before, %off; ld.param.u64 %regs, [pregs]; add.u64 %regs, %regs, %off;
    ld.param.u64 %rows, [prows]; add.u64 %rows, %rows, %off; ld.param.u64 %out, [pout]; add.u64 %out, %out, %off;
{"".join(code(v) for v in VARIANTS)}    ret;
}}
""")
    test = harness.Test("//! block 32")
    test.arguments = [("in", "before", BEFORE.copy()), ("in", "regs", REGISTERS.copy()), ("in", "rows", NAMED.astype(np.uint32)),
                      ("out", "d", np.zeros((len(VARIANTS), 512 + ROWS * 16), np.uint8))]
    test.run(path)
    for variant, named, got in zip(VARIANTS, NAMED, test.names["d"]):
        loaded, memory = expected(variant, named)
        registers = got[:512].view(np.uint16).reshape(4, 32, 2)
        assert np.array_equal(registers[:len(loaded)], loaded), f"{variant}: registers"
        # Registers that it does not name stay.
        if variant.startswith("ldmatrix"):
            assert np.array_equal(registers[len(loaded):], REGISTERS[len(loaded):]), f"{variant}: other registers"
        assert np.array_equal(got[512:].view(np.uint16).reshape(ROWS, 8), memory), f"{variant}: memory"
