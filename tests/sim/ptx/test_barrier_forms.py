"""Every variant of bar, barrier, bar.warp.sync and barrier.cluster (ISA 9.7.13.1 to 9.7.13.3).

A thread writes a word before a barrier and reads another warp's behind it; what comes first has to wait. Reductions combine
predicates; arrivals must count, and must not wait. Barriers without .aligned also run on both sides of a branch.
"""

import forms
import harness
import numpy as np
import pytest

VARIANTS = forms.swept_by("test_barrier_forms.py")
BLOCK = 128
GROUP = 64  # the thread count of the forms that have one
RANDOM = np.random.default_rng(8)
T = np.arange(BLOCK)
PREDICATES = [np.ones(BLOCK, bool), np.zeros(BLOCK, bool), T % GROUP == 37, T % GROUP != 50, RANDOM.integers(0, 2, BLOCK) == 1]
# The other warp of the pair comes later.
DELAY = "mov.u32 %v, {0}; DELAY{1}: sub.u32 %v, %v, 1; setp.ne.u32 %q, %v, 0; @%q bra DELAY{1};"


class Form:
    def __init__(self, variant):
        self.name, rest = variant.split(None, 1) if " " in variant else (variant, "")
        self.variant = variant
        self.modifiers = self.name.split(".")
        operands = [part.strip() for part in rest.split(",")]
        self.result = operands.pop(0) if "red" in self.modifiers else None
        self.predicate = operands.pop() if self.result else None
        self.barrier, self.count = (operands + [None])[:2]

    def divergent(self):
        return self.modifiers[0] == "barrier" and "aligned" not in self.modifiers


class Round:
    """One use of a form by the whole block."""

    def __init__(self, form, number, pattern, branched):
        self.form, self.number, self.branched = form, number, branched
        self.predicates = PREDICATES[pattern]
        self.pattern = pattern

    def members(self):
        """Who takes part: with a count and a literal barrier, the first group alone."""
        return T < GROUP if self.form.count and not self.form.barrier.startswith("%") else T < BLOCK

    def registers(self):
        form = self.form
        lines = []
        if form.barrier.startswith("%"):
            lines.append(f"add.u32 {form.barrier}, %group, 2;" if form.count else f"mov.u32 {form.barrier}, 5;")
        if form.count and form.count.startswith("%"):
            lines.append(f"mov.u32 {form.count}, {GROUP};")
        if form.predicate:
            words = [sum(int(p) << i for i, p in enumerate(self.predicates[w:w + 32])) for w in range(0, BLOCK, 32)]
            chosen = f"mov.u32 %v, {words[0]};" + "".join(
                f" setp.eq.u32 %q, %warp, {i}; selp.u32 %v, {words[i]}, %v, %q;" for i in range(1, 4))
            lines.append(f"{chosen} shr.u32 %v, %v, %lane; and.b32 %v, %v, 1; setp.ne.u32 {form.predicate.lstrip('!')}, %v, 0;")
        return " ".join(lines)

    def instruction(self):
        text = self.form.variant + ";"
        if not self.branched:
            return text
        n = self.number
        return f"@%odd bra ODD{n}; {text} bra JOIN{n}; ODD{n}: {text} JOIN{n}:"

    def results(self):
        if not self.form.result:
            return "mov.u32 %w, 0;"
        return f"selp.u32 %w, 1, 0, {self.form.result};" if self.form.result[1] == "p" else f"mov.u32 %w, {self.form.result};"

    def code(self):
        n, delayed = self.number, "mov.u32 %w, 0; mov.u32 %x, 0;"
        skip = f"setp.ge.u32 %q, %t, {int(self.members().sum())}; @%q bra NEXT{n};"
        word = f"mad.lo.u32 %v, %t, 3, {1000 * n}; st.shared.u32 [%mine], %v;"
        if "arrive" in self.form.modifiers:
            body = self.arrival(word)
        else:
            # The upper warp of each pair is late.
            body = (f"@!%upper bra EARLY{n}; {DELAY.format(40, n)} EARLY{n}: {word} {self.instruction()} {self.results()} "
                    "ld.shared.u32 %x, [%other];")
        return (f"    {self.registers()} {delayed} {skip} {body}\n    NEXT{n}: st.global.v2.u32 [%out], {{%w, %x}}; "
                f"add.u64 %out, %out, {8 * BLOCK}; bar.sync 0; st.shared.u32 [%mine], 7; bar.sync 0;\n")

    def arrival(self, word):
        """The lower warp arrives, late or before another barrier that the upper one needs first."""
        n, count = self.number, GROUP
        sync = f"barrier.cta.sync.aligned {self.form.barrier}, {count};"
        if self.pattern % 2:
            lower, upper = f"{DELAY.format(40, n)} {word} {self.instruction()}", sync
        else:
            meet = "add.u32 %v, %group, 9; barrier.cta.sync.aligned %v, 64;"
            lower, upper = f"{word} {self.instruction()} {meet}", f"{meet} {sync}"
        return f"@%upper bra UPPER{n}; {lower} bra NEXT{n}; UPPER{n}: {upper} ld.shared.u32 %x, [%other];"

    def expected(self):
        x = np.zeros((BLOCK, 2), np.uint32)
        members, form = self.members(), self.form
        groups = [members & (T // GROUP == g) for g in (0, 1)] if form.count else [members]
        reads = members & (T & 32 != 0) if "arrive" in form.modifiers else members
        x[reads, 1] = ((T ^ 32) * 3 + 1000 * self.number)[reads]
        if form.result:
            predicates = ~self.predicates if form.predicate.startswith("!") else self.predicates
            for group in groups:
                chosen = predicates[group]
                if len(chosen):
                    x[group, 0] = chosen.sum() if "popc" in form.modifiers else chosen.all() if "and" in form.modifiers else chosen.any()
        return x


@pytest.mark.parametrize("seed", (None, 1, 2))
def test_barriers(seed, tmp_path, monkeypatch):
    harness.set_schedule(monkeypatch, seed)
    variants = [v for v in VARIANTS if ".warp." not in v and ".cluster." not in v]
    rounds = []
    for form in map(Form, variants):
        for pattern in range(len(PREDICATES) if form.result else 2):
            for branched in (False, True) if form.divergent() else (False,):
                rounds.append(Round(form, len(rounds), pattern, branched))
    path = tmp_path / "barriers.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pout)
{{
    .reg .pred %p<4>, %q, %odd, %upper; .reg .b32 %r<4>, %t, %warp, %lane, %group, %v, %w, %x; .reg .b64 %out, %off, %mine, %other;
    .shared .align 8 .b32 words[{BLOCK}];
    mov.u32 %t, %tid.x; shr.u32 %warp, %t, 5; and.b32 %lane, %t, 31; shr.u32 %group, %t, 6; and.b32 %v, %t, 1;
    setp.ne.u32 %odd, %v, 0; and.b32 %v, %t, 32; setp.ne.u32 %upper, %v, 0; ld.param.u64 %out, [pout]; mul.wide.u32 %off, %t, 8;
    add.u64 %out, %out, %off; mov.u64 %mine, words; mul.wide.u32 %off, %t, 4; add.u64 %mine, %mine, %off; xor.b32 %v, %t, 32;
    mul.wide.u32 %off, %v, 4; mov.u64 %other, words; add.u64 %other, %other, %off;
{"".join(r.code() for r in rounds)}    ret;
}}
""")
    test = harness.Test(f"//! block {BLOCK}")
    test.arguments = [("out", "d", np.zeros((len(rounds), BLOCK, 2), np.uint32))]
    test.run(path)
    for r, got in zip(rounds, test.names["d"]):
        wrong = np.argwhere(got != r.expected())
        assert not len(wrong), (f"{r.form.variant}, predicates {r.pattern}{', branched' if r.branched else ''}: thread {wrong[0][0]}: "
                                f"got {got[wrong[0][0]]}, want {r.expected()[wrong[0][0]]}")


def test_warps(tmp_path):
    """Lanes on two sides of a branch write, meet and read each other's words; the odd ones come late."""
    variants = [v for v in VARIANTS if ".warp." in v]
    assert len(variants) == 2
    codes = [f"""    mov.b32 %r0, 0x0000ffff; setp.ge.u32 %p0, %lane, 16; @%p0 mov.b32 %r0, 0xffff0000; mad.lo.u32 %w, %lane, 5, {n};
    @%odd bra ODD{n}; st.shared.u32 [%mine], %w; {v}; ld.shared.u32 %x, [%other]; bra JOIN{n};
ODD{n}: {DELAY.format(30, n)} st.shared.u32 [%mine], %w; {v}; ld.shared.u32 %x, [%other];
JOIN{n}: bar.sync 0; st.global.u32 [%out], %x; add.u64 %out, %out, 128;
""" for n, v in enumerate(variants)]
    path = tmp_path / "warps.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pout)
{{
    .reg .pred %p<4>, %q, %odd; .reg .b32 %r<4>, %lane, %v, %w, %x; .reg .b64 %out, %off, %mine, %other; .shared .align 8 .b32 words[32];
    mov.u32 %lane, %laneid; and.b32 %v, %lane, 1; setp.ne.u32 %odd, %v, 0; ld.param.u64 %out, [pout]; mul.wide.u32 %off, %lane, 4;
    add.u64 %out, %out, %off; mov.u64 %mine, words; add.u64 %mine, %mine, %off; xor.b64 %off, %off, 4; mov.u64 %other, words;
    add.u64 %other, %other, %off;
{"".join(codes)}    ret;
}}
""")
    test = harness.Test("//! block 32")
    test.arguments = [("out", "d", np.zeros((len(variants), 32), np.uint32))]
    test.run(path)
    for n, got in enumerate(test.names["d"]):
        assert np.array_equal(got, (np.arange(32) ^ 1) * 5 + n), variants[n]


@pytest.mark.parametrize("seed", (None, 1, 2))
def test_clusters(seed, tmp_path, monkeypatch):
    """Each CTA reads its neighbour's word behind a barrier; the one that arrives first lets a late one go on by a remote arrival,
    which it could not if it waited."""
    harness.set_schedule(monkeypatch, seed)
    arrives = [v for v in VARIANTS if v.startswith("barrier.cluster.arrive")]
    waits = [v for v in VARIANTS if v.startswith("barrier.cluster.wait")]
    pairs = [(a, w) for a in arrives for w in waits]
    assert len(pairs) == 24 and len(arrives) + len(waits) + 2 + sum(".cluster" not in v and ".warp" not in v for v in VARIANTS) == len(VARIANTS)
    codes = [f"""    mad.lo.u32 %w, %rank, 11, {100 * n}; setp.ne.u32 %p0, %rank, 0; @%p0 bra LATE{n};
    st.shared.u32 [word], %w; fence.acq_rel.cluster; {a}; mapa.shared::cluster.u64 %far, %bar, 1;
    mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%far]; bra MEET{n};
LATE{n}: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p1, [%bar], {n % 2}; @!%p1 bra LATE{n};
    st.shared.u32 [word], %w; fence.acq_rel.cluster; {a};
MEET{n}: {w}; fence.acq_rel.cluster; ld.shared::cluster.u32 %x, [%other]; st.global.u32 [%out], %x; add.u64 %out, %out, 8;
    barrier.cluster.arrive; barrier.cluster.wait;
""" for n, (a, w) in enumerate(pairs)]
    path = tmp_path / "clusters.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pout)
{{
    .reg .pred %p<4>; .reg .b32 %rank, %peer, %w, %x; .reg .b64 %out, %off, %bar, %far, %other;
    .shared .b32 word; .shared .align 8 .b64 object;
    mov.u32 %rank, %cluster_ctarank; xor.b32 %peer, %rank, 1; ld.param.u64 %out, [pout]; mul.wide.u32 %off, %rank, 4;
    add.u64 %out, %out, %off; mov.u64 %bar, object; mov.u64 %other, word; mapa.shared::cluster.u64 %other, %other, %peer;
    mbarrier.init.shared::cta.b64 [%bar], 1; fence.mbarrier_init.release.cluster; barrier.cluster.arrive; barrier.cluster.wait;
{"".join(codes)}    ret;
}}
""")
    test = harness.Test("//! grid 2\n//! block 1\n//! cluster 2")
    test.arguments = [("out", "d", np.zeros((len(pairs), 2), np.uint32))]
    test.run(path)
    for n, (pair, got) in enumerate(zip(pairs, test.names["d"].tolist())):
        assert got == [100 * n + 11, 100 * n], f"{pair}: {got}"
