"""Every variant of the tensor copies, on tensors of rank 1 to 5 and boxes inside, across each edge and outside, against a model of
the box on NumPy (ISA 5.5.3 and 9.7.9.27.1). Loads run in a cluster of two CTAs, into either and with multicast into both."""

import re

import forms
import harness
import numpy as np
import pytest

from test_memory_forms import updated

VARIANTS = forms.swept_by("test_tensor_forms.py")
CLUSTER = 2
WARP_BYTES = 128
BOX_BYTES = 16 * 3 * 2 * 2 * 2
DUMPED = BOX_BYTES + WARP_BYTES  # what lies behind the box must stay
BEFORE = 0xA5
SYNC = "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;"
# Numbers as in cuda.h, the fill, and which reductions the manual has for the type.
ALL = ("add", "min", "max")
BITS = ("and", "or", "xor")
TYPES = {"u8": (0, 0, ()), "u16": (1, 0, ()), "u32": (2, 0, ALL + BITS + ("inc", "dec")), "s32": (3, 0, ALL + BITS),
         "u64": (4, 0, ALL + BITS), "s64": (5, 0, ("min", "max") + BITS), "f16": (6, 1, ALL), "f32": (7, 1, ("add",)),
         "f64": (8, 1, ()), "bf16": (9, 1, ALL)}
RANKS = range(1, 6)


def size_of(kind):
    return int(re.search(r"\d+", kind).group()) // 8


def geometry(kind, rank):
    """Sizes of the box, of the tensor and of the array around it, innermost first."""
    inner = 16 // size_of(kind)
    return ([inner, 3, 2, 2, 2][:rank], [2 * inner + (inner + 1) // 2, 4, 3, 3, 2][:rank], [3 * inner, 4, 3, 3, 2][:rank])


def places(kind, rank):
    """Corners of boxes: inside, over the lower and upper edges, and outside."""
    inner = 16 // size_of(kind)
    return [[1, 1, 1, 0, 0][:rank], [-1, -2, -1, -1, -1][:rank], [2 * inner - 1, 2, 2, 2, 1][:rank], [0, 1, 0, 1, 7][:rank - 1] + [9 * inner]]


def values(kind, shape, seed):
    """Raw bits that are ordinary numbers of every type."""
    random = np.random.default_rng(seed)
    bits = random.integers(0x3C00, 0x4200, int(np.prod(shape)) * max(size_of(kind) // 2, 1)).astype(np.uint16)
    raw = bits.astype(np.uint8) if size_of(kind) == 1 else bits
    return raw.view(f"u{size_of(kind)}").reshape(shape[::-1])


def elements(kind, rank, corner):
    """Pairs of places in the box and in the array, outermost first; None where it is outside the tensor."""
    box, dims, _ = geometry(kind, rank)
    for at in np.ndindex(*box[::-1]):
        there = tuple(c + i for c, i in zip(corner[::-1], at))
        inside = all(0 <= t < d for t, d in zip(there, dims[::-1]))
        yield at, there if inside else None


def rank_of(variant):
    return int(re.search(r"\.(\d)d\.", variant).group(1))


class Case:
    """A variant with a box."""

    def __init__(self, variant, kind, index):
        self.variant, self.kind, self.rank, self.index = variant, kind, rank_of(variant), index
        self.corner = places(kind, self.rank)[index]
        self.modifiers = forms.name_of(variant).split(".")
        self.multicast = "multicast::cluster" in self.modifiers
        self.mask = (3, 2, 1, 3)[index]
        self.far = "shared::cluster" in self.modifiers and not self.multicast and index % 2 == 1

    def text(self, shared, mbarrier=""):
        addresses = iter([shared, mbarrier])
        text = re.sub(r"\[%rs\]", lambda m: f"[{next(addresses)}]", self.variant).replace("[%rg,", f"[%m{self.rank},")
        coordinates = " ".join(f"mov.b32 %r{i}, {c};" for i, c in enumerate(self.corner))
        return coordinates, text

    def loaded(self, source, fill):
        """The bytes of shared memory after a load."""
        box = np.zeros(geometry(self.kind, self.rank)[0][::-1], source.dtype)
        for at, there in elements(self.kind, self.rank, self.corner):
            box[at] = source[there] if there else fill
        return box.tobytes().ljust(DUMPED, bytes([BEFORE]))

    def stored(self, target, box):
        """The array after a store or a reduction."""
        op = next((m for m in self.modifiers if m in ALL + BITS + ("inc", "dec")), None) if "reduce" in self.modifiers else None
        result = target.copy()
        if "prefetch" in self.modifiers:
            return result
        size = size_of(self.kind)
        for at, there in elements(self.kind, self.rank, self.corner):
            if not there:
                continue
            new = box[at].tobytes()
            if op in BITS:
                new = updated(op, f"b{8 * size}", target[there].tobytes(), new, None)
            elif op:
                new = updated(op, self.kind, target[there].tobytes(), new, None)
            result[there] = np.frombuffer(new, target.dtype)[0]
        return result


def head(parameters, maps):
    names = [f".param .u64 {p}" for p in parameters] + [f".param .align 64 .b8 pm{rank}[128]" for rank in maps]
    addresses = " ".join(f"mov.b64 %m{rank}, pm{rank}; cvta.param.u64 %m{rank}, %m{rank};" for rank in maps)
    return f""".version 9.1
.target sm_90a
.address_size 64
.visible .entry test({", ".join(names)})
{{
    .reg .pred %p<4>, %lane0, %lead; .reg .b16 %h<2>; .reg .b32 %r<6>, %lane, %rank, %peer, %v; .reg .b64 %d<4>, %m<6>, %at, %off, %out;
    .reg .b64 %s, %mb, %fars, %farmb, %from, %to; .shared .align 128 .b8 box[{DUMPED}]; .shared .align 8 .b64 bars[256];
    mov.u32 %lane, %tid.x; setp.eq.u32 %lane0, %lane, 0; mov.u32 %rank, %cluster_ctarank; xor.b32 %peer, %rank, 1; mov.u64 %s, box;
    setp.eq.and.u32 %lead, %rank, 0, %lane0; mul.wide.u32 %off, %lane, 4; createpolicy.fractional.L2::evict_first.b64 %d0;
    {addresses}
"""


def load_code(case, number):
    coordinates, text = case.text("%fars" if case.far else "%s", "%farmb" if case.far else "%mb")
    fill = " ".join(f"st.shared.b32 [%at + {k}], {BEFORE * 0x01010101};" for k in range(0, DUMPED, WARP_BYTES))
    dump = " ".join(f"ld.shared.b32 %v, [%at + {k}]; st.global.b32 [%to + {k}], %v;" for k in range(0, DUMPED, WARP_BYTES))
    waits = "setp.eq.u32 %p1, %rank, %rank;"
    if case.multicast:
        waits = f"shr.u32 %v, {case.mask}, %rank; and.b32 %v, %v, 1; setp.ne.u32 %p1, %v, 0; mov.b16 %h0, {case.mask};"
    return f"""    add.u64 %at, %s, %off; {fill} fence.proxy.async; mov.u64 %mb, bars; add.u64 %mb, %mb, {8 * number};
    mapa.shared::cluster.u64 %farmb, %mb, %peer; mapa.shared::cluster.u64 %fars, %s, %peer; {waits} and.pred %p2, %p1, %lane0;
    @%lane0 mbarrier.init.shared::cta.b64 [%mb], 1; fence.mbarrier_init.release.cluster; {SYNC}
    @%p2 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%mb], {16 * int(np.prod(geometry(case.kind, case.rank)[0][1:]))};
    {coordinates} @{'%lead' if case.multicast else '%lane0'} {text};
    @!%p1 bra DONE{number};
WAIT{number}: mbarrier.try_wait.parity.shared::cta.b64 %p0, [%mb], 0; @!%p0 bra WAIT{number};
DONE{number}: {SYNC} add.u64 %to, %out, %off; {dump} add.u64 %out, %out, {CLUSTER * DUMPED};
"""


@pytest.mark.parametrize("kind", TYPES)
def test_loads(kind, tmp_path):
    variants = [v for v in VARIANTS if "mbarrier" in v]
    assert len(variants) == 60
    cases = [Case(v, kind, (i + j) % 4) for i, v in enumerate(variants) for j in range(4 if kind in ("s32", "f16") else 2)]
    sources = {rank: values(kind, geometry(kind, rank)[2], rank) for rank in RANKS}
    number, nan, _ = TYPES[kind]
    maps = [("map", f"m{rank}", harness.tensor_map(sources[rank], geometry(kind, rank)[0], type=number, fill=nan,
                                                   dims=geometry(kind, rank)[1])) for rank in RANKS]
    path = tmp_path / "load.ptx"
    prelude = f"    ld.param.u64 %out, [pout]; mul.wide.u32 %at, %rank, {DUMPED}; add.u64 %out, %out, %at;\n"
    codes = "".join(load_code(case, i) for i, case in enumerate(cases))
    path.write_text(head(["pout"] + [f"ps{rank}" for rank in RANKS], RANKS) + prelude + codes + "    ret;\n}\n")
    test = harness.Test(f"//! grid {CLUSTER}\n//! block 32\n//! cluster {CLUSTER}")
    test.arguments = [("out", "d", np.zeros((len(cases), CLUSTER, DUMPED), np.uint8))]
    test.arguments += [("in", f"s{rank}", sources[rank]) for rank in RANKS] + maps
    test.run(path)
    # The manual's OOB-NaN.
    fill = (1 << 8 * size_of(kind) - 1) - 1 if nan else 0
    for case, dumps in zip(cases, test.names["d"]):
        for rank, got in enumerate(dumps):
            want = case.loaded(sources[case.rank], fill)
            if case.multicast and not case.mask >> rank & 1:
                want = bytes([BEFORE]) * DUMPED
            assert got.tobytes() == want, f"{case.variant} at {case.corner}, CTA {rank}: {got.tobytes().hex()}, want {want.hex()}"


def store_code(case, number):
    coordinates, text = case.text("%s")
    size = int(np.prod(geometry(case.kind, case.rank)[2])) * size_of(case.kind)
    copy = lambda label: (f"{label}{number}: ld.global.b32 %v, [%from]; st.global.b32 [%to], %v; add.u64 %from, %from, {WARP_BYTES}; "
                          f"add.u64 %to, %to, {WARP_BYTES}; setp.lt.u64 %p0, %from, %at; @%p0 bra {label}{number};")
    return f"""    ld.param.u64 %d1, [pi{case.rank}]; ld.param.u64 %d2, [pt{case.rank}];
    add.u64 %from, %d1, %off; add.u64 %to, %d2, %off; add.u64 %at, %d1, {size}; {copy("BACK")}
    fence.proxy.async; bar.warp.sync -1; {coordinates} @%lane0 {text};
    cp.async.bulk.commit_group; cp.async.bulk.wait_group 0; bar.warp.sync -1;
    add.u64 %from, %d2, %off; add.u64 %to, %out, %off; add.u64 %at, %d2, {size}; {copy("DUMP")} add.u64 %out, %out, {size};
"""


@pytest.mark.parametrize("kind", TYPES)
def test_stores_and_reductions(kind, tmp_path):
    number, _, reductions = TYPES[kind]
    variants = [v for v in VARIANTS if "mbarrier" not in v]
    assert len(variants) == 200
    variants = [v for v in variants if ".reduce." not in v or any(f".{op}." in v for op in reductions)]
    cases = [Case(v, kind, (i // 4 + j) % 4) for i, v in enumerate(variants) for j in range(2)]
    initial = {rank: values(kind, geometry(kind, rank)[2], 10 + rank) for rank in RANKS}
    targets = {rank: np.zeros_like(initial[rank]) for rank in RANKS}
    boxes = {rank: values(kind, geometry(kind, rank)[0], 20) for rank in RANKS}
    maps = [("map", f"m{rank}", harness.tensor_map(targets[rank], geometry(kind, rank)[0], type=number, dims=geometry(kind, rank)[1]))
            for rank in RANKS]
    load = "".join(f"ld.global.b32 %v, [%from + {k}]; st.shared.b32 [%to + {k}], %v; " for k in range(0, BOX_BYTES, WARP_BYTES))
    prelude = (f"    ld.param.u64 %out, [pout]; ld.param.u64 %from, [pbox]; add.u64 %from, %from, %off; add.u64 %to, %s, %off; {load}\n")
    path = tmp_path / "store.ptx"
    names = ["pout", "pbox"] + [f"p{letter}{rank}" for letter in "it" for rank in RANKS]
    path.write_text(head(names, RANKS) + prelude + "".join(store_code(case, i) for i, case in enumerate(cases)) + "    ret;\n}\n")
    sizes = [initial[case.rank].nbytes for case in cases]
    test = harness.Test("//! block 32")
    test.arguments = [("out", "d", np.zeros(sum(sizes), np.uint8)), ("in", "box", boxes[5])]
    test.arguments += [("in", f"i{rank}", initial[rank]) for rank in RANKS] + [("out", f"t{rank}", targets[rank]) for rank in RANKS] + maps
    test.run(path)
    offsets = np.cumsum([0] + sizes)
    for case, at, size in zip(cases, offsets, sizes):
        got = test.names["d"][at:at + size].view(initial[case.rank].dtype).reshape(initial[case.rank].shape)
        # The box's bytes are the first ones of the largest.
        box = boxes[5].ravel()[:boxes[case.rank].size].reshape(boxes[case.rank].shape)
        want = case.stored(initial[case.rank], box)
        assert np.array_equal(got, want), f"{case.variant} on {kind} at {case.corner}: {np.argwhere(got != want)[:4].tolist()} differ"


def test_every_reduction_has_a_type():
    ops = {op for _, _, reductions in TYPES.values() for op in reductions}
    assert {v.split(".shared::cta.")[1].split(".")[0] for v in VARIANTS if ".reduce." in v} == ops
