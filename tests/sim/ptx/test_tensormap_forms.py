"""Every variant of tensormap.replace and tensormap.cp_fenceproxy: a map is copied from a parameter to where the form wants it, one
field is changed, and a tensor load shows what the map says then (ISA 5.5, 9.7.9.28 and 9.7.13.16)."""

import re

import forms
import harness
import numpy as np
import pytest

VARIANTS = forms.swept_by("test_tensormap_forms.py")
RANDOM = np.random.default_rng(14)
DATA = RANDOM.integers(0, 256, 1 << 18).astype(np.uint8)
SECOND = 1 << 17  # where the other address points
DUMPED = 1024
# By the number of tensormap.replace: bytes of an element, and whether it is a floating-point type.
ELEMENTS = [(1, 0), (2, 0), (4, 0), (4, 0), (8, 0), (8, 0), (2, 1), (4, 1), (4, 1), (8, 1), (2, 1), (4, 1), (4, 1)]
SCOPES = ("cta", "cluster", "gpu", "sys")


class Map:
    """What a map says, as the kernel's parameter has it."""

    def __init__(self):
        self.address, self.rank, self.element, self.size, self.fill, self.swizzle = 0, 5, 7, 4, 0, 0
        self.box, self.dims = [16, 2, 1, 1, 2], [20, 4, 3, 3, 3]
        self.strides = [256, 1024, 3072, 9216]
        self.steps = [1] * 5
        self.corner = [8, 3, 1, 0, 2]  # of the box that is loaded, over the tensor's edges

    def argument(self, buffers):
        numbers = [self.dims, self.strides, self.box, self.steps]
        lists = ":".join(",".join(str(n) for n in row) for row in numbers)
        return f"map:0:{self.element}:0:0:{lists}"

    def loaded(self):
        """The bytes that a load leaves in shared memory."""
        steps = [1] + self.steps[1:]
        counts = [-(-b // s) for b, s in zip(self.box, steps)][:self.rank]
        result = bytearray()
        for at in np.ndindex(*counts[::-1]):
            there = [c + i * s for c, i, s in zip(self.corner, at[::-1], steps)]
            if all(0 <= t < d for t, d in zip(there, self.dims)):
                start = self.address + self.size * there[0] + sum(t * s for t, s in zip(there[1:], self.strides))
                result += self.converted(DATA[start:start + self.size].tobytes())
            else:
                nan = (1 << 8 * self.size - 1) - 1
                result += (nan if self.fill else 0).to_bytes(self.size, "little")
        return self.swizzled(bytes(result))

    def converted(self, data):
        """f32.ftz and tf32.ftz flush subnormals, tf32 and tf32.ftz round to tf32: to nearest, ties away from zero."""
        if self.element not in (8, 11, 12):
            return data
        value = np.frombuffer(data, np.float32).astype(np.float64)[0]
        if self.element != 11 and abs(value) < 2.0**-126:
            value = np.copysign(0.0, value)
        if self.element != 8 and np.isfinite(value):
            place = 2.0**(max(np.frexp(value)[1] - 1, -126) - 10)
            value = np.copysign(np.floor(abs(value) / place + 0.5) * place, value)
        if self.element != 8 and np.isnan(value):
            return ((int.from_bytes(data, "little") | 0x400000) & ~0x1FFF).to_bytes(4, "little")
        return np.float32(value).tobytes() if np.isfinite(value) or self.element != 8 else data

    def swizzled(self, data):
        """Pieces of 16 bytes change places within lines of 128."""
        mask = {0: 0, 1: 1, 2: 3, 3: 7}[self.swizzle]
        pieces = np.zeros((DUMPED // 16, 16), np.uint8)
        for i in range(len(data) // 16):
            pieces[i & ~7 | (i & 7) ^ (i >> 3 & mask)] = np.frombuffer(data[16 * i:16 * i + 16], np.uint8)
        return pieces.tobytes()


class Case:
    """A variant with a new value, the map that it makes, and code for what has to be so before it."""

    def __init__(self, variant, value):
        self.variant, self.map = variant, Map()
        self.before, self.after, self.setup = "", "", ""
        name = forms.name_of(variant)
        self.shared = "shared::cta" in name
        self.field = name.split(".")[3 if "tile" in name else 1]
        operands = [part.strip() for part in variant.split("]", 1)[1].split(",")[1:]]
        if self.field in ("box_dim", "global_dim", "global_stride", "element_stride"):
            self.ordinal = int(operands.pop(0))
        self.register = operands[-1] if operands and operands[-1].startswith("%") else None
        if operands and not self.register:
            value = int(operands[-1])
        self.value = value
        if "cp_fenceproxy" not in variant:
            self.apply()

    def other(self, field, value):
        """A field that the case needs, changed by a form that another case tests."""
        self.before += f" @%lane0 tensormap.replace.tile.{field}.shared::cta.b1024.b32 [%sm], {value};"

    def apply(self):
        m, value = self.map, self.value
        if self.field == "global_address":
            m.address = SECOND
        elif self.field == "rank":
            m.rank = value + 1
        elif self.field == "elemtype":
            m.element, (m.size, _) = value, ELEMENTS[value]
        elif self.field == "swizzle_mode":
            m.swizzle = value
            # Rows as long as the mode's.
            m.box[0], m.box[1], m.corner = (8, 8, 16, 32)[value], 4, [0] * 5
            self.other("box_dim", f"0, {m.box[0]}")
            self.other("box_dim", "1, 4")
        elif self.field == "fill_mode":
            m.fill = value
        elif self.field == "interleave_layout":
            # What the layouts do with strides the manual leaves open: back to none before the load.
            self.after = "@%lane0 tensormap.replace.tile.interleave_layout{0}.b1024.b32 [{1}], 0;"
        else:
            field = {"box_dim": m.box, "global_dim": m.dims, "global_stride": m.strides, "element_stride": m.steps}[self.field]
            field[self.ordinal] = value

    def code(self, number):
        m = self.map
        load = lambda source, to, space: " ".join(f"ld.param.b32 %v, [{source} + {k}]; st.{space}.b32 [{to} + {k}], %v;"
                                                  for k in range(0, 128, 4))
        where = "%sm" if self.shared else "%gm"
        space = ".shared::cta" if self.shared else ".global"
        text = re.sub(r"\[%r[gs]\]", lambda match: f"[{'%sm' if match.group() == '[%rs]' else '%gm'}]", self.variant)
        if self.register:
            value = f"add.u64 {self.register}, %data, {SECOND}" if self.field == "global_address" else (
                f"mov.b{64 if self.register[1] == 'd' else 32} {self.register}, {self.value}")
            text = f"{value}; @%lane0 {text}"
        publish = "tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned [%gm], [%sm], 128;"
        body = f"@%lane0 {text};" if not self.register else f"{text};"
        if "cp_fenceproxy" in self.variant:
            body = f"{text};"
        elif self.shared:
            body = f"{body} {self.after.format(space, where)} bar.warp.sync -1; {publish}"
        else:
            # Shared memory holds the map as it was, with what had to be changed before.
            body = f"{publish} bar.warp.sync -1; {body} {self.after.format(space, where)} fence.proxy.tensormap::generic.release.gpu;"
        counts = [-(-b // s) for b, s in zip(m.box, [1] + m.steps[1:])][:m.rank]
        corner = ", ".join(str(c) for c in m.corner[:m.rank])
        dump = " ".join(f"ld.shared.b32 %v, [%mine + {k}]; st.global.b32 [%out + {k}], %v;" for k in range(0, DUMPED, 128))
        clear = " ".join(f"st.shared.b32 [%mine + {k}], 0;" for k in range(0, DUMPED, 128))
        return f"""    {clear} @%lane0 mbarrier.init.shared::cta.b64 [%bar], 1; @!%lane0 bra SKIP{number}; {load("pm", "%sm", "shared")}
SKIP{number}: {self.before} bar.warp.sync -1; {body} fence.proxy.async; bar.warp.sync -1; @!%lane0 bra WAIT{number};
    fence.proxy.tensormap::generic.acquire.gpu [%gm], 128;
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%bar], {int(np.prod(counts)) * m.size};
    cp.async.bulk.tensor.{m.rank}d.shared::cta.global.mbarrier::complete_tx::bytes [%box], [%gm, {{{corner}}}], [%bar];
WAIT{number}: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%bar], 0; @!%p1 bra WAIT{number};
    {dump} add.u64 %out, %out, {DUMPED}; add.u64 %gm, %gm, 128; bar.warp.sync -1; @%lane0 mbarrier.inval.shared::cta.b64 [%bar];
"""


def new_values(variant):
    """What the register gets; forms with a constant ignore it."""
    field = forms.name_of(variant).split(".")[3] if "replace" in variant else ""
    ordinal = int(found.group(1)) if (found := re.search(r"\], (\d+), ", variant)) else None
    return {"rank": range(5) if "%" in variant.rsplit(",", 1)[1] else [2], "box_dim": [8] if ordinal == 0 else [1, 3],
            "global_dim": [12, 40] if ordinal == 0 else [2, 5], "global_stride": [512] if ordinal == 0 else [12288],
            "element_stride": [1] if ordinal == 0 else [2]}.get(field, [0])


def kernel(body):
    return f""".version 8.6
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pdata, .param .align 64 .b8 pm[128], .param .u64 pmaps, .param .u64 pout)
{{
    .reg .pred %p<4>, %lane0; .reg .b32 %r<4>, %v, %lane; .reg .b64 %d<4>, %data, %out, %gm, %sm, %box, %mine, %bar, %off;
    .shared .align 1024 .b8 box[{DUMPED}]; .shared .align 128 .b8 map[128]; .shared .align 8 .b64 bar;
    mov.u32 %lane, %laneid; setp.eq.u32 %lane0, %lane, 0; mul.wide.u32 %off, %lane, 4; ld.param.u64 %data, [pdata];
    ld.param.u64 %gm, [pmaps]; ld.param.u64 %out, [pout]; add.u64 %out, %out, %off; mov.u64 %sm, map; mov.u64 %box, box;
    add.u64 %mine, %box, %off; mov.u64 %bar, bar;
{body}    ret;
}}
"""


def run(cases, tmp_path, options=""):
    path = tmp_path / "maps.ptx"
    path.write_text(kernel("".join(case.code(i) for i, case in enumerate(cases))))
    test = harness.Test(f"//! block 32\n{options}")
    test.arguments = [("in", "data", DATA), ("map", "m", Map()), ("out", "maps", np.zeros((len(cases), 128), np.uint8)),
                      ("out", "d", np.zeros((len(cases), DUMPED), np.uint8))]
    test.run(path)
    return test.names.get("d")


def test_fields(tmp_path):
    cases = [Case(variant, value) for variant in VARIANTS for value in new_values(variant)]
    fields = {case.field for case in cases}
    assert fields == {"global_address", "rank", "box_dim", "global_dim", "global_stride", "element_stride", "elemtype",
                      "interleave_layout", "swizzle_mode", "fill_mode", "cp_fenceproxy"}
    for case, got in zip(cases, run(cases, tmp_path)):
        want = case.map.loaded().ljust(DUMPED, b"\0")
        assert got.tobytes() == want, f"{case.variant} with {case.value}: {np.flatnonzero(got != np.frombuffer(want, np.uint8))[:8]} differ"


@pytest.mark.parametrize("layout", (1, 2))
def test_interleaved_maps_are_refused(layout, tmp_path):
    variant = next(v for v in VARIANTS if "interleave_layout.shared::cta" in v and v.endswith(str(layout)))
    case = Case(variant, layout)
    case.after = ""
    run([case], tmp_path, "//! fails interleave")
