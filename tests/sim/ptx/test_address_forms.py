"""Every variant of what makes and converts addresses: of variables by mov, between state spaces, and of other CTAs (ISA 9.7.9.3,
9.7.9.19, 9.7.9.20, 9.7.9.23 and 9.7.9.24)."""

import re

import forms
import harness
import numpy as np

from test_move_forms import store

VARIANTS = forms.swept_by("test_address_forms.py")
# Each variable's words, so that what an address reads tells where it is; shared memory's also tell the CTA.
VALUES = {"const": 0x1100, "global": 0x2200, "local": 0x3300, "shared": 0x4400, "param": 0x5500}
WORDS = 16
OF_RANK = 0x80
# The state space windows that a generic address of each kind lies in; the kernel's parameters are within .global.
WINDOWS = {"const": {"const"}, "global": {"global"}, "local": {"local"}, "shared": {"shared", "shared::cta", "shared::cluster"},
           "peer": {"shared::cluster"}, "param": {"param", "param::entry", "global"}}


def word_of(space, index=0):
    """What a variable's word holds, by the rank of the CTA that looks at its own."""
    return lambda rank: VALUES[space] + index + (OF_RANK * rank if space == "shared" else 0)


def of_peer(index=0):
    return lambda rank: word_of("shared", index)(1 - rank)


class Addresses:
    """Code by a thread of each CTA of a cluster, and what it stores, by the CTA's rank."""

    def __init__(self):
        self.lines, self.want, self.labels = [], [], []

    def take(self, variant):
        name = forms.name_of(variant)
        if name.startswith("cvta.to"):
            self.from_generic(variant)
        elif name.startswith("cvta"):
            self.to_generic(variant)
        elif name.startswith("isspacep"):
            self.window(variant)
        elif name.startswith("mapa"):
            self.mapped(variant)
        elif name.startswith("getctarank"):
            self.rank(variant)
        else:
            self.variable(variant)

    def word(self, code, register, value, label):
        self.lines.append(f"    {code} {store(register)}\n")
        self.want.append(value if callable(value) else lambda rank: value)
        self.labels.append(label)

    def variable(self, variant):
        """The address of a variable in its own space, or of a function."""
        name, offset = re.fullmatch(r"\S+ %\w+, (\w+)(?:\+(\d+))?", variant).groups()
        if name in ("func", "kernel"):
            return self.word(f"{variant}; setp.ne.u64 %p0, %d0, 0;", "%p0", 1, variant)
        space = {"smem": "shared", "lmem": "local", "gmem": "global", "cmem": "const"}[name]
        register = re.search(r"%\w+", variant).group()
        self.word(f"{variant}; ld.{space}.u32 %r1, [{register}];", "%r1", word_of(space, int(offset or 0) // 4), variant)

    def to_generic(self, variant):
        """Of an address in a register, or of a variable by name."""
        space = forms.name_of(variant).split(".")[1]
        operand = variant.split(", ")[1]
        if space == "shared::cluster":
            return self.word(f"mov.u64 %d1, %far; {variant}; ld.u32 %r1, [%d0];", "%r1", of_peer(), variant)
        space = space.split("::")[0]
        if operand == "%d1":
            return self.word(f"add.u64 %d1, %{space}, 8; {variant}; ld.u32 %r1, [%d0];", "%r1", word_of(space, 2), variant)
        named = variant.replace("%rg", "gmem").replace("%rs", "smem")
        self.word(f"{named}; ld.u32 %r1, [%d0];", "%r1", word_of(space), variant)

    def from_generic(self, variant):
        space = forms.name_of(variant).removeprefix("cvta.to.").removesuffix(".u64")
        base = space.split("::")[0]
        if space == "shared::cluster":
            return self.word(f"cvta.shared::cluster.u64 %d1, %far; {variant}; ld.shared::cluster.u32 %r1, [%d0 + 4];", "%r1", of_peer(1),
                             variant)
        if base == "param":
            return self.word(f"cvta.param.u64 %d1, %param; {variant}; setp.eq.u64 %p0, %d0, %param;", "%p0", 1, variant)
        self.word(f"cvta.{base}.u64 %d1, %{base}; {variant}; ld.{space}.u32 %r1, [%d0 + 4];", "%r1", word_of(base, 1), variant)

    def window(self, variant):
        space = forms.name_of(variant).split(".", 1)[1]
        for kind, windows in WINDOWS.items():
            address = "cvta.shared::cluster.u64 %d0, %far;" if kind == "peer" else f"cvta.{kind}.u64 %d0, %{kind};"
            self.word(f"{address} {variant};", "%p0", int(space in windows), f"{variant} of {kind}")

    def mapped(self, variant):
        """mapa: the word at the address that it gives."""
        d, a, b = variant.split(None, 1)[1].split(", ")
        wide, shared = d[1] == "d", "shared::cluster" in variant
        for rank in (0, 1) if b[0] == "%" else (1,):
            prepare = f"mov.u32 {b}, {rank}; " if b[0] == "%" else ""
            if a[0] == "%":
                prepare += f"mov.b{64 if wide else 32} {a}, {'smem' if shared else '%generic'}; "
            load = f"ld{'.shared::cluster' if shared else ''}.u32 %r3, [{d}];"
            self.word(f"{prepare}{variant}; {load}", "%r3", word_of("shared", int("smem" in a))(rank), f"{variant} of CTA {rank}")

    def rank(self, variant):
        """getctarank, of either CTA's address or of a variable, which is the own CTA's."""
        d, a = variant.split(None, 1)[1].split(", ")
        if a[0] != "%":
            return self.word(f"{variant};", d, lambda rank: rank, variant)
        shared = "shared::cluster" in variant
        for rank in (0, 1):
            prepare = f"mov.u64 %d2, {'smem' if shared else '%generic'}; mapa{'.shared::cluster' if shared else ''}.u64 %d2, %d2, {rank}; "
            prepare += f"mov.b64 {a}, %d2; " if a[1] == "d" else f"cvt.u32.u64 {a}, %d2; "
            self.word(f"{prepare}{variant};", d, rank, f"{variant} of CTA {rank}")


def test_addresses(tmp_path):
    assert {v.split(".")[0] for v in VARIANTS} == {"mov", "cvta", "isspacep", "mapa", "getctarank"} and len(VARIANTS) > 40
    addresses = Addresses()
    for variant in VARIANTS:
        addresses.take(variant)
    initial = lambda space: ", ".join(str(VALUES[space] + i) for i in range(WORDS))
    local = " ".join(f"mov.u32 %r0, {VALUES['local'] + i}; st.local.u32 [lmem + {4 * i}], %r0;" for i in range(WORDS))
    shared = " ".join(f"mad.lo.u32 %r0, %rank, {OF_RANK}, {VALUES['shared'] + i}; st.shared.u32 [smem + {4 * i}], %r0;" for i in range(WORDS))
    path = tmp_path / "addresses.ptx"
    path.write_text(f""".version 9.1
.target sm_90a
.address_size 64
.global .align 128 .b32 gmem[{WORDS}] = {{{initial("global")}}};
.const .align 128 .b32 cmem[{WORDS}] = {{{initial("const")}}};
.func func(.param .b64 p) {{ ret; }}
.entry kernel() {{ ret; }}
.visible .entry test(.param .align 64 .b8 ptr[{4 * WORDS}], .param .u64 pout)
{{
    .reg .pred %p<4>; .reg .b32 %r<4>, %rank, %peer; .reg .b64 %d<4>, %w<2>, %out, %const, %global, %local, %shared, %param, %generic, %far;
    .local .align 128 .b32 lmem[{WORDS}]; .shared .align 128 .b32 smem[{WORDS}];
    mov.u32 %rank, %cluster_ctarank; xor.b32 %peer, %rank, 1; ld.param.u64 %out, [pout];
    mad.wide.u32 %out, %rank, {8 * len(addresses.want)}, %out; {local} {shared}
    mov.u64 %const, cmem; mov.u64 %global, gmem; mov.u64 %local, lmem; mov.u64 %shared, smem; mov.b64 %param, ptr;
    cvta.shared.u64 %generic, %shared; mapa.shared::cluster.u64 %far, %shared, %peer; barrier.cluster.arrive; barrier.cluster.wait;
{"".join(addresses.lines)}    barrier.cluster.arrive; barrier.cluster.wait; ret;
}}
""")
    test = harness.Test("//! kernel test\n//! grid 2\n//! block 1\n//! cluster 2")
    parameter = (np.arange(WORDS) + VALUES["param"]).astype(np.uint32)
    test.arguments = [("value", "ptr", parameter), ("out", "d", np.zeros((2, len(addresses.want)), np.uint64))]
    test.run(path)
    wrong = [f"{label}, CTA {rank}: got {got:#x}, want {want(rank):#x}" for rank, row in enumerate(test.names["d"].tolist())
             for label, got, want in zip(addresses.labels, row, addresses.want) if got != want(rank)]
    assert not wrong, "\n".join(wrong)
