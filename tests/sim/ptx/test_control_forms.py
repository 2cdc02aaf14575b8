"""Every variant of branches, calls, returns, the stack and the miscellaneous instructions: which way each lane goes, what functions
get and give back (ISA 9.7.12, 9.7.17 and 9.7.19)."""

import re

import forms
import harness
import numpy as np

VARIANTS = forms.swept_by("test_control_forms.py")
BLOCK = 128
LANES = np.arange(BLOCK)
TAKEN = LANES % 32 < 10  # where %p0 holds
# Every function stores into a cell of its thread, or computes.
FUNCTIONS = """.global .align 8 .b64 cells[128];
.func func(.param .b64 p)
{ .reg .b32 %t; .reg .b64 %v, %a; mov.u32 %t, %tid.x; mov.u64 %a, cells; mad.wide.u32 %a, %t, 8, %a; ld.param.b64 %v, [p]; st.global.b64 [%a], %v; ret; }
.func (.param .b32 q) func1(.param .b32 p) { .reg .b32 %v; ld.param.b32 %v, [p]; mul.lo.u32 %v, %v, 3; st.param.b32 [q], %v; ret; }
.func (.reg .b32 %q) func2(.reg .b32 %a, .reg .b32 %b) { mad.lo.u32 %q, %a, 10, %b; ret; }
.func nothing()
{ .reg .b32 %t; .reg .b64 %a; mov.u32 %t, %tid.x; mov.u64 %a, cells; mad.wide.u32 %a, %t, 8, %a; st.global.b64 [%a], 55; ret; }
"""
CELL = "ld.global.u32 %w, [%cell];"


class Case:
    """Code that leaves a word in %w, and the word for each thread."""

    def __init__(self, code, want, function=""):
        self.code, self.want, self.function = code, np.broadcast_to(np.asarray(want), (BLOCK,)), function


def branch(variant, n):
    taken = TAKEN if "@%p" in variant else ~TAKEN if "@!%p" in variant else LANES >= 0
    return Case(f"mov.u32 %w, 1; {variant.replace('label', f'L{n}')}; mov.u32 %w, 2; L{n}: add.u32 %w, %w, 10;", np.where(taken, 11, 12))


def indexed(variant, n):
    index, uniform = "%r0", ".uni" in variant
    prepare = f"mov.u32 {index}, 1;" if uniform else f"and.b32 {index}, %t, 1;"
    return Case(f"T{n}: .branchtargets A{n}, B{n}; {prepare} {variant.replace('targets', f'T{n}')}; A{n}: mov.u32 %w, 5; bra J{n};\n"
                f"    B{n}: mov.u32 %w, 6; J{n}:", 6 if uniform else 5 + LANES % 2)


def call(variant, n):
    if "func2" in variant:
        return Case(f"mov.u32 %r1, %t; mov.u32 %r2, 7; {variant}; mov.u32 %w, %r0;", LANES * 10 + 7)
    if "p1" in variant:
        table = f"P{n}: .callprototype (.param .b32 _) _ (.param .b32 _); F{n}: .calltargets func1;"
        text = variant.replace("proto", f"P{n}").replace("funcs", f"F{n}")
        return Case(f"{table} {{ .param .b32 p1; add.u32 %v, %t, {n}; st.param.b32 [p1], %v; mov.u64 %d0, func1; {text}; "
                    "ld.param.b32 %w, [p1]; }", (LANES + n) * 3)
    if "nothing" in variant:
        return Case(f"{variant}; {CELL}", 55)
    return Case(f"cvt.u64.u32 %d0, %t; add.u64 %d0, %d0, {n}; {variant}; {CELL}", 7 if "(7)" in variant else LANES + n)


def returns(variant, n):
    """Behind the return nothing is stored; lanes that do not come to it go on."""
    skip = "" if ".uni" in variant else "and.b32 %v, %t, 1; setp.eq.u32 %p, %v, 0; @%p bra ON; "
    function = (f".func ret{n}() {{ .reg .pred %p; .reg .b32 %t, %v; .reg .b64 %a; mov.u32 %t, %tid.x; mov.u64 %a, cells; "
                f"mad.wide.u32 %a, %t, 8, %a; st.global.b64 [%a], 1; {skip}{variant}; ON: st.global.b64 [%a], 2; ret; }}\n")
    return Case(f"call ret{n}; {CELL}", 1 if ".uni" in variant else np.where(LANES % 2, 1, 2), function)


def stack(variant, n):
    """Two pieces that do not overlap hold what is written; restoring frees them."""
    kind = forms.name_of(variant).split(".")[1]
    bits, r = (64, "%s") if kind == "u64" else (32, "%u")
    wide = lambda register, to: f"cvt.u64.u32 {to}, {register};" if bits == 32 else f"mov.b64 {to}, {register};"
    # Registers of the width: before, after, two pieces, the size.
    before, after, one, two, size = (f"{r}{i}" for i in range(5))
    use = lambda opcode, *registers: (re.sub(r"%[rd](\d)", lambda m: registers[int(m.group(1))], variant)
                                      if variant.startswith(opcode) else None)
    save = use("stacksave", before) or f"stacksave.{kind} {before}"
    restore = use("stackrestore", before) or f"stackrestore.{kind} {before}"
    allocate = use("alloca", one, size) or f"alloca.{kind} {one}, 64"
    aligned = 16 if ", 16" in variant else 4
    return Case(f"""{save}; mov.b{bits} {size}, 64; {allocate}; alloca.{kind} {two}, 64; {wide(one, "%d0")} {wide(two, "%d1")}
    mov.u32 %v, %t; st.local.u32 [%d0], %v; st.local.u32 [%d0 + 60], %v; st.local.u32 [%d1], 5; st.local.u32 [%d1 + 60], 5;
    ld.local.u32 %w, [%d0]; ld.local.u32 %v, [%d0 + 60]; add.u32 %w, %w, %v; and.b64 %d2, %d0, {aligned - 1}; cvt.u32.u64 %v, %d2;
    mad.lo.u32 %w, %v, 1000, %w; {restore}; stacksave.{kind} {after}; setp.ne.b{bits} %p1, {before}, {after}; @%p1 mov.u32 %w, 9999;""", 2 * LANES)


def effectless(variant, n):
    return Case(f"mov.u32 %r0, 50; mov.u32 %w, {n}; {variant}; add.u32 %w, %w, %t;", LANES + n)


CASES = {"bra": branch, "brx": indexed, "call": call, "ret": returns, "stacksave": stack, "stackrestore": stack, "alloca": stack,
         "brkpt": effectless, "nanosleep": effectless, "pmevent": effectless, "setmaxnreg": effectless}
ENDS = ("exit", "trap")


def opcode(variant):
    return forms.name_of(variant).split(".")[0]


def kernel(body, functions=""):
    return f""".version 8.6
.target sm_90a
.address_size 64
{FUNCTIONS}{functions}
.visible .entry test(.param .u64 pout) .maxntid {BLOCK}
{{
    .reg .pred %p<4>; .reg .b32 %r<8>, %u<8>, %t, %v, %w; .reg .b64 %d<8>, %s<8>, %out, %cell;
    mov.u32 %t, %tid.x; ld.param.u64 %out, [pout]; mad.wide.u32 %out, %t, 4, %out; mov.u64 %cell, cells; mad.wide.u32 %cell, %t, 8, %cell;
    and.b32 %v, %t, 31; setp.lt.u32 %p0, %v, 10;
{body}    ret;
}}
"""


def run(text, rows, tmp_path, options=""):
    path = tmp_path / "control.ptx"
    path.write_text(text)
    test = harness.Test(f"//! kernel test\n//! block {BLOCK}\n{options}")
    test.arguments = [("out", "d", np.zeros((rows, BLOCK), np.uint32))]
    test.run(path)
    return test.names.get("d")


def test_control(tmp_path):
    variants = [v for v in VARIANTS if opcode(v) not in ENDS]
    assert {opcode(v) for v in variants} == set(CASES)
    cases = [CASES[opcode(v)](v, n) for n, v in enumerate(variants)]
    body = "".join(f"    {case.code} st.global.u32 [%out], %w; add.u64 %out, %out, {4 * BLOCK}; bar.sync 0; st.global.b64 [%cell], 0;\n"
                   for case in cases)
    got = run(kernel(body, "".join(case.function for case in cases)), len(cases), tmp_path)
    for variant, case, row in zip(variants, cases, got):
        wrong = np.flatnonzero(row != case.want)
        assert not len(wrong), f"{variant}: thread {wrong[0]}: got {row[wrong[0]]}, want {case.want[wrong[0]]}"


def test_exit(tmp_path):
    """Threads that end do not come to the next instruction, and a barrier does not wait for them."""
    variants = [v for v in VARIANTS if opcode(v) == "exit"]
    assert len(variants) == 1
    body = (f"    st.global.u32 [%out], 1; @!%p0 bra STAY; {variants[0]}; st.global.u32 [%out], 3;\nSTAY: bar.sync 0; st.global.u32 [%out], 2;\n")
    assert np.array_equal(run(kernel(body), 1, tmp_path)[0], np.where(TAKEN, 1, 2))


def test_trap(tmp_path):
    variants = [v for v in VARIANTS if opcode(v) == "trap"]
    assert len(variants) == 1
    run(kernel(f"    {variants[0]};\n"), 1, tmp_path, "//! fails trap")
