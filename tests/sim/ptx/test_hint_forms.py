"""Every variant of what only hints: prefetches, priorities, discard and cache policies. Memory stays as it is, but for what discard
gives up, the instructions around run, and a policy can be used (ISA 9.7.9.15 to 9.7.9.18 and 9.7.9.25.4.6)."""

import re

import forms
import harness
import numpy as np

VARIANTS = forms.swept_by("test_hint_forms.py")
LINE = 128
WORDS = 3 * LINE // 8
BEFORE = np.random.default_rng(16).integers(0, 2**64, WORDS, dtype=np.uint64)
# Words of the line in the middle, which is where the hints point.
MIDDLE = slice(LINE // 8, 2 * LINE // 8)
LOCAL = 0x1234567890
KINDS = ("prefetch", "prefetchu", "applypriority", "discard", "createpolicy", "cp")


def code(variant, number):
    """The variant, a load through the policy, the local word, the number of the variant, and all of global memory."""
    text = variant.replace("[%rg", "[%map" if ".tensormap" in variant else "[%middle").replace("[ptr]", "[pm]")
    registers = "mov.b32 %r0, 128; mov.b32 %r1, 256;"
    if variant.startswith("cp"):
        registers = "mov.b32 %r0, 128;"
    elif "fractional" in variant and "%r" in variant:
        registers = "mov.b32 %r0, 0f3F000000;"
    policy = "ld.global.L2::cache_hint.u64 %w, [%mem], %d0;" if variant.startswith("createpolicy") else "ld.global.u64 %w, [%mem];"
    dump = " ".join(f"ld.global.u64 %w, [%mem + {8 * i}]; st.global.u64 [%out + {8 * i + 24}], %w;" for i in range(WORDS))
    restore = " ".join(f"ld.global.u64 %w, [%from + {8 * i}]; st.global.u64 [%mem + {8 * i}], %w;" for i in range(WORDS)) if "discard" in variant else ""
    return (f"    {registers} mov.u64 %w, {number}; st.global.u64 [%out], %w; {text}; {policy} st.global.u64 [%out + 8], %w;\n"
            f"    ld.local.u64 %w, [lmem]; st.global.u64 [%out + 16], %w; {dump} {restore} add.u64 %out, %out, {8 * WORDS + 24};\n")


def test_hints(tmp_path):
    assert {forms.name_of(v).split(".")[0] for v in VARIANTS} == set(KINDS) and len(VARIANTS) > 60
    path = tmp_path / "hints.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.const .align 128 .b8 cmem[128];
.visible .entry test(.param .u64 ptensor, .param .u64 pmem, .param .u64 pfrom, .param .align 64 .b8 pm[128], .param .u64 pout)
{{
    .reg .b32 %r<4>; .reg .b64 %d<4>, %mem, %from, %middle, %map, %out, %w; .local .align 128 .b8 lmem[256];
    ld.param.u64 %mem, [pmem]; ld.param.u64 %from, [pfrom]; ld.param.u64 %out, [pout]; add.u64 %middle, %mem, {LINE};
    mov.b64 %map, pm; cvta.param.u64 %map, %map; mov.u64 %w, {LOCAL}; st.local.u64 [lmem], %w; createpolicy.fractional.L2::evict_first.b64 %d1;
{"".join(code(v, i) for i, v in enumerate(VARIANTS))}    ret;
}}
""")
    test = harness.Test("//! block 1")
    tensor = np.zeros(32, np.float32)
    test.arguments = [("in", "tensor", tensor), ("in", "mem", BEFORE.copy()), ("in", "from", BEFORE.copy()),
                      ("map", "m", harness.tensor_map(tensor, [8])), ("out", "d", np.zeros((len(VARIANTS), WORDS + 3), np.uint64))]
    test.run(path)
    for number, (variant, got) in enumerate(zip(VARIANTS, test.names["d"])):
        assert got[:3].tolist() == [number, BEFORE[0], LOCAL], variant
        same = got[3:] == BEFORE
        if variant.startswith("discard"):
            same[MIDDLE] = True
        assert np.all(same), f"{variant}: words {np.flatnonzero(~same)} changed"
