"""Every variant of shfl, vote, match, redux, elect and activemask, by whole warps and by lanes on two sides of a branch, against the
manual's pseudocode (ISA 9.7.9.6, 9.7.13.9 to 9.7.13.14)."""

import re

import forms
import harness
import numpy as np

VARIANTS = [v for v in forms.swept_by("test_warp_forms.py")]
LANES = range(32)
FULL = 0xFFFFFFFF
# Each side of a branch is a set of members; a form without a mask of its own runs by the whole warp.
SIDES = [(FULL,), (0x0F0F1234, FULL ^ 0x0F0F1234), (0x80000001, FULL ^ 0x80000001)]
# What the clamp and segment mask of shfl may be, and lanes.
CLAMPS = [31, 0, 0x1F, 0x181F, 0x1C07, 0x1000, 0x0700 | 31]
RANDOM = np.random.default_rng(12)
DISTINCT = RANDOM.integers(0, 2**64, 32, dtype=np.uint64)
FEW = np.array([3, 2**32 + 3, 7, 2**63 + 7], np.uint64)[RANDOM.integers(0, 4, 32)]
ALIKE = np.full(32, 0x8000000180000001, np.uint64)
VALUES = [DISTINCT, FEW, ALIKE]
PREDICATES = [RANDOM.integers(0, 2, 32), np.ones(32, int), np.zeros(32, int)]


class Case:
    """A variant with its operands, on the sides of a branch."""

    def __init__(self, variant, sides, index):
        self.variant, self.sides, self.index = variant, sides, index
        self.modifiers = forms.name_of(variant).split(".")
        parts = variant.split(None, 1)[1].split(",")
        self.targets = [t for t in parts[0].strip().split("|") if t != "_"]
        self.sources = [p.strip() for p in parts[1:]]
        self.values = VALUES[index % 3].tolist()
        self.predicates = PREDICATES[index % 3].tolist()
        self.second = RANDOM.integers(0, 64, 32).tolist() if self.modifiers[1:2] == ["sync"] and "idx" in self.modifiers else [index * 5 % 40] * 32
        self.clamp = CLAMPS[index % len(CLAMPS)]

    def has_mask(self):
        return bool(self.sources) and re.fullmatch(r"%r\d+", self.sources[-1])

    def members(self, lane):
        """The lanes that take part with this one."""
        return next(mask for mask in self.sides if mask >> lane & 1)

    def inputs(self):
        """Columns of a value, the second operand and the predicate, a lane a row."""
        return [(v, s, p) for v, s, p in zip(self.values, self.second, self.predicates)]

    def prepare(self, side):
        """Code that fills the source registers."""
        lines = []
        for i, source in enumerate(self.sources):
            register = re.search(r"%([rdp])\d+", source)
            if not register:
                continue
            name, last = register.group(), i == len(self.sources) - 1
            if register.group(1) == "p":
                lines.append(f"setp.ne.u64 {name}, %in2, 0;")
            elif last and self.has_mask():
                lines.append(f"mov.b32 {name}, {self.sides[side]};")
            elif register.group(1) == "d":
                lines.append(f"mov.b64 {name}, %in0;")
            elif self.modifiers[0] == "shfl" and i == 2:
                lines.append(f"mov.b32 {name}, {self.clamp};")
            else:
                lines.append(f"cvt.u32.u64 {name}, %in{1 if self.modifiers[0] == 'shfl' and i == 1 else 0};")
        return " ".join(lines)

    def expected(self, lane):
        members = [l for l in LANES if self.members(lane) >> l & 1]
        op = self.modifiers[0]
        return {"shfl": self.shuffled, "vote": self.voted, "match": self.matched, "redux": self.reduced, "elect": self.elected,
                "activemask": lambda lane, members: [sum(1 << l for l in members)]}[op](lane, members)

    def shuffled(self, lane, members):
        b, c = (self.second[lane], self.clamp) if self.sources[1][0] == "%" else (int(self.sources[1]), int(self.sources[2]))
        bval, cval, mask = b & 31, c & 31, c >> 8 & 31
        most, least = lane & mask | cval & ~mask & 31, lane & mask
        mode = self.modifiers[2]
        j = {"up": lane - bval, "down": lane + bval, "bfly": lane ^ bval, "idx": least | bval & ~mask & 31}[mode]
        inside = j >= most if mode == "up" else j <= most
        # A lane that takes no part gives an undefined value.
        value = self.values[j if inside else lane] & FULL if not inside or j in members else None
        return [value, int(inside)][:len(self.targets)]

    def voted(self, lane, members):
        negated = "!" in self.variant
        holds = {l: bool(self.predicates[l]) != negated for l in members}
        if "ballot" in self.modifiers:
            return [sum(1 << l for l in members if holds[l])]
        both = set(holds.values())
        return [int({"all": both == {True}, "any": True in both, "uni": len(both) == 1}[self.modifiers[2]])]

    def matched(self, lane, members):
        cut = FULL if self.modifiers[-1] == "b32" else 2**64 - 1
        same = [l for l in members if (self.values[l] ^ self.values[lane]) & cut == 0]
        if "any" in self.modifiers:
            return [sum(1 << l for l in same)]
        every = same == members
        return [sum(1 << l for l in members) if every else 0, int(every)][:len(self.targets)]

    def reduced(self, lane, members):
        values = [self.values[l] & FULL for l in members]
        if self.modifiers[-1] == "s32":
            values = [v - 2**32 if v >> 31 else v for v in values]
        op = self.modifiers[2]
        total = {"add": sum, "min": min, "max": max, "and": np.bitwise_and.reduce, "or": np.bitwise_or.reduce,
                 "xor": np.bitwise_xor.reduce}[op](values)
        return [int(total) & FULL]

    def elected(self, lane, members):
        """The manual leaves open who is elected; test_warps looks for one in each side."""
        return [None] * len(self.targets)


def cases_of(variant):
    probe = Case(variant, SIDES[0], 0)
    masked = probe.has_mask() or variant.startswith("activemask")
    count = len(CLAMPS) if variant.startswith("shfl") and probe.sources[1][0] == "%" else 3
    return [Case(variant, sides, i) for i in range(count) for sides in (SIDES if masked else SIDES[:1])]


def code(case, number):
    words = len(case.targets)
    stores = " ".join(f"{'selp.u64 %w, 1, 0, ' + t if t[1] == 'p' else 'cvt.u64.u32 %w, ' + t}; st.global.b64 [%out + {256 * i}], %w;"
                      for i, t in enumerate(case.targets))
    loads = " ".join(f"ld.global.b64 %in{i}, [%from + {8 * i}];" for i in range(3))
    body = f"    {loads} add.u64 %from, %from, {24 * 32};\n"
    if len(case.sides) == 1:
        body += f"    {case.prepare(0)} {case.variant}; {stores}\n"
    else:
        body += (f"    shr.u32 %v, {case.sides[1]}, %lane; and.b32 %v, %v, 1; setp.ne.u32 %q, %v, 0; @%q bra OTHER{number};\n"
                 f"    {case.prepare(0)} {case.variant}; {stores} bra JOIN{number};\n"
                 f"OTHER{number}: {case.prepare(1)} {case.variant}; {stores}\nJOIN{number}: bar.warp.sync -1;\n")
    return body + f"    add.u64 %out, %out, {256 * words};\n"


def test_warps(tmp_path):
    variants = [v for v in VARIANTS if not v.startswith("griddepcontrol")]
    cases = [case for variant in variants for case in cases_of(variant)]
    assert {case.modifiers[0] for case in cases} == {"shfl", "vote", "match", "redux", "elect", "activemask"}
    words = sum(len(case.targets) for case in cases)
    path = tmp_path / "warps.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pin, .param .u64 pout)
{{
    .reg .pred %p<8>, %q; .reg .b32 %r<8>, %lane, %v; .reg .b64 %d<8>, %in<3>, %w, %out, %from;
    mov.u32 %lane, %laneid; ld.param.u64 %from, [pin]; mad.wide.u32 %from, %lane, 24, %from; ld.param.u64 %out, [pout];
    mad.wide.u32 %out, %lane, 8, %out;
{"".join(code(case, i) for i, case in enumerate(cases))}    ret;
}}
""")
    test = harness.Test("//! block 32")
    test.arguments = [("in", "x", np.array([case.inputs() for case in cases], np.uint64)), ("out", "d", np.zeros((words, 32), np.uint64))]
    test.run(path)
    rows = iter(test.names["d"].tolist())
    for case in cases:
        got = [next(rows) for _ in case.targets]
        about = f"{case.variant}, sides {[hex(s) for s in case.sides]}, operands {case.index}"
        for lane in LANES:
            for i, want in enumerate(case.expected(lane)):
                assert want is None or got[i][lane] == want, f"{about}: lane {lane}: got {got[i][lane]:#x}, want {want:#x}"
        for side in case.sides if case.modifiers[0] == "elect" else ():
            # One leader in each set, of whom all members know.
            members = [l for l in LANES if side >> l & 1]
            leaders = [l for l in members if got[-1][l]]
            assert len(leaders) == 1, f"{about}: leaders {leaders}"
            if len(got) == 2:
                assert {got[0][l] for l in members} == set(leaders), about


def test_grid_dependencies(tmp_path):
    """Without a dependent or a primary launch they do nothing."""
    variants = [v for v in VARIANTS if v.startswith("griddepcontrol")]
    assert len(variants) == 2
    path = tmp_path / "grid.ptx"
    path.write_text(f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pout)
{{
    .reg .b64 %out; .reg .b32 %v; ld.param.u64 %out, [pout]; mov.u32 %v, 5; st.global.u32 [%out], %v;
    {variants[0]}; {variants[1]}; mov.u32 %v, 6; st.global.u32 [%out + 4], %v; ret;
}}
""")
    test = harness.Test("//! block 1")
    test.arguments = [("out", "d", np.zeros(2, np.uint32))]
    test.run(path)
    assert test.names["d"].tolist() == [5, 6]
