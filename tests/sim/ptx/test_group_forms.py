"""Every variant of what waits for asynchronous copies and for wgmma: groups, and arrivals of cp.async on an mbarrier. What a wait
covers has to be there, on the default schedule and on adversarial ones, where the rest comes late (ISA 9.7.9.25.3, 9.7.9.25.4,
9.7.13.15.15 and 9.7.15.7)."""

import re

import forms
import harness
import numpy as np
import pytest

VARIANTS = forms.swept_by("test_group_forms.py")
SEEDS = (None, 1, 2, 3)
GROUPS = 3
SLOT = 64  # bytes of a round; each group moves 16
SOURCE = np.random.default_rng(18).integers(1, 2**32, 4096, dtype=np.uint64).astype(np.uint32)


def of(start):
    return [v for v in VARIANTS if re.match(start, v)]


def awaited(wait):
    """How many of the groups a wait covers."""
    pending = int(wait.rsplit(" ", 1)[1]) if wait[-1].isdigit() else 0
    return max(GROUPS - pending, 0)


class Rounds:
    """Code by one thread, and the words that it stores."""

    def __init__(self):
        self.lines, self.want, self.labels, self.number = [], [], [], 0

    def begin(self, label):
        self.number += 1
        self.label = label
        return SLOT * (self.number - 1)

    def add(self, *lines):
        self.lines += lines

    def check(self, load, word):
        self.add(f"{load} st.global.u32 [%out], %v; add.u64 %out, %out, 4;")
        self.want.append(int(word))
        self.labels.append(self.label)

    def small_copies(self, commit, wait):
        """cp.async in groups, or in none where everything is waited for."""
        at = self.begin(wait)
        everything = "wait_all" in wait
        for group in range(GROUPS):
            self.add(f"cp.async.ca.shared.global [%s + {at + 16 * group}], [%from + {at + 16 * group}], 16;")
            if not everything:
                self.add(f"{commit};")
        self.add(f"{wait};")
        for group in range(awaited(wait)):
            self.check(f"ld.shared.u32 %v, [%s + {at + 16 * group + 12}];", SOURCE[(at + 16 * group + 12) // 4])
        self.add("cp.async.wait_all;")

    def bulk_copies(self, commit, wait):
        """Stores to global memory; with .read the sources may be used again, and what they held arrives."""
        at = self.begin(wait)
        for group in range(GROUPS):
            here = at + 16 * group
            self.add(f"mov.u32 %v, {here + 1}; st.shared.u32 [%s + {here}], %v; fence.proxy.async;",
                     f"cp.async.bulk.global.shared::cta.bulk_group [%mem + {here}], [%s + {here}], 16; {commit};")
        self.add(f"{wait};")
        for group in range(awaited(wait)):
            here = at + 16 * group
            if ".read" in wait:
                self.add(f"mov.u32 %v, 7; st.shared.u32 [%s + {here}], %v;")
            else:
                self.check(f"ld.global.u32 %v, [%mem + {here}];", here + 1)
        self.add("cp.async.bulk.wait_group 0;")
        for group in range(GROUPS):
            self.check(f"ld.global.u32 %v, [%mem + {at + 16 * group}];", at + 16 * group + 1)

    def arrival(self, variant):
        """With .noinc the arrival is one of those that the object expects; without, the pending count is as before it."""
        at = self.begin(variant)
        bar, place = f"[%bar + {8 * self.number}]", "%generic" if ".shared" not in variant else "%bar"
        text = re.sub(r"\[%r[gs]\]", f"[{place} + {8 * self.number}]", variant)
        count = 2 if ".noinc" in variant else 1
        test = f"mbarrier.test_wait.parity.shared.b64 %p0, {bar}, 0; selp.u32 %v, 1, 0, %p0;"
        self.add(f"mbarrier.init.shared.b64 {bar}, {count};", f"cp.async.ca.shared.global [%s + {at}], [%from + {at}], 16; {text};")
        self.check(test, 0)
        self.add(f"mbarrier.arrive.shared.b64 %d0, {bar}; W{self.number}: mbarrier.try_wait.parity.shared.b64 %p0, {bar}, 0; "
                 f"@!%p0 bra W{self.number};")
        self.check(f"ld.shared.u32 %v, [%s + {at + 12}];", SOURCE[(at + 12) // 4])
        # The phase that follows needs as many arrivals.
        self.add(f"cp.async.wait_all; mbarrier.arrive.shared.b64 %d0, {bar};")
        self.check(f"mbarrier.test_wait.parity.shared.b64 %p0, {bar}, 1; selp.u32 %v, 1, 0, %p0;", int(count == 1))


def run(text, arguments, options, seed, tmp_path, monkeypatch):
    harness.set_schedule(monkeypatch, seed)
    path = tmp_path / "groups.ptx"
    path.write_text(text)
    test = harness.Test(options)
    test.arguments = arguments
    test.run(path)
    return test.names["d"]


@pytest.mark.parametrize("seed", SEEDS)
def test_copies(seed, tmp_path, monkeypatch):
    rounds = Rounds()
    small, bulk = of(r"cp\.async\.commit"), of(r"cp\.async\.bulk\.commit")
    waits, bulk_waits, arrivals = of(r"cp\.async\.wait"), of(r"cp\.async\.bulk\.wait"), of(r"cp\.async\.mbarrier")
    for wait in waits:
        rounds.small_copies(small[0], wait)
    for wait in bulk_waits:
        rounds.bulk_copies(bulk[0], wait)
    for variant in arrivals:
        rounds.arrival(variant)
    rest = of("wgmma")
    assert len(small + bulk + waits + bulk_waits + arrivals + rest) == len(VARIANTS) and len(waits) == 4 and len(arrivals) == 6
    assert len(small) == len(bulk) == 1
    text = f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pfrom, .param .u64 pmem, .param .u64 pout)
{{
    .reg .pred %p<2>; .reg .b32 %v; .reg .b64 %d<2>, %from, %mem, %out, %s, %bar, %generic;
    .shared .align 128 .b8 s[{SLOT * rounds.number}]; .shared .align 8 .b64 bars[{rounds.number + 1}];
    ld.param.u64 %from, [pfrom]; ld.param.u64 %mem, [pmem]; ld.param.u64 %out, [pout]; mov.u64 %s, s; mov.u64 %bar, bars;
    cvta.shared.u64 %generic, %bar;
    {chr(10).join(rounds.lines)}
    ret;
}}
"""
    arguments = [("in", "from", SOURCE.copy()), ("in", "mem", np.zeros(SLOT * rounds.number, np.uint8)),
                 ("out", "d", np.zeros(len(rounds.want), np.uint32))]
    got = run(text, arguments, "//! block 1", seed, tmp_path, monkeypatch).tolist()
    wrong = [f"{label}: got {g:#x}, want {w:#x}" for label, g, w in zip(rounds.labels, got, rounds.want) if g != w]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("seed", SEEDS)
def test_wgmma(seed, tmp_path, monkeypatch):
    """Products of ones, twos and threes with ones: 16, 32 and 48 in the accumulators of the groups that are waited for."""
    fence, commit, waits = of("wgmma.fence"), of("wgmma.commit"), of("wgmma.wait")
    assert len(fence) == len(commit) == 1 and len(waits) == 3
    lines, want = [], []
    for wait in waits:
        for group in range(GROUPS):
            lines += [f"mov.b32 %a{group}, {0x3C003C00 + (0, 0x04000400, 0x06000600)[group]};"]
        lines.append(f"{fence[0]};")
        for group in range(GROUPS):
            d = ", ".join(f"%f{4 * group + i}" for i in range(4))
            a = ", ".join([f"%a{group}"] * 4)
            lines.append(f"wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {{{d}}}, {{{a}}}, %desc, 0, 1, 1, 0; {commit[0]};")
        lines.append(f"{wait};")
        for group in range(awaited(wait)):
            lines += [f"st.global.f32 [%out], %f{4 * group + i}; add.u64 %out, %out, 512;" for i in range(4)]
            want += [16.0 * (group + 1)] * 4
        lines.append("wgmma.wait_group.sync.aligned 0;")
    text = f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pout)
{{
    .reg .b32 %t, %v, %a<4>; .reg .f32 %f<12>; .reg .b64 %out, %desc, %at; .shared .align 1024 .b8 ones[2048];
    mov.u32 %t, %tid.x; ld.param.u64 %out, [pout]; mad.wide.u32 %out, %t, 4, %out; mov.u64 %desc, ones; mad.wide.u32 %at, %t, 16, %desc;
    mov.b32 %v, 0x3c003c00; st.shared.v4.b32 [%at], {{%v, %v, %v, %v}}; fence.proxy.async; bar.sync 0;
    shr.u64 %desc, %desc, 4; and.b64 %desc, %desc, 0x3fff; or.b64 %desc, %desc, {8 << 16 | 16 << 32};
    {chr(10).join(lines)}
    ret;
}}
"""
    got = run(text, [("out", "d", np.zeros((len(want), 128), np.float32))], "//! block 128", seed, tmp_path, monkeypatch)
    for row, value in zip(got, want):
        assert np.all(row == value), f"got {np.unique(row)}, want {value}"
