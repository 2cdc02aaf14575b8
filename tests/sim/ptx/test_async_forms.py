"""Every variant of cp.async, cp.async.bulk, cp.reduce.async.bulk, st.async and red.async that is no tensor copy, by one thread that
waits for each as its form says: the bytes at the destination, against the reductions of test_memory_forms.py."""

import re

import forms
import harness
import numpy as np
import pytest

from test_memory_forms import updated

BYTES = 64
COPIED = 32
RANDOM = np.random.default_rng(31)
# Normal numbers of every float type.
TO, FROM = (RANDOM.integers(0x3C00, 0x4200, BYTES // 2).astype(np.uint16).view(np.uint8) for _ in range(2))
VALUE = int.from_bytes(FROM.tobytes()[:8], "little")
SIZES = {"f16": 2, "bf16": 2}


class Form:
    def __init__(self, variant):
        self.name, rest = variant.split(None, 1)
        self.modifiers = self.name.split(".")
        self.kind = "store" if self.modifiers[0] in ("st", "red") else "bulk" if "bulk" in self.modifiers else "small"
        self.to_global = self.kind == "bulk" and self.modifiers.index("global") < self.modifiers.index("shared::cta") if (
            "global" in self.modifiers and "shared::cta" in self.modifiers) else False
        self.from_shared = self.kind == "bulk" and "global" not in self.modifiers or self.to_global
        destination = "%rg" if self.to_global else "%rt"
        addresses = iter([destination, "%rs" if self.from_shared else "%rf", "%mb"] if self.kind != "store" else [destination, "%mb"])
        self.text = self.name + " " + re.sub(r"\[%r[gs]\]", lambda m: f"[{next(addresses)}]", rest)
        self.mbarrier = "mbarrier::complete_tx::bytes" in self.modifiers

    def sources(self):
        return re.findall(r"%[rd]\d+", self.text.split("]", 1)[1].split("[")[0]) if self.kind == "store" else []

    def element(self):
        kind = self.modifiers[-1]
        return kind, SIZES.get(kind) or int(re.search(r"\d+", kind).group()) // 8

    def bytes(self):
        """What the destination gets before it is combined with what is there."""
        raw = FROM.tobytes()
        if self.kind == "bulk":
            return raw[:COPIED]
        if self.kind == "store":
            return b"".join(raw[:self.element()[1]] for _ in self.sources())
        tail = self.text.rsplit("]", 1)[1].split(",")[1:]
        size = int(tail[0])
        rest = [word.strip() for word in tail[1:]]
        # A source size below the copy's fills with zeros; a predicate ignores the source.
        copied = size
        if rest and rest[0].startswith("%p"):
            copied = 0
        elif rest and not rest[0].startswith("%d"):
            copied = min(size, 2 if rest[0].startswith("%r") else int(rest[0]))
        return raw[:copied].ljust(size, b"\0")

    def expected(self):
        new = self.bytes()
        op = next((m for m in self.modifiers if m in ("and", "or", "xor", "add", "inc", "dec", "min", "max")), None)
        if op and ("reduce" in self.modifiers or self.modifiers[0] == "red"):
            kind, size = self.element()
            old = TO.tobytes()
            new = b"".join(updated(op, kind, old[i:i + size], new[i:i + size], None) for i in range(0, len(new), size))
        return new + TO.tobytes()[len(new):]

    def code(self):
        size = len(self.bytes())
        lines = [f"st.shared.b64 [%rt + {8 * k}], %t{k}; st.global.b64 [%rg + {8 * k}], %t{k};" for k in range(8)]
        lines.append(f"mov.b32 %r0, {2 if self.kind == 'small' else COPIED}; mov.b16 %h0, 1;")
        for register in dict.fromkeys(self.sources()):
            lines.append(f"mov.b64 {register}, {VALUE};" if register[1] == "d" else f"mov.b32 {register}, {VALUE & 0xFFFFFFFF};")
        if self.mbarrier:
            lines.append(f"mbarrier.init.shared::cta.b64 [%mb], 1; mbarrier.arrive.expect_tx.shared::cta.b64 _, [%mb], {size};")
        # The stores above are not the async proxy's.
        lines += ["fence.proxy.async;", self.text + ";"]
        if self.mbarrier:
            lines.append("{ W: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%mb], 0; @!%p1 bra W; } mbarrier.inval.shared::cta.b64 [%mb];")
        elif self.kind == "small":
            lines.append("cp.async.wait_all;")
        else:
            lines.append("cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;")
        where, space = ("%rg", "global") if self.to_global else ("%rt", "shared")
        for k in range(8):
            lines.append(f"ld.{space}.b64 %d9, [{where} + {8 * k}]; st.global.b64 [%out + {8 * k}], %d9;")
        lines.append(f"add.u64 %out, %out, {BYTES};")
        return "    " + " ".join(lines) + "\n"


def source(all_forms):
    load = "".join(f"ld.global.b64 %t{k}, [%to + {8 * k}]; ld.global.b64 %d9, [%rf + {8 * k}]; st.shared.b64 [%rs + {8 * k}], %d9; "
                   for k in range(8))
    return f""".version 9.1
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pto, .param .u64 pfrom, .param .u64 pscratch, .param .u64 pout)
{{
    .reg .pred %p<4>; .reg .b16 %h<4>; .reg .b32 %r<10>; .reg .b64 %d<10>, %t<8>, %to, %rf, %rg, %rs, %rt, %mb, %out;
    .shared .align 128 .b8 s[{BYTES}]; .shared .align 128 .b8 t[{BYTES}]; .shared .align 8 .b64 bar;
    ld.param.u64 %to, [pto]; ld.param.u64 %rf, [pfrom]; ld.param.u64 %rg, [pscratch]; ld.param.u64 %out, [pout];
    mov.u64 %rs, s; mov.u64 %rt, t; mov.u64 %mb, bar; setp.eq.u64 %p0, %rs, %rs; {load}
{"".join(form.code() for form in all_forms)}    ret;
}}
"""


@pytest.mark.parametrize("seed", (None, 1, 2))
def test_async_forms(seed, tmp_path, monkeypatch):
    harness.set_schedule(monkeypatch, seed)
    all_forms = [Form(variant) for variant in forms.swept_by("test_async_forms.py")]
    assert len(all_forms) > 150
    path = tmp_path / "async.ptx"
    path.write_text(source(all_forms))
    test = harness.Test("//! block 1")
    test.arguments = [("in", "to", TO.copy()), ("in", "from", FROM.copy()), ("in", "scratch", np.zeros(BYTES, np.uint8)),
                      ("out", "d", np.zeros((len(all_forms), BYTES), np.uint8))]
    test.run(path)
    for form, got in zip(all_forms, test.names["d"]):
        want = form.expected()
        assert got.tobytes() == want, f"{form.text}: {got.tobytes().hex()}, want {want.hex()}"
