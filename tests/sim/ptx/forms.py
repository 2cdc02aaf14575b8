"""The instruction forms of the PTX ISA, as data: `forms/*.txt`, a line a form.

    add{.sat}{T=.s32}  $T, $T, $T

Braces hold alternatives (`{.rn|.rz}`), or one part that may be missing. `{T=...}` names what was chosen: `$T` is then a
register of that type, `$2T` one twice as wide, `@T` an address in that state space, `<T:text>` is there when T is not
empty. `$r` is a register of 32 bits, `$h` 16, `$d` 64, `$q` 128, `$p` a predicate; `$(N)r` a vector of them, N any
expression of the named choices. `refuse` starts a form that the ISA has and the engine refuses by name.

A form's variants are its expansions; each is one instruction that can be put before the engine and ptxas.
"""

import dataclasses
import itertools
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent / "forms"
FILES = ("arithmetic", "memory", "async", "matrix", "sync", "control")
REGISTERS = {"h": 16, "r": 32, "d": 64, "q": 128}
ADDRESSES = {"": "%rg", ".global": "%rg", ".const": "cmem", ".local": "lmem", ".param": "ptr", ".param::entry": "ptr",
             ".shared": "%rs", ".shared::cta": "%rs", ".shared::cluster": "%rs"}

# The tests that run every variant of the sections that start so.
SWEEPS = {"Integer": "test_integer_forms.py", "Floating": "test_float_forms.py", "Half": "test_half_forms.py",
          "Comparison": "test_compare_forms.py", "Logic": "test_logic_forms.py", "Conversion": "test_conversions.py",
          "Moves": "test_move_forms.py", "Addresses": "test_address_forms.py", "Loads": "test_memory_forms.py",
          "Stores": "test_memory_forms.py", "Hints": "test_hint_forms.py", "Atomics": "test_memory_forms.py",
          "cp.async": "test_async_forms.py", "Asynchronous": "test_async_forms.py", "Groups": "test_group_forms.py",
          "Tensor copies": "test_tensor_forms.py", "Changing tensor maps": "test_tensormap_forms.py", "wmma": "test_wmma_forms.py",
          "mma.sync": "test_mma_forms.py", "Matrix moves": "test_matrix_moves.py", "wgmma": "test_wgmma_forms.py",
          "Barriers": "test_barrier_forms.py", "Fences": "test_fence_forms.py", "Warps": "test_warp_forms.py",
          "mbarrier": "test_mbarrier_forms.py", "Control flow": "test_control_forms.py", "Stack": "test_control_forms.py",
          "Video": "test_video.py"}

# What the operands refer to.
HEAD = """.version 9.1
.target sm_90a
.address_size 64
.global .align 128 .b8 gmem[256];
.const .align 128 .b8 cmem[256];
.shared .align 128 .b8 smem[256];
.func func(.param .b64 p) { ret; }
.func (.param .b32 q) func1(.param .b32 p) { ret; }
.func (.reg .b32 %q) func2(.reg .b32 %a, .reg .b32 %b) { add.u32 %q, %a, %b; ret; }
.func nothing() { ret; }
.entry kernel() { ret; }
.visible .entry test(.param .align 64 .b8 ptr[128]) .maxntid 128
{
    .reg .b16 %h<40>; .reg .b32 %r<400>; .reg .b64 %d<40>, %rg, %rs; .reg .pred %p<40>; .reg .b128 %q0, %q1, %q2, %q3;
    .local .align 128 .b8 lmem[256]; .param .b32 p1;
    targets: .branchtargets label, other;
    proto: .callprototype (.param .b32 _) _ (.param .b32 _);
    funcs: .calltargets func1;
"""
# A store keeps the assembler from dropping everything.
TAIL = """
label: st.global.b32 [%rg], %r0;
other: ret;
}
"""


@dataclasses.dataclass
class Form:
    text: str
    opcode: str
    refused: bool
    section: str
    variants: list  # instructions without the semicolon


def width(name):
    """Bits of a register that holds a type such as `.v2.f32`; `pred` for predicates."""
    name = name.rsplit(".", 1)[-1]
    if name == "pred":
        return "pred"
    if name.endswith("x2"):
        return 2 * int(re.search(r"\d+", name).group())
    bits = int(re.search(r"\d+", name).group())
    return max(bits, 16)


def choices(text):
    """Splits `a{X=b|c}` into parts: literal strings and (name, alternatives)."""
    parts = []
    for literal, group in re.findall(r"([^{}]+)|\{([^{}]*)\}", text):
        if literal:
            parts.append((None, [literal]))
            continue
        name, body = re.fullmatch(r"(?:([A-Z])=)?(.*)", group).groups()
        span = re.fullmatch(r"(\d+):(\d+):(\d+)", body)
        if span:
            first, last, step = map(int, span.groups())
            parts.append((name, [str(n) for n in range(first, last + 1, step)]))
            continue
        alternatives = body.split("|")
        parts.append((name, ["", body] if len(alternatives) == 1 else alternatives))
    return parts


def number_of(text):
    digits = re.search(r"\d+", text)
    return int(digits.group()) if digits else 1


class Operands:
    """Fills registers into the text of one variant."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.next = {}

    def register(self, kind):
        index = self.next.get(kind, 0)
        self.next[kind] = index + 1
        return f"%{kind}{index}"

    def of_type(self, name, scale=1):
        bits = width(name)
        if bits == "pred":
            return self.register("p")
        kind = next(kind for kind, size in REGISTERS.items() if size == bits * scale)
        count = re.match(r"\.v(\d)", name)
        return self.vector(int(count.group(1)), kind) if count else self.register(kind)

    def vector(self, count, kind):
        if kind in self.chosen:
            bits = width(self.chosen[kind])
            kind = next(k for k, size in REGISTERS.items() if size == bits)
        return "{" + ", ".join(self.register(kind) for _ in range(count)) + "}"

    def count(self, expression):
        names = {"mOf": lambda x: int(re.search(r"m(\d+)", x).group(1)),
                 "nOf": lambda x: int(re.search(r"n(\d+)", x).group(1))}
        for name, value in self.chosen.items():
            names[name] = value if value.startswith(".m") or "f" in value else number_of(value)
        return int(eval(expression, names))

    def replace(self, match):
        scale, expression, kind = match.groups()
        if expression:
            return self.vector(self.count(expression), kind)
        if kind in self.chosen:
            return self.of_type(self.chosen[kind], 2 if scale else 1)
        return self.register(kind)

    def fill(self, text):
        text = re.sub(r"<([A-Z]):([^>]*)>", lambda m: m.group(2) if self.chosen[m.group(1)] else "", text)
        text = re.sub(r"@([A-Z])", lambda m: ADDRESSES[self.chosen[m.group(1)]], text)
        return re.sub(r"\$(2?)(?:\(([^$]*?)\)(?=[A-Za-z](?![A-Za-z])))?([A-Za-z])", self.replace, text)


def expand(text):
    parts = choices(text)
    for picked in itertools.product(*(alternatives for _, alternatives in parts)):
        chosen = {name: value for (name, _), value in zip(parts, picked) if name}
        yield re.sub(r"\s+", " ", Operands(chosen).fill("".join(picked))).strip()


def load():
    """Every form, in the order of the files."""
    forms = []
    for path in (FOLDER / f"{name}.txt" for name in FILES):
        section = ""
        for line in path.read_text().splitlines():
            if line.startswith("#"):
                section = line[1:].strip()
            elif line.strip():
                refused = line.startswith("refuse ")
                text = line.removeprefix("refuse ").strip()
                variants = list(dict.fromkeys(expand(text)))
                forms.append(Form(text, name_of(variants[0]).split(".")[0], refused, section, variants))
    return forms


def sweep_of(form):
    """The test that runs every variant of a form, if there is one."""
    if form.refused:
        return None
    return next((test for start, test in SWEEPS.items() if form.section.startswith(start)), None)


def swept_by(test):
    """Every variant of the forms that a test is to run."""
    return [variant for form in load() if sweep_of(form) == test for variant in form.variants]


def name_of(instruction):
    """The opcode with its modifiers: `add.s32` of `@%p add.s32 a, b`."""
    words = instruction.split(None, 2)
    return words[1] if words[0].startswith("@") else words[0]
