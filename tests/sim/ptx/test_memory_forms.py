"""Every variant of ld, ldu, st, atom and red in forms/memory.txt, by one thread: the registers that it writes, and 64 bytes of
memory around its address. Cache operators, eviction hints, scopes and orders change nothing for one thread."""

import re

import forms
import harness
import numpy as np

BYTES = 64
# Bits that are normal numbers of every float type, and integers of both signs where a type has 8 bits.
RANDOM = np.random.default_rng(17)
BEFORE = RANDOM.integers(0x3C00, 0x4200, BYTES // 2).astype(np.uint16).view(np.uint8)
VALUES = RANDOM.integers(0x3C00, 0x4200, (64, 8)).astype(np.uint16)
DUMPED = 8  # 64-bit words of registers


def operands(variant):
    """Destination and source registers, in order; the cache policy behind them does not count."""
    name, rest = variant.split(None, 1)
    before, inside, after = re.fullmatch(r"([^\[]*)\[([^\]]*)\](.*)", rest).groups()
    registers = lambda text: re.findall(r"%[hrdq]\d+", text)
    sources = registers(after)
    return name.split("."), registers(before), sources[:-1] if "L2::cache_hint" in name else sources


def value_of(register, index):
    """What a register holds before variant `index`: elements of it take bits from the same row."""
    kind, number = register[1], int(register[2:])
    row = VALUES[(index + 7 * number) % len(VALUES)]
    return int.from_bytes(row.tobytes()[:{"h": 2, "r": 4, "d": 8, "q": 16}[kind]], "little")


def initial(register, index, modifiers, sources):
    # Every other compare-and-swap finds what it looks for.
    if "cas" in modifiers and register == sources[0] and index % 2:
        return int.from_bytes(BEFORE.tobytes()[:{"h": 2, "r": 4, "d": 8, "q": 16}[register[1]]], "little")
    return value_of(register, index)


def moves(register, value):
    kind = register[1]
    if kind == "q":
        return f"mov.b64 %w8, {value & 2**64 - 1}; mov.b64 %w9, {value >> 64}; mov.b128 {register}, {{%w8, %w9}};"
    return f"mov.{ {'h': 'b16', 'r': 'b32', 'd': 'b64'}[kind]} {register}, {value};"


def dump(register):
    kind = register[1]
    if kind == "q":
        return [f"mov.b128 {{%w8, %w9}}, {register};", "", "%w8", "%w9"]
    if kind == "d":
        return ["", "", register]
    return [f"cvt.u64.u{16 if kind == 'h' else 32} %w8, {register};", "", "%w8"]


SPACES = {"global": "%rg", "shared": "%rs", "shared::cta": "%rs", "shared::cluster": "%rs", "local": "lmem"}


def code(variant, index):
    modifiers, results, sources = operands(variant)
    space = next((m for m in modifiers if m in SPACES or m in ("const", "param", "param::entry")), "global")
    address = SPACES.get(space)
    direct = space.split("::")[0]
    lines = []
    if address:
        lines += [f"st.{direct}.b64 [{address} + {8 * k}], %w{k};" for k in range(8)]
    lines += [moves(register, initial(register, index, modifiers, sources)) for register in dict.fromkeys(results + sources)]
    lines.append(variant + ";")
    at = 0
    for register in results:
        first, _, *words = dump(register)
        lines.append(first)
        for word in words:
            lines.append(f"st.global.b64 [%out + {8 * at}], {word};")
            at += 1
    if address:
        for k in range(8):
            lines.append(f"ld.{direct}.b64 %w8, [{address} + {8 * k}]; st.global.b64 [%out + {8 * (DUMPED + k)}], %w8;")
    lines.append(f"add.u64 %out, %out, {8 * (DUMPED + 8)};")
    return "    " + " ".join(line for line in lines if line) + "\n"


def source(variants):
    constants = ", ".join(str(b) for b in BEFORE)
    load = "".join(f"ld.global.b64 %w{k}, [%rg + {8 * k}]; " for k in range(8))
    shared = "".join(f"st.shared.b64 [%rs + {8 * k}], %w{k}; " for k in range(8))
    return f""".version 9.1
.target sm_90a
.address_size 64
.const .align 128 .b8 cmem[{BYTES}] = {{{constants}}};
.visible .entry test(.param .align 64 .b8 ptr[{BYTES}], .param .u64 pm, .param .u64 pd)
{{
    .reg .b16 %h<40>; .reg .b32 %r<40>; .reg .b64 %d<40>, %w<10>, %rg, %rs, %out; .reg .b128 %q<4>;
    .local .align 128 .b8 lmem[{BYTES}]; .shared .align 128 .b8 smem[{BYTES}];
    ld.param.u64 %rg, [pm]; ld.param.u64 %out, [pd]; mov.u64 %rs, smem; {load}{shared}
{"".join(code(v, i) for i, v in enumerate(variants))}    ret;
}}
"""


def element(modifiers):
    """Type and count of what one access moves."""
    vector = next((int(m[1]) for m in modifiers if re.fullmatch(r"v\d", m)), 1)
    return modifiers[-1], vector


def decode(raw, kind):
    if kind[:2] == "bf":
        return harness.from_bf16(np.frombuffer(raw, np.uint16)).astype(np.float64)
    size = int(re.search(r"\d+", kind).group())
    letter = "f" if kind[0] == "f" else "i" if kind[0] == "s" else "u"
    return np.frombuffer(raw, f"{letter}{size // 8}")


def encode(value, kind):
    if kind[:2] == "bf":
        return harness.bf16(value).tobytes()
    return np.asarray(value).astype({"f16": np.float16, "f32": np.float32, "f64": np.float64}[kind]).tobytes()


def updated(op, kind, old, b, c):
    """Memory after an atomic operation on raw bytes."""
    if kind.endswith("x2"):
        half = len(old) // 2
        return b"".join(updated(op, kind[:-2], old[i:i + half], b[i:i + half], None) for i in (0, half))
    if op == "exch":
        return b
    if op == "cas":
        return c if old == b else old
    if kind[0] in "fb" and kind[:2] != "b1" and kind not in ("b32", "b64"):
        x, y = decode(old, kind)[:1], decode(b, kind)[:1]
        with np.errstate(all="ignore"):
            return encode({"add": x + y, "min": np.minimum(x, y), "max": np.maximum(x, y)}[op], kind)
    size, signed = len(old), kind[0] == "s"
    x, y = (int.from_bytes(raw, "little", signed=signed) for raw in (old, b))
    result = {"and": x & y, "or": x | y, "xor": x ^ y, "add": x + y, "inc": 0 if x >= y else x + 1,
              "dec": y if x == 0 or x > y else x - 1, "min": min(x, y), "max": max(x, y)}[op]
    return (result & (1 << 8 * size) - 1).to_bytes(size, "little")


def expected(variant, index):
    """64-bit words of the result registers, and the memory."""
    modifiers, results, sources = operands(variant)
    kind, count = element(modifiers)
    size = {"b128": 16}.get(kind) or int(re.search(r"\d+", kind).group()) // 8 * (2 if kind.endswith("x2") else 1)
    before = BEFORE.tobytes()
    old = [before[i * size:(i + 1) * size] for i in range(count)]
    given = [initial(r, index, modifiers, sources).to_bytes(16, "little")[:size] for r in sources]
    words = []
    for register, raw in zip(results, old):
        value = int.from_bytes(raw, "little", signed=kind[0] == "s")
        width = {"h": 16, "r": 32, "d": 64, "q": 128}[register[1]]
        value &= (1 << width) - 1
        words += [value & 2**64 - 1, value >> 64] if width == 128 else [value]
    new = old
    if modifiers[0] == "st":
        new = given
    elif modifiers[0] in ("atom", "red"):
        op = next(m for m in modifiers if m in ("and", "or", "xor", "exch", "cas", "add", "inc", "dec", "min", "max"))
        new = [updated(op, kind, old[i], given[i], given[i + count] if op == "cas" else None) for i in range(count)]
    memory = b"".join(new)
    return words, memory + before[len(memory):]


def test_memory_forms(tmp_path):
    variants = forms.swept_by("test_memory_forms.py")
    assert len(variants) > 3000
    path = tmp_path / "memory.ptx"
    path.write_text(source(variants))
    test = harness.Test("//! block 1")
    test.arguments = [("value", "ptr", BEFORE), ("in", "m", BEFORE.copy()),
                      ("out", "d", np.zeros((len(variants), DUMPED + 8), np.uint64))]
    test.run(path)
    for index, (variant, got) in enumerate(zip(variants, test.names["d"])):
        words, memory = expected(variant, index)
        assert list(got[:len(words)]) == words, f"{variant}: {[hex(x) for x in got[:len(words)]]}, want {[hex(x) for x in words]}"
        if "const" not in variant and ".param" not in variant:
            assert got[DUMPED:].tobytes() == memory, f"{variant}: memory {got[DUMPED:].tobytes().hex()}, want {memory.hex()}"
