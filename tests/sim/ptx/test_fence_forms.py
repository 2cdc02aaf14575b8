"""Every variant of fence, membar and their proxy forms, each where it is needed: data and a flag from one thread to another, two
threads that store and then read each other's word, and data that goes between the generic and the async proxy. On the default
schedule and on adversarial ones, where what is not ordered may come late (ISA 8 and 9.7.13.4)."""

import json
import re
import subprocess

import forms
import harness
import numpy as np
import pytest

VARIANTS = forms.swept_by("test_fence_forms.py")
SEEDS = (None, *range(1, 7))
ACQUIRED = "WAIT{0}: ld.relaxed.sys.global.u32 %v, [%flags + {1}]; setp.eq.u32 %p0, %v, 0; @%p0 bra WAIT{0};"
RAISE = "mov.u32 %v, 1; st.relaxed.sys.global.u32 [%flags + {0}], %v;"
ROLES = ("writer", "near", "far")
MAP_BYTES = 128
SLOT = 128  # a round's memory, as tensor copies want it aligned


class Round:
    """What each role does with one variant, and the words that have to come out."""

    def __init__(self, variant, number):
        self.variant, self.number = variant, number
        self.name = forms.name_of(variant)
        self.flag, self.word = 4 * number, SLOT * number
        self.value = 1000 + number
        self.code = dict.fromkeys(ROLES, "")
        self.want = []

    def scope(self):
        return self.name.rsplit(".", 1)[1]

    def wait(self):
        return ACQUIRED.format(self.number, self.flag)

    def report(self, register="%w"):
        return f"st.global.u32 [%out + {8 * self.number}], {register};"

    def pass_message(self, release, acquire, reader, space):
        store, load = {"global": ("st.global.u32 [%data + {0}], %w;", "ld.global.u32 %w, [%data + {0}];"),
                       "shared": ("st.shared.u32 [%words + {0}], %w;", "ld.shared::cluster.u32 %w, [%peer + {0}];")}[space]
        if reader == "near":
            load = load.replace("shared::cluster", "shared").replace("%peer", "%words")
        self.code["writer"] = f"mov.u32 %w, {self.value}; {store.format(self.word)} {release}; {RAISE.format(self.flag)}"
        self.code[reader] = f"{self.wait()} {acquire}; {load.format(self.word)} {self.report()}"
        self.want = [(self.value, 0)]

    def store_and_read(self, reader):
        """Never do both read the old words."""
        for role, mine, other in (("writer", 0, 4), (reader, 4, 0)):
            self.code[role] = (f"mov.u32 %w, 1; st.relaxed.sys.global.u32 [%data + {self.word + mine}], %w; {self.variant}; "
                               f"ld.relaxed.sys.global.u32 %w, [%data + {self.word + other}]; "
                               f"st.global.u32 [%out + {8 * self.number + other}], %w;")
        self.want = [(0, 1), (1, 0), (1, 1)]

    def initialize(self):
        """A remote arrival on an object that its CTA has just initialized."""
        bar = f"%bars + {8 * self.number}"
        self.code["far"] = (f"mbarrier.init.shared::cta.b64 [{bar}], 1; {self.variant}; {RAISE.format(self.flag)}\n"
                            f"DONE{self.number}: mbarrier.try_wait.parity.shared::cta.b64 %p0, [{bar}], 0; @!%p0 bra DONE{self.number};"
                            f" mov.u32 %w, {self.value}; {self.report()}")
        self.code["writer"] = (f"{self.wait()} fence.acquire.cluster; mapa.shared::cluster.u64 %at, %bars, 1; "
                               f"mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%at + {8 * self.number}];")
        self.want = [(self.value, 0)]

    def load_box(self, copy, before=""):
        bar = f"[%bars + {8 * self.number}]"
        return (f"mbarrier.init.shared::cta.b64 {bar}, 1; fence.mbarrier_init.release.cluster; "
                f"mbarrier.arrive.expect_tx.shared::cta.b64 _, {bar}, 16; {before} {copy};\n"
                f"DONE{self.number}: mbarrier.try_wait.parity.shared::cta.b64 %p0, {bar}, 0; @!%p0 bra DONE{self.number};")

    def to_async(self, kind):
        """A generic store, the fence, and a bulk copy that reads it."""
        value = f"mov.u32 %w, {self.value};"
        if kind == "global":
            copy = (f"cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [%words + {self.word + 16}], [%data + {self.word}], 16, "
                    f"[%bars + {8 * self.number}]")
            self.code["writer"] = (f"{value} {self.load_box(copy, f'st.global.u32 [%data + {self.word}], %w; {self.variant};')} "
                                   f"ld.shared.u32 %w, [%words + {self.word + 16}]; {self.report()}")
        else:
            self.code["writer"] = (f"{value} st.shared.u32 [%words + {self.word}], %w; {self.variant}; "
                                   f"cp.async.bulk.global.shared::cta.bulk_group [%data + {self.word}], [%words + {self.word}], 16; "
                                   f"cp.async.bulk.commit_group; cp.async.bulk.wait_group 0; ld.global.u32 %w, [%data + {self.word}]; "
                                   f"{self.report()}")
        self.want = [(self.value, 0)]

    def same_proxy(self):
        """No second address to reach the word by: it has to stay as it is."""
        self.code["writer"] = (f"mov.u32 %w, {self.value}; st.global.u32 [%data + {self.word}], %w; {self.variant}; "
                               f"ld.global.u32 %w, [%data + {self.word}]; {self.report()}")
        self.want = [(self.value, 0)]

    def hand_over(self):
        """A buffer and an mbarrier of the far CTA, which it wrote and initialized, are the target of a copy from here."""
        acquire, release = [v for v in VARIANTS if ".sync_restrict" in v and "proxy" in v]
        n, bar = self.number, f"%bars + {8 * self.number}"
        self.code["writer"] = (
            f"mbarrier.init.shared::cta.b64 [{bar}], 1; fence.mbarrier_init.release.cluster; {RAISE.format(self.flag)} "
            f"mov.u32 %w, {self.value}; st.shared.u32 [%words + {self.word}], %w; fence.proxy.async.shared::cta;\n"
            f"GO{n}: mbarrier.try_wait.parity.relaxed.cluster.shared::cta.b64 %p0, [{bar}], 0; @!%p0 bra GO{n}; {acquire};\n"
            f"mapa.shared::cluster.u64 %at, %bars, 1; mapa.shared::cluster.u64 %rg, %words, 1; "
            f"cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%rg + {self.word}], [%words + {self.word}], 16, "
            f"[%at + {8 * n}];")
        self.code["far"] = (
            f"mbarrier.init.shared::cta.b64 [{bar}], 1; fence.mbarrier_init.release.cluster; "
            f"mbarrier.arrive.expect_tx.shared::cta.b64 _, [{bar}], 16;\n"
            f"{self.wait()} fence.acquire.cluster; mapa.shared::cluster.u64 %at, %bars, 0; mov.u32 %w, 7; "
            f"st.shared.u32 [%words + {self.word}], %w; {release}; mbarrier.arrive.relaxed.cluster.shared::cluster.b64 _, [%at + {8 * n}];\n"
            f"DONE{n}: mbarrier.try_wait.parity.shared::cta.b64 %p0, [{bar}], 0; @!%p0 bra DONE{n}; "
            f"ld.shared.u32 %w, [%words + {self.word}]; {self.report()}")
        self.want = [(self.value, 0)]

    def tensor_map(self):
        """The address in a map is changed; a tensor copy by another thread takes the new one. Scopes of a CTA have a near reader."""
        release, acquire = self.variant, f"fence.proxy.tensormap::generic.acquire.{self.scope()} [%rg], 128"
        if ".acquire." in self.name:
            release, acquire = f"fence.proxy.tensormap::generic.release.{self.scope()}", self.variant
        reader, at = "near" if self.scope() == "cta" else "far", MAP_BYTES * self.number
        self.code["writer"] = (f"mov.u32 %w, {self.value}; st.global.u32 [%data + {self.word}], %w; fence.proxy.async.global; "
                               f"add.u64 %rg, %maps, {at}; add.u64 %at, %data, {self.word}; "
                               f"tensormap.replace.tile.global_address.global.b1024.b64 [%rg], %at; {release}; "
                               f"fence.acq_rel.sys; {RAISE.format(self.flag)}")
        copy = (f"cp.async.bulk.tensor.1d.shared::cta.global.mbarrier::complete_tx::bytes [%words + {self.word}], [%rg, {{%zero}}], "
                f"[%bars + {8 * self.number}]")
        self.code[reader] = (f"{self.wait()} fence.acq_rel.sys; fence.proxy.async.global; add.u64 %rg, %maps, {at}; {acquire}; "
                             f"{self.load_box(copy)} ld.shared.u32 %w, [%words + {self.word}]; {self.report()}")
        self.want = [(self.value, 0)]


def rounds_of(variant, numbers):
    """Rounds of a variant, each with a number of its own."""
    name = forms.name_of(variant)
    make = lambda: Round(variant, next(numbers))
    result = []

    def add(method, *arguments):
        result.append(make())
        getattr(result[-1], method)(*arguments)

    proxy = re.fullmatch(r"(?:fence|membar)\.proxy\.(\w+)(?:\.([\w:]+))?", name)
    if proxy:
        places = {"global": ["global"], "shared::cta": ["shared"], "shared::cluster": ["shared"], None: ["global", "shared"]}[proxy.group(2)]
        for place in places if proxy.group(1) == "async" else []:
            add("to_async", place)
        if proxy.group(1) == "alias":
            add("same_proxy")
    elif "tensormap::generic" in name:
        add("tensor_map")
    elif "mbarrier_init" in name:
        add("initialize")
    elif "proxy.async::generic" in name:
        add("hand_over")
    else:
        scope = {"gl": "gpu"}.get(name.rsplit(".", 1)[1], name.rsplit(".", 1)[1])
        reader = "near" if scope == "cta" else "far"
        plain = f"fence.acq_rel.{scope}"
        release, acquire = (plain if ".acquire" in name else variant), (plain if ".release" in name else variant)
        for space in ("global", "shared") if "restrict" not in name else ("shared",):
            add("pass_message", release, acquire, reader, space)
        if ".sc" in name or name.startswith("membar"):
            add("store_and_read", reader)
    return result


def source(rounds):
    bodies = {role: "\n".join("    " + r.code[role] for r in rounds if r.code[role]) for role in ROLES}
    return f""".version 9.1
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pdata, .param .u64 pflags, .param .u64 pmaps, .param .u64 pout, .param .align 64 .b8 pm[128])
{{
    .reg .pred %p<4>; .reg .b32 %v, %w, %t, %rank, %zero; .reg .b64 %data, %flags, %maps, %out, %words, %peer, %bars, %at, %rg, %off;
    .shared .align 128 .b8 words[{SLOT * len(rounds)}]; .shared .align 8 .b64 bars[{len(rounds)}];
    ld.param.u64 %data, [pdata]; ld.param.u64 %flags, [pflags]; ld.param.u64 %maps, [pmaps]; ld.param.u64 %out, [pout];
    mov.u64 %words, words; mapa.shared::cluster.u64 %peer, %words, 0; mov.u64 %bars, bars; mov.u32 %t, %tid.x; mov.u32 %rank, %cluster_ctarank;
    mov.u32 %zero, 0; barrier.cluster.arrive; barrier.cluster.wait;
    and.b32 %v, %t, 31; setp.ne.u32 %p1, %v, 0; @%p1 bra END;
    setp.ne.u32 %p1, %rank, 0; @%p1 bra FAR; setp.ne.u32 %p1, %t, 0; @%p1 bra NEAR;
{bodies["writer"]}
    bra END;
NEAR:
{bodies["near"]}
    bra END;
FAR: setp.ne.u32 %p1, %t, 0; @%p1 bra END;
{bodies["far"]}
END: barrier.cluster.arrive; barrier.cluster.wait; ret;
}}
"""


def encoded_map(tmp_path):
    """The bytes of a map of four words, which a kernel copies from its parameter."""
    words = np.zeros(4, np.uint32)
    path = tmp_path / "map.ptx"
    path.write_text(""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 p, .param .align 64 .b8 m[128], .param .u64 q)
{
    .reg .b64 %a; .reg .b32 %v<2>; .reg .b64 %d<2>; ld.param.u64 %a, [q];
""" + "".join(f"ld.param.b64 %d0, [m + {k}]; st.global.b64 [%a + {k}], %d0;\n" for k in range(0, 128, 8)) + "ret; }\n")
    test = harness.Test("//! block 1")
    test.arguments = [("in", "w", words), ("map", "m", harness.tensor_map(words, [4])), ("out", "d", np.zeros(MAP_BYTES, np.uint8))]
    test.run(path)
    return test.names["d"]


def program(tmp_path):
    numbers = iter(range(1000))
    rounds = [r for variant in VARIANTS for r in rounds_of(variant, numbers)]
    assert {r.variant for r in rounds} == set(VARIANTS) and len(VARIANTS) > 40
    path = tmp_path / "fences.ptx"
    path.write_text(source(rounds))
    maps = np.tile(encoded_map(tmp_path), len(rounds))
    test = harness.Test("//! grid 2\n//! block 64\n//! cluster 2")
    test.arguments = [("in", "data", np.zeros(SLOT // 4 * len(rounds), np.uint32)), ("in", "flags", np.zeros(len(rounds), np.uint32)),
                      ("in", "maps", maps), ("out", "d", np.zeros((len(rounds), 2), np.uint32)), ("value", "m", maps[:MAP_BYTES])]
    return test, path, rounds


@pytest.mark.parametrize("seed", SEEDS)
def test_fences(seed, tmp_path, monkeypatch):
    harness.set_schedule(monkeypatch, seed)
    test, path, rounds = program(tmp_path)
    test.run(path)
    for r, got in zip(rounds, test.names["d"].tolist()):
        assert tuple(got) in r.want, f"{r.variant}: got {got}, want one of {r.want}"


def test_no_check_misses_a_fence(tmp_path):
    test, path, _ = program(tmp_path)
    report = tmp_path / "findings.json"
    command, _ = test.command(path, tmp_path)
    subprocess.run([command[0], "--check", report] + command[1:], check=True, capture_output=True, timeout=60)
    assert json.loads(report.read_text())["findings"] == []
