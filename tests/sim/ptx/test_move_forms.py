"""Every variant of mov: registers, packed and unpacked, and special registers (ISA 9.7.9.3 to 9.7.9.5 and 10)."""

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
