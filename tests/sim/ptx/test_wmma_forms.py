"""Every variant of wmma.load, wmma.mma and wmma.store, each in a chain of loads, a product and a store whose other parts are of one
form, on integers. A fragment's layout is open, so what a load or a store does shows at the end of its chain (ISA 9.7.14.4)."""

import re

import forms
import harness
import numpy as np

from test_wmma import BITS, FRAGMENTS, RANGES, encode, registers

VARIANTS = forms.swept_by("test_wmma_forms.py")
ALIGNMENT = 128
RANDOM = np.random.default_rng(25)
# Which products have accumulators of a type, by the shape where there are several.
PRODUCTS = {"f16": "f16", "f32": "f16", "s32": "s8", "f64": "f64"}
BY_SHAPE = {(16, 16, 8): "tf32", (8, 8, 32): "s4", (8, 8, 128): "b1"}


class Matrix:
    """A matrix in memory, and the form that moves it."""

    def __init__(self, name, kind, rows, columns, layout):
        self.name, self.kind, self.rows, self.columns, self.layout = name, kind, rows, columns, layout
        self.space, self.text = ".global", None
        self.stride, self.spelled = self.length() + (128 if BITS[kind] < 8 else 32), True

    def length(self):
        return self.columns if self.layout == "row" else self.rows

    def lines(self):
        return self.rows if self.layout == "row" else self.columns

    def places(self):
        line, at = np.indices((self.lines(), self.length()))
        index = line * self.stride + at
        return index if self.layout == "row" else index.T

    def elements(self):
        size = (self.lines() - 1) * self.stride + self.length()
        unit = 8 * ALIGNMENT // BITS[self.kind]
        return -(-size // unit) * unit

    def image(self, values):
        return np.ascontiguousarray(encode(values[None], self.kind)).view(np.uint8).ravel()

    def take(self, variant):
        """Uses a variant of a load or store, whose stride may be given by a register, a constant or not at all."""
        tail = variant.rsplit("]", 1)[1] if "load" in variant else variant.rsplit("}", 1)[1]
        self.space = next((s for s in (".global", ".shared::cta", ".shared") if s + "." in variant), "")
        self.spelled = bool(tail.strip(" ,"))
        if not self.spelled:
            self.stride = self.length()
        elif not tail.strip(" ,").startswith("%"):
            self.stride = int(tail.strip(" ,"))
        self.text = variant

    def code(self, opcode, shape, count):
        address = "%sh" if "shared" in self.space else f"%p{self.name}"
        prefix = "w" if self.kind == "f64" else ""
        regs = registers(prefix + self.name, count)
        if not self.text:
            kind = self.kind
            operands = f"[{address}], {regs}" if opcode == "store" else f"{regs}, [{address}]"
            return f"wmma.{opcode}.{self.name}.sync.aligned.{self.layout}.{shape}.global.{kind} {operands}, {self.stride};"
        name = forms.name_of(self.text)
        tail = self.text[len(name):]
        stride = re.search(r"%r\d+$", tail)
        tail = re.sub(r"%r\d+$", "%stride", re.sub(r"\[%r[gs]\]", f"[{address}]", re.sub(r"\{[^}]*\}", regs, tail)))
        return f"mov.u32 %stride, {self.stride}; {name}{tail};" if stride else f"{name}{tail};"


class Chain:
    def __init__(self, variant):
        self.variant, self.modifiers = variant, forms.name_of(variant).split(".")
        self.shape_name = re.search(r"m\d+n\d+k\d+", variant).group()
        m, n, k = self.shape = tuple(map(int, re.findall(r"\d+", self.shape_name)))
        role = self.modifiers[1]
        self.kind, d_type, c_type = self.types(role)
        layouts = {"a": "row", "b": "col", "c": "row", "d": "row"}
        if role == "mma":
            layouts["a"], layouts["b"] = re.findall(r"\.(row|col)\b", variant)[:2]
        else:
            layouts[self.modifiers[2]] = re.search(r"\.(row|col)\b", variant).group(1)
        sizes = {"a": (self.kind, m, k), "b": (self.kind, k, n), "c": (c_type, m, n), "d": (d_type, m, n)}
        self.matrices = {name: Matrix(name, *sizes[name], layouts[name]) for name in "abcd"}
        if role != "mma":
            self.matrices[self.modifiers[2]].take(variant)
        self.compute()

    def types(self, role):
        """Elements of the factors, of the result and of what is added."""
        if role == "mma":
            kinds = [t for t in self.modifiers if t in BITS]
            return ("f16", *kinds) if len(kinds) == 2 else (kinds[1], kinds[0], kinds[3])
        kind = self.modifiers[-1]
        if self.modifiers[2] in "ab":
            plain = {"f16": "f32", "bf16": "f32", "tf32": "f32", "f64": "f64"}.get(kind, "s32")
            return kind, plain, plain
        return BY_SHAPE.get(self.shape) or PRODUCTS[kind], kind, kind

    def compute(self):
        self.values = {}
        for name in "abc":
            matrix = self.matrices[name]
            low, high = RANGES.get(self.kind, (-8, 9)) if name in "ab" else (-64, 65)
            self.values[name] = RANDOM.integers(low, high, matrix.elements())
            if name == "c" and matrix.kind == "s32":
                # Some sums leave 32 bits, which .satfinite is for.
                self.values[name][::5] = 2**31 - 1
                self.values[name][1::5] = -2**31
        a, b, c = (self.values[name][self.matrices[name].places()] for name in "abc")
        if self.kind == "b1":
            total = c + ((a[:, :, None] & b[None]) if "and" in self.modifiers else (a[:, :, None] ^ b[None])).sum(1)
        else:
            total = c + a @ b
        if self.matrices["d"].kind == "s32":
            total = np.clip(total, -2**31, 2**31 - 1) if "satfinite" in self.modifiers else (total + 2**31) % 2**32 - 2**31
        self.want = total

    def product(self, counts):
        lists = ", ".join(registers(("w" if self.kind == "f64" else "") + name, counts[name]) for name in "dabc")
        if self.modifiers[1] == "mma":
            return f"{forms.name_of(self.variant)} {lists};"
        d, c = self.matrices["d"].kind, self.matrices["c"].kind
        types = f"{d}.{c}" if self.kind == "f16" else f"{d}.{self.kind}.{self.kind}.{c}"
        operation = ".xor.popc" if self.kind == "b1" else ""
        layouts = f"{self.matrices['a'].layout}.{self.matrices['b'].layout}"
        return f"wmma.mma{operation}.sync.aligned.{layouts}.{self.shape_name}.{types} {lists};"

    def code(self, number, offsets, out):
        m, n, _ = self.shape
        first, second = FRAGMENTS[self.kind][self.shape]
        size = lambda name: m * n // 32 // (2 if self.matrices[name].kind == "f16" else 1)
        counts = {"a": first, "b": second, "c": size("c"), "d": size("d")}
        lines = [f"add.u64 %p{name}, %in, {offsets[name]};" for name in "abc"] + [f"add.u64 %pd, %out, {out};"]
        for name in "abc":
            matrix = self.matrices[name]
            if "shared" in matrix.space:
                lines.append(self.copy(number, f"%p{name}", "global", "%sh", "shared", matrix))
            lines.append(matrix.code("load", self.shape_name, counts[name]))
        lines.append(self.product(counts))
        last = self.matrices["d"]
        if "shared" in last.space:
            lines.append("bar.warp.sync -1;")
        lines.append(last.code("store", self.shape_name, counts["d"]))
        if "shared" in last.space:
            lines.append(self.copy(number, "%sh", "shared", "%pd", "global", last))
        return "    " + "\n    ".join(lines) + "\n"

    @staticmethod
    def copy(number, source, from_space, target, to_space, matrix):
        """All lanes, a word each at a time."""
        return (f"add.u64 %x, {source}, %off; add.u64 %y, {target}, %off; mov.u32 %i, 0; bar.warp.sync -1;\n"
                f"C{number}: ld.{from_space}.b32 %v, [%x]; st.{to_space}.b32 [%y], %v; add.u64 %x, %x, 128; add.u64 %y, %y, 128; "
                f"add.u32 %i, %i, 128; setp.lt.u32 %q, %i, {matrix.elements() * BITS[matrix.kind] // 8}; @%q bra C{number}; bar.warp.sync -1;")


def test_wmma_forms(tmp_path):
    chains = [Chain(variant) for variant in VARIANTS]
    assert len(chains) > 800
    images, bodies, at, out, outs = [], [], 0, 0, []
    for number, chain in enumerate(chains):
        offsets = {}
        for name in "abc":
            offsets[name] = at
            images.append(chain.matrices[name].image(chain.values[name]))
            at += len(images[-1])
        bodies.append(chain.code(number, offsets, out))
        outs.append(out)
        out += chain.matrices["d"].elements() * BITS[chain.matrices["d"].kind] // 8
    wide = ", ".join(f"%w{name}<8>" for name in "abcd")
    path = tmp_path / "wmma.ptx"
    path.write_text(f""".version 8.5
.target sm_90a
.address_size 64
.visible .entry test(.param .u64 pin, .param .u64 pout)
{{
    .reg .b32 %a<8>, %b<8>, %c<8>, %d<8>, %v, %i, %stride; .reg .b64 {wide}, %pa, %pb, %pc, %pd, %in, %out, %sh, %x, %y, %off; .reg .pred %q;
    .shared .align 128 .b8 memory[16384]; ld.param.u64 %in, [pin]; ld.param.u64 %out, [pout]; mov.u64 %sh, memory;
    mov.u32 %v, %laneid; mul.wide.u32 %off, %v, 4;
{"".join(bodies)}    ret;
}}
""")
    test = harness.Test("//! block 32")
    test.arguments = [("in", "x", np.concatenate(images)), ("out", "d", np.zeros(out, np.uint8))]
    test.run(path)
    for chain, start in zip(chains, outs):
        d = chain.matrices["d"]
        row = np.zeros(d.elements(), np.int64)
        row[d.places()] = chain.want
        want = d.image(row)
        got = test.names["d"][start:start + len(want)]
        if d.kind == "f64":
            # A sum of zero is -0 when it is rounded down.
            got = (got.view(np.float64) + 0.0).view(np.uint8)
        if "shared" in d.space:
            # What was in shared memory before lies between the lines.
            mask = np.zeros(d.elements(), np.int64)
            mask[d.places()] = -1 if d.kind[0] in "su" else 1
            kept = d.image(mask).astype(bool) if d.kind == "s32" else np.repeat(mask.astype(bool), BITS[d.kind] // 8)
            got, want = got[kept], want[kept]
        assert np.array_equal(got, want), f"{chain.variant}: bytes {np.flatnonzero(got != want)[:8]} differ"
