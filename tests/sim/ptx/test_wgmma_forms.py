"""Every variant of wgmma.mma_async: shapes, element types, modifiers, A from registers and from shared memory, by the register
fragments of ISA 9.7.15.5.1.1 and the layout without swizzle of 9.7.15.5.1.2, on integers that all formats hold.

A transposed operand is a constant matrix here; layouts, swizzles and how sums round are tested in tests/sim/tensor."""

import re

import forms
import harness
import numpy as np

from test_mma_forms import BITS, RANGES, encode, multiplicand, pack

THREADS = 128
LINE = 32  # bytes of K
A_BYTES, B_BYTES = 64 * LINE, 256 * LINE


def image(matrix, kind):
    """Lines along K as shared memory has them: core matrices of 8 lines by 16 bytes, two along K (LBO 128, SBO 256)."""
    bits = BITS[kind]
    packed = pack(encode(matrix, kind).reshape(len(matrix), -1, max(32 // bits, 1)), bits).astype(np.uint32)
    raw = packed.view(np.uint8).reshape(len(matrix) // 8, 8, 2, 16)
    return raw.transpose(0, 2, 1, 3).reshape(-1)


def accumulator(matrix, kind):
    """[warp, lane, register]"""
    half = kind == "f16"
    n = matrix.shape[1]
    index, lane, warp = np.arange(n // 4 if half else n // 2), np.arange(32), np.arange(4)
    row = (warp * 16)[:, None, None] + (lane // 4)[:, None] + 8 * (index % 2 if half else index // 2 % 2)
    column = np.broadcast_to((lane % 4 * 2)[:, None] + (index // 2 * 8 if half else index // 4 * 8 + index % 2), row.shape)
    bits = encode(matrix, kind)
    return pack(np.stack([bits[row, column], bits[row, column + 1]], -1), 16) if half else bits[row, column]


class Case:
    def __init__(self, variant, random):
        name, rest = variant.split(None, 1)
        d, a, b = [t for t in name.split(".") if t in BITS or t in ("f32", "s32")]
        n, k = map(int, re.search(r"n(\d+)k(\d+)", name).groups())
        groups = re.findall(r"\{[^}]*\}|[^,\s]+", rest)
        self.in_registers = groups[1].startswith("{")
        self.results = groups[0].count("%")
        scale, *options = groups[3:]
        integer = d == "s32"
        signs = [int(x) for x in options[:2]] if not integer else [1, 1]
        transposed = [int(x) for x in options[2:]]
        if self.in_registers:
            transposed = [0] + transposed
        transposed += [0] * (2 - len(transposed))
        span = lambda kind: RANGES.get(kind, (-8, 9)) if kind not in ("e4m3", "e5m2", "f16") else (-4, 5)
        draw = lambda kind, shape, fixed: np.full(shape, 2) if fixed else random.integers(*span(kind), shape)
        left, right = draw(a, (64, k), transposed[0]), draw(b, (n, k), transposed[1])
        start = random.integers(-100, 101, (64, n))
        if integer and a != "b1":
            start[::3] += 2**31 - 200
        product = (left @ right.T) * signs[0] * signs[1]
        total = product + (start if scale == "1" else 0)
        if integer:
            total = np.clip(total, -2**31, 2**31 - 1) if "satfinite" in name else (total + 2**31) % 2**32 - 2**31
            start = (start + 2**31) % 2**32 - 2**31
        # All threads' words: A's image or fragments, B's image, the accumulators.
        self.a = image(left, a).view(np.uint32)
        if self.in_registers:
            tiles = [multiplicand(left[16 * w:16 * w + 16], a, 16).astype(np.uint32) for w in range(4)]
            self.a = np.ascontiguousarray(np.stack(tiles).reshape(THREADS, 4).T).ravel()
        self.b = image(right, b).view(np.uint32)
        words = lambda matrix: accumulator(matrix, d).astype(np.uint32).reshape(THREADS, -1).T
        self.start, self.want = words(start), words(total)
        self.variant = self.numbered(name, groups, scale, options)

    def numbered(self, name, groups, scale, options):
        """Operands in this test's registers."""
        d = "{" + ", ".join(f"%f{i}" for i in range(self.results)) + "}"
        a = "{%a0, %a1, %a2, %a3}" if self.in_registers else "%da"
        return f"{name} {d}, {a}, %db, {', '.join(['%p0' if '%' in scale else scale] + options)};"

    def inputs(self):
        return np.concatenate([self.a, self.b, self.start.ravel()])

    def code(self, read, write):
        lines, at = [], read
        if self.in_registers:
            lines += [f"ld.global.b32 %a{i}, [%in + {4 * (at + THREADS * i)}];" for i in range(4)]
        else:
            lines += [f"ld.global.b32 %t, [%in + {4 * (at + THREADS * i)}]; st.shared.b32 [%sa + {4 * THREADS * i}], %t;"
                      for i in range(len(self.a) // THREADS)]
        at += len(self.a)
        whole, rest = divmod(len(self.b), THREADS)
        for i in range(whole + (rest > 0)):
            guard = "@%few " if i == whole else ""
            lines.append(f"{guard}ld.global.b32 %t, [%in + {4 * (at + THREADS * i)}]; "
                         f"{guard}st.shared.b32 [%sb + {4 * THREADS * i}], %t;")
        at += len(self.b)
        lines += [f"ld.global.b32 %f{i}, [%in + {4 * (at + THREADS * i)}];" for i in range(self.results)]
        lines += ["fence.proxy.async; bar.sync 0; wgmma.fence.sync.aligned;", self.variant,
                  "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0; bar.sync 0;"]
        lines += [f"st.global.b32 [%out + {4 * (write + THREADS * i)}], %f{i};" for i in range(self.results)]
        return "    " + " ".join(lines) + "\n"


def source(cases):
    body, read, write = "", 0, 0
    for case in cases:
        # B's image may be less than a word a thread.
        few = len(case.b) % THREADS
        body += f"    setp.lt.u32 %few, %me, {few};\n" if few else ""
        body += case.code(read, write)
        read, write = read + len(case.inputs()), write + THREADS * case.results
    return f""".version 8.5
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pin, .param .u64 pout)
{{
    .reg .b32 %f<128>, %a<4>, %t, %me, %sa, %sb, %word; .reg .b64 %in, %out, %at, %da, %db; .reg .pred %p0, %few;
    .shared .align 128 .b8 a[{A_BYTES}]; .shared .align 128 .b8 b[{B_BYTES}];
    mov.u32 %me, %tid.x; mul.wide.u32 %at, %me, 4; setp.ne.u32 %p0, %me, %me;
    ld.param.u64 %in, [pin]; add.u64 %in, %in, %at; ld.param.u64 %out, [pout]; add.u64 %out, %out, %at;
    // Descriptors: the address, LBO 128 and SBO 256 bytes, no swizzle.
    mov.u32 %sa, a; shr.u32 %t, %sa, 4; or.b32 %t, %t, {8 << 16}; mov.u32 %word, 16; mov.b64 %da, {{%t, %word}};
    mov.u32 %sb, b; shr.u32 %t, %sb, 4; or.b32 %t, %t, {8 << 16}; mov.b64 %db, {{%t, %word}};
    shl.b32 %t, %me, 2; add.u32 %sa, %sa, %t; add.u32 %sb, %sb, %t;
{body}    ret;
}}
"""


def test_wgmma_forms(tmp_path):
    random = np.random.default_rng(29)
    chosen = forms.swept_by("test_wgmma_forms.py")
    assert len(chosen) > 2000
    # In parts, so that no kernel gets out of hand.
    for first in range(0, len(chosen), 200):
        cases = [Case(variant, random) for variant in chosen[first:first + 200]]
        path = tmp_path / "wgmma.ptx"
        path.write_text(source(cases))
        test = harness.Test(f"//! block {THREADS}")
        test.arguments = [("in", "a", np.concatenate([case.inputs() for case in cases])),
                          ("out", "d", np.zeros(sum(case.results for case in cases) * THREADS, np.uint32))]
        test.run(path)
        at = 0
        for case in cases:
            got = test.names["d"][at:at + THREADS * case.results].reshape(-1, THREADS)
            at += THREADS * case.results
            assert np.array_equal(got, case.want), f"{case.variant}: {np.argwhere(got != case.want)[:4]}"
