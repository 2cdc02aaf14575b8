"""Every variant of the moves: registers packed and unpacked, special registers, addresses of variables and their conversions between
state spaces, addresses of other CTAs (ISA 9.7.9.3 to 9.7.9.5, 9.7.9.19, 9.7.9.20, 9.7.9.23, 9.7.9.24 and 10)."""

import re

import forms
import harness
import numpy as np

VARIANTS = forms.swept_by("test_move_forms.py")
WIDTHS = {"p": 1, "h": 16, "r": 32, "d": 64, "q": 128}
BITS = 0xFEDCBA9876543210_0123456789ABCDEF
# Launch: CTAs and threads in three dimensions.
GRID, CLUSTER, BLOCK = (4, 2, 2), (2, 1, 2), (8, 3, 2)
DYNAMIC = 260  # no multiple of what shared memory is handed out in


def words_of(register, value):
    return [value & 2**64 - 1, value >> 64] if register[1] == "q" else [value & (1 << WIDTHS[register[1]]) - 1]


def store(register):
    """Code that stores a register as 64-bit words."""
    kind = register[1]
    if kind == "q":
        return f"mov.b128 {{%w0, %w1}}, {register}; st.global.b64 [%out], %w0; st.global.b64 [%out + 8], %w1; add.u64 %out, %out, 16;"
    read = {"p": f"selp.u64 %w0, 1, 0, {register}", "h": f"cvt.u64.u16 %w0, {register}", "r": f"cvt.u64.u32 %w0, {register}",
            "d": f"mov.b64 %w0, {register}"}[kind]
    return f"{read}; st.global.b64 [%out], %w0; add.u64 %out, %out, 8;"


def assign(register, value):
    kind = register[1]
    if kind == "p":
        return f"setp.eq.u32 {register}, {value & 1}, 1;"
    if kind == "q":
        return f"mov.b64 %w0, {value & 2**64 - 1}; mov.b64 %w1, {value >> 64 & 2**64 - 1}; mov.b128 {register}, {{%w0, %w1}};"
    return f"mov.b{WIDTHS[kind]} {register}, {value & (1 << WIDTHS[kind]) - 1};"


def is_register_move(variant):
    return variant.startswith("mov.") and re.search(r",\s*\{?%[phrdq]\d", variant) and not re.search(r"%pm\d", variant)


def test_registers(tmp_path):
    variants = [v for v in VARIANTS if is_register_move(v)]
    assert len(variants) == 13 + 8
    lines, want = [], []
    for number, variant in enumerate(variants):
        # The destination's vector ends before the source begins.
        targets, sources = re.fullmatch(r"\S+ (\{[^}]*\}|\S+), (.*)", variant).groups()
        value, at = BITS >> number | 1, 0
        renamed = re.sub(r"%([phrdq])(\d)", r"%\g<1>1\2", sources)
        for register in re.findall(r"%\w+", renamed):
            lines.append(assign(register, value >> at))
            at += WIDTHS[register[1]]
        lines.append(f"{variant.split()[0]} {targets}, {renamed};")
        at = 0
        for register in re.findall(r"%\w+", targets):
            lines.append(store(register))
            want += words_of(register, value >> at)
            at += WIDTHS[register[1]]
    path = tmp_path / "registers.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pout)
{{
    .reg .pred %p<20>; .reg .b16 %h<20>; .reg .b32 %r<20>; .reg .b64 %d<20>, %w<2>, %out; .reg .b128 %q<20>; ld.param.u64 %out, [pout];
    {chr(10).join(lines)}
    ret;
}}
""")
    test = harness.Test("//! block 1")
    test.arguments = [("out", "d", np.zeros(len(want), np.uint64))]
    test.run(path)
    assert test.names["d"].tolist() == want


def special(variant):
    match = variant.startswith("mov") and re.search(r", %(?![phrdq]\d)[a-z]\w*(\.[xyz])?$", variant)
    return match and match.group()[3:]


def linear(at, sizes):
    return at[0] + sizes[0] * (at[1] + sizes[1] * at[2])


def unit(size):
    """Shared memory is handed out in pieces of so many bytes."""
    return -(-size // 128) * 128


def special_values(name, cta, thread, shared):
    """What a special register holds: a number, a function that accepts it, or None for anything."""
    name, _, axis = name.partition(".")
    at = {"x": 0, "y": 1, "z": 2}.get(axis)
    lane = linear(thread, BLOCK) % 32
    in_cluster = tuple(c % n for c, n in zip(cta, CLUSTER))
    vectors = {"tid": thread, "ntid": BLOCK, "ctaid": cta, "nctaid": GRID, "clusterid": tuple(c // n for c, n in zip(cta, CLUSTER)),
               "nclusterid": tuple(g // n for g, n in zip(GRID, CLUSTER)), "cluster_ctaid": in_cluster, "cluster_nctaid": CLUSTER}
    if name in vectors:
        return vectors[name][at]
    warps = -(-int(np.prod(BLOCK)) // 32)
    return {"laneid": lane, "warpid": lambda v: v < 64, "nwarpid": lambda v: v >= warps, "smid": lambda v: v < 2**16, "nsmid": lambda v: v > 0,
            "cluster_ctarank": linear(in_cluster, CLUSTER), "cluster_nctarank": int(np.prod(CLUSTER)), "lanemask_eq": 1 << lane,
            "lanemask_le": (2 << lane) - 1, "lanemask_lt": (1 << lane) - 1, "lanemask_ge": 2**32 - (1 << lane),
            "lanemask_gt": 2**32 - (2 << lane), "total_smem_size": unit(shared + DYNAMIC), "dynamic_smem_size": DYNAMIC,
            "aggr_smem_size": lambda v: v >= unit(shared + DYNAMIC), "current_graph_exec": 0, "is_explicit_cluster": 1}.get(name)


def test_special_registers(tmp_path):
    variants = [v for v in VARIANTS if special(v)]
    assert len(variants) == 24 + 12 + 7 + 5 + 8 + 8 + 3 + 4 + 1 + 1
    body = "".join(f"    {v}; {store(re.findall(r'%[rdp]0', v)[0])}\n" for v in variants)
    threads, ctas, shared = int(np.prod(BLOCK)), int(np.prod(GRID)), 256
    path = tmp_path / "special.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.extern .shared .align 128 .b8 dynamic[];
.visible .entry test(.param .u64 pout)
{{
    .reg .pred %p<2>; .reg .b32 %r<2>, %t, %c, %v; .reg .b64 %d<2>, %w<2>, %out; .shared .align 8 .b8 words[{shared}];
    mov.u32 %t, %tid.x; mov.u32 %v, %tid.y; mad.lo.u32 %t, %v, {BLOCK[0]}, %t; mov.u32 %v, %tid.z; mad.lo.u32 %t, %v, {BLOCK[0] * BLOCK[1]}, %t;
    mov.u32 %c, %ctaid.x; mov.u32 %v, %ctaid.y; mad.lo.u32 %c, %v, {GRID[0]}, %c; mov.u32 %v, %ctaid.z;
    mad.lo.u32 %c, %v, {GRID[0] * GRID[1]}, %c; mad.lo.u32 %t, %c, {threads}, %t; ld.param.u64 %out, [pout];
    mad.wide.u32 %out, %t, {8 * len(variants)}, %out; st.shared.u32 [words], %t; st.shared.u32 [dynamic], %t;
{body}    ret;
}}
""")
    text = lambda sizes: " ".join(map(str, sizes))
    test = harness.Test(f"//! grid {text(GRID)}\n//! block {text(BLOCK)}\n//! cluster {text(CLUSTER)}\n//! shared {DYNAMIC}")
    test.arguments = [("out", "d", np.zeros((ctas, threads, len(variants)), np.uint64))]
    test.run(path)
    split = lambda n, sizes: (n % sizes[0], n // sizes[0] % sizes[1], n // sizes[0] // sizes[1])
    for c, rows in enumerate(test.names["d"].tolist()):
        for t, row in enumerate(rows):
            for variant, got in zip(variants, row):
                want = special_values(special(variant), split(c, GRID), split(t, BLOCK), shared)
                right = want is None or (want(got) if callable(want) else got == want)
                assert right, f"{variant} in CTA {split(c, GRID)}, thread {split(t, BLOCK)}: got {got}, want {want}"
    values = {special(v): test.names["d"][:, :, i] for i, v in enumerate(variants)}
    # The low and high words are of one counter, which runs on.
    assert np.all(values["clock_hi"] == values["clock64"] >> np.uint64(32)) and np.all(values["clock64"] > values["clock"] % 2**31 - 1)
    offsets = {name: int(values[f"reserved_smem_offset_{name}"].flat[0]) for name in ("begin", "end", "cap")}
    assert offsets["end"] - offsets["begin"] == offsets["cap"]
    assert np.all(values["aggr_smem_size"] == values["total_smem_size"] + np.uint64(offsets["cap"]))
    assert len(np.unique(values["gridid"])) == 1


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
    variants = [v for v in VARIANTS if not is_register_move(v) and not special(v)]
    assert {v.split(".")[0] for v in variants} == {"mov", "cvta", "isspacep", "mapa", "getctarank"} and len(variants) > 40
    addresses = Addresses()
    for variant in variants:
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
