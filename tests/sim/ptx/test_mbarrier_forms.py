"""Every variant of mbarrier.* in random sequences of operations, against a model of the manual's mbarrier object (ISA 9.7.13.15).

Two CTAs of a cluster run the same sequences, each on an object of its own; what may be done from afar, either does to the
other's. After every operation both parities are tested, and every state that was returned is looked at.
"""

import random
import re

import forms
import harness
import numpy as np
import pytest

VARIANTS = forms.swept_by("test_mbarrier_forms.py")
STEPS = 9
CLUSTER = 2
SYNC = "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;"
WAITS = ("test_wait", "try_wait")


class Object:
    """Counts of an mbarrier object, and its phase."""

    def __init__(self, count):
        self.expected = self.pending = count
        self.transactions = self.phase = 0

    def settle(self):
        if self.pending == 0 and self.transactions == 0:
            self.phase += 1
            self.pending = self.expected

    def arrive(self, count, drop=False, expected=0):
        self.transactions += expected
        self.expected -= count if drop else 0
        self.pending -= count
        assert self.pending >= 0 and self.expected > 0
        self.settle()

    def complete(self, count):
        self.transactions -= count
        self.settle()


class Sequence:
    """Code on one object, and the words that it is to store."""

    def __init__(self, variant, remote, seed):
        self.variant, self.remote = variant, remote
        self.random = random.Random(seed)
        self.name, self.operands = variant.split(None, 1)
        self.modifiers = self.name.split(".")
        self.lines, self.words = [], []
        self.state_phase = None

    def store(self, register, word):
        if register[1] == "p":
            self.lines.append(f"selp.u32 %v, 1, 0, {register};")
            register = "%v"
        self.lines.append(f"st.global.u32 [%out], {register}; add.u64 %out, %out, 4;")
        self.words.append(word)

    def observe(self):
        """Which phase is under way."""
        for parity in (0, 1):
            self.lines.append(f"mbarrier.test_wait.parity.shared::cta.b64 %p9, [%bar], {parity};")
            self.store("%p9", int(self.object.phase & 1 != parity))
        if self.state_phase is not None and self.object.phase - self.state_phase <= 1:
            self.lines.append("mbarrier.test_wait.shared::cta.b64 %p9, [%bar], %state;")
            self.store("%p9", int(self.object.phase > self.state_phase))

    def text(self, replaced):
        """The variant with its address, its literals and its registers in place."""
        local, afar = ("%gbar", "%gfar") if "shared" not in self.name else ("%bar", "%far")
        text = re.sub(r"\[%r[gs]\]", f"[{afar if self.remote else local}]", self.variant)
        for old, new in replaced.items():
            text = text.replace(old, new)
        return f"{SYNC} {text}; {SYNC}" if self.remote else text + ";"

    def prepare(self, completing):
        """Makes an arrival possible, and impossible that it ends the phase where it must not."""
        if self.object.pending == 0:
            self.base("complete_tx")
        if not completing and self.object.pending == 1 and not self.object.transactions:
            self.base("expect_tx")

    def operand(self):
        """What follows the address, if anything does."""
        tail = self.operands.rsplit("]", 1)[1].strip(" ,")
        return tail

    def returned(self, before):
        """Takes the state that an arrival gives; `before` is the object from before it."""
        destination = self.operands.split(",")[0]
        if destination == "_":
            return {}
        self.after = [(f"mbarrier.pending_count.b64 %v, %state;", before[0])]
        self.next_state = before[1]
        return {destination: "%state"}

    def arrival(self):
        drop, transaction = "arrive_drop" in self.modifiers, "expect_tx" in self.modifiers
        self.prepare("noComplete" not in self.modifiers)
        left = self.object.pending - ("noComplete" in self.modifiers and not self.object.transactions)
        tail, count, moved = self.operand(), 1, 0
        if transaction:
            moved = 16 * self.random.randint(1, 4)
            self.lines.append(f"mov.b32 {tail}, {moved};")
        elif tail.startswith("%"):
            count = self.random.randint(1, min(left, 2 if drop else left))
            self.lines.append(f"mov.b32 {tail}, {count};")
        replaced = self.returned((self.object.pending, self.object.phase))
        self.lines.append(self.text(replaced))
        self.object.arrive(count, drop, moved)
        if replaced:
            self.state_phase = self.next_state
            for code, word in self.after:
                self.lines.append(code)
                self.store("%v", word)

    def transaction(self):
        register = self.operand()
        if "complete_tx" in self.modifiers and not self.object.transactions:
            self.base("expect_tx")
        expect = "expect_tx" in self.modifiers
        count = 16 * self.random.randint(1, 4) if expect else self.random.choice((16, self.object.transactions))
        self.lines += [f"mov.b32 {register}, {count};", self.text({})]
        if expect:
            self.object.transactions += count
        else:
            self.object.complete(count)

    def wait(self):
        result, _, *tail = (part.strip() for part in self.operands.split(","))
        replaced = {}
        if "parity" in self.modifiers:
            parity = 0
            if tail[0].startswith("%"):
                parity = self.random.randint(0, 1)
                self.lines.append(f"mov.b32 {tail[0]}, {parity};")
            done = self.object.phase & 1 != parity
        else:
            if self.state_phase is None or self.object.phase - self.state_phase > 1:
                self.base("arrive")
            replaced[tail[0]] = "%state"
            done = self.object.phase > self.state_phase
        if len(tail) > 1 and tail[1].startswith("%"):
            self.lines.append(f"mov.b32 {tail[1]}, 20;")
        self.lines.append(self.text(replaced))
        self.store(result, int(done))

    def once(self):
        """The variant itself, wherever the object stands."""
        kind = self.modifiers[1]
        if kind == "pending_count":
            self.base("arrive")
            self.lines.append(self.variant.replace(self.operands.split(", ")[1], "%state") + ";")
            self.store(self.operands.split(",")[0], self.pending_before)
        elif kind in ("init", "inval"):
            count = self.random.randint(5, 9)
            self.lines += ["mbarrier.inval.shared::cta.b64 [%bar];" if kind == "init" else self.text({})]
            if kind == "inval" or not self.operand().startswith("%"):
                count = count if kind == "inval" else 1
            self.lines.append(f"mov.b32 %r0, {count};")
            self.lines.append(self.text({}) if kind == "init" else "mbarrier.init.shared::cta.b64 [%bar], %r0;")
            self.object, self.state_phase = Object(count), None
        elif kind in WAITS:
            self.wait()
        elif kind in ("expect_tx", "complete_tx"):
            self.transaction()
        else:
            self.arrival()
        self.observe()

    def base(self, kind=None):
        """Another operation, in a form of which this test is not about."""
        if kind is None:
            kind = "complete_tx" if self.object.pending == 0 else self.random.choice(["arrive", "arrive", "expect_tx"])
            if kind == "expect_tx" and self.object.transactions:
                kind = "complete_tx"
        if kind == "arrive":
            if self.object.pending == 0:
                self.base("complete_tx")
            self.pending_before, self.state_phase = self.object.pending, self.object.phase
            self.lines.append("mbarrier.arrive.shared::cta.b64 %state, [%bar];")
            self.object.arrive(1)
        elif kind == "expect_tx":
            self.lines.append("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%bar], 16;")
            self.object.transactions += 16
        else:
            self.lines.append(f"mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%bar], {self.object.transactions};")
            self.object.complete(self.object.transactions)
        self.observe()

    def build(self, offset):
        count = self.random.randint(7, 9)
        self.object = Object(count)
        self.lines += [f"add.u64 %bar, %base, {offset}; cvta.shared.u64 %gbar, %bar; mapa.shared::cluster.u64 %far, %bar, %peer;",
                       f"mapa.u64 %gfar, %gbar, %peer; mbarrier.init.shared::cta.b64 [%bar], {count}; {SYNC if self.remote else ''}"]
        for step in range(STEPS):
            if step % 3 == 2:
                self.once()
            else:
                self.base()
        if self.object.transactions:
            self.base("complete_tx")
        self.lines.append("mbarrier.inval.shared::cta.b64 [%bar];")
        return self


def places(variant):
    """Whether the object is the peer's."""
    name, rest = variant.split(None, 1)
    far = "shared::cluster" in name or ("shared" not in name and (rest.startswith("_") or re.search(r"\.(expect|complete)_tx", name)
                                                                  and "arrive" not in name))
    return (False, True) if far else (False,)


def source(sequences, words):
    body = "\n".join("    " + " ".join(s.lines) for s in sequences)
    return f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pout)
{{
    .reg .pred %p<10>; .reg .b32 %r<10>, %v, %rank, %peer; .reg .b64 %d<10>, %state, %out, %base, %bar, %gbar, %far, %gfar;
    .shared .align 8 .b64 objects[{len(sequences)}];
    mov.u32 %rank, %cluster_ctarank; xor.b32 %peer, %rank, 1; mov.u64 %base, objects;
    ld.param.u64 %out, [pout]; mul.wide.u32 %bar, %rank, {4 * words}; add.u64 %out, %out, %bar; {SYNC}
{body}
    {SYNC} ret;
}}
"""


@pytest.mark.parametrize("seed", (None, 1, 2))
def test_mbarrier_forms(seed, tmp_path, monkeypatch):
    harness.set_schedule(monkeypatch, seed)
    assert len(VARIANTS) > 250
    cases = [(variant, remote) for variant in VARIANTS for remote in places(variant)]
    assert sum(remote for _, remote in cases) > 90
    sequences = [Sequence(variant, remote, seed).build(8 * seed) for seed, (variant, remote) in enumerate(cases)]
    words = sum(len(s.words) for s in sequences)
    path = tmp_path / "mbarrier.ptx"
    path.write_text(source(sequences, words))
    test = harness.Test(f"//! grid {CLUSTER}\n//! block 1\n//! cluster {CLUSTER}")
    test.arguments = [("out", "d", np.zeros((CLUSTER, words), np.uint32))]
    test.run(path)
    for rank, got in enumerate(test.names["d"].tolist()):
        at = 0
        for s in sequences:
            part = got[at:at + len(s.words)]
            at += len(s.words)
            assert part == s.words, f"{s.variant}{' of the peer' if s.remote else ''}, CTA {rank}: got {part}, want {s.words}"
