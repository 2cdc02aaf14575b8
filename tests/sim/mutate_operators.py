"""Which instructions of PTX order things, and how each can be broken: the mutants of one kernel.

A mutant replaces one instruction. Deleting is done by a replacement that leaves registers defined, so that the mutant is
still PTX that ptxas takes: what is removed is the ordering alone.
"""

import dataclasses
import re

# One statement: an optional label is left out, a guard and the instruction kept apart.
STATEMENT = re.compile(r"(?P<guard>@!?[%$\w]+[ \t]+)?(?P<opcode>[a-z][\w:]*(?:\.[\w:]+)+)(?P<operands>[^;{}]*(?:\{[^}]*\}[^;{}]*)*);")


@dataclasses.dataclass
class Mutant:
    """`text[begin:end]` becomes `replacement`."""
    operator: str
    line: int
    begin: int
    end: int
    replacement: str
    original: str

    def apply(self, text):
        return text[:self.begin] + self.replacement + text[self.end:]


def operands_of(text):
    """Operands at the top level: brackets and braces hold commas of their own."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    last = text[start:].strip()
    return parts + [last] if last or parts else []


def joined(guard, opcode, operands):
    return f"{guard}{opcode} {', '.join(operands)}".rstrip() + ";"


def without(*_):
    return ";"


def last_changed_by(amount):
    """The last operand, a number, altered; None where it is a register or would be negative."""

    def change(guard, opcode, operands):
        if not operands or not re.fullmatch(r"\d+", operands[-1]):
            return None
        value = int(operands[-1]) + amount
        return joined(guard, opcode, operands[:-1] + [str(value)]) if value >= 0 else None

    return change


def register_changed_by(amount):
    """The last operand in a register or as a number, altered by an addition."""

    def change(guard, opcode, operands):
        if len(operands) < 2:
            return None
        number = last_changed_by(amount)(guard, opcode, operands)
        if number or not re.fullmatch(r"%?[A-Za-z_]\w*", operands[-1]):
            return number
        scope = f"{{ .reg .b32 altered; add.s32 altered, {operands[-1]}, {amount}; "
        return scope + joined(guard, opcode, operands[:-1] + ["altered"]) + " }"

    return change


def wait_is_over(guard, opcode, operands):
    """The wait's answer is always yes."""
    return f"{guard}setp.eq.u32 {operands[0]}, 0, 0;"


def other_phase(guard, opcode, operands):
    if ".parity" not in opcode or len(operands) < 3:
        return None
    scope = f"{{ .reg .b32 flipped; xor.b32 flipped, {operands[2]}, 1; "
    return scope + joined(guard, opcode, operands[:2] + ["flipped"] + operands[3:]) + " }"


def no_bytes(guard, opcode, operands):
    """An arrival that expects nothing."""
    return joined(guard, opcode.replace(".expect_tx", ""), operands[:-1])


def relaxed(guard, opcode, operands):
    weaker = re.sub(r"\.(acq_rel|acquire|release)\b", ".relaxed", opcode)
    return joined(guard, weaker, operands)


def relaxed_arrival(guard, opcode, operands):
    """A cluster arrival releases unless it says otherwise."""
    opcode = opcode.replace(".release", "")
    return joined(guard, opcode.replace(".arrive", ".arrive.relaxed"), operands)


def kept_address(guard, opcode, operands):
    """An arrival removed: the state that it would give stays defined."""
    if operands and operands[0].startswith("%"):
        return f"{guard}mov.b64 {operands[0]}, 0;"
    return ";"


# (what it is called, which opcodes, how). Weaker only: a smaller wait count or a stronger fence is no fault.
OPERATORS = [
    ("barrier removed", r"(bar|barrier)\.(cta\.)?(sync|red)\b.*", without),
    ("arrival at a named barrier removed", r"(bar|barrier)\.(cta\.)?arrive\b.*", without),
    ("barrier for a warp more", r"(bar|barrier)\.(cta\.)?sync\b.*", lambda g, o, a: last_changed_by(32)(g, o, a) if len(a) > 1 else None),
    ("warp barrier removed", r"bar\.warp\.sync", without),
    ("cluster arrival removed", r"barrier\.cluster\.arrive\b.*", without),
    ("cluster wait removed", r"barrier\.cluster\.wait\b.*", without),
    ("cluster arrival relaxed", r"barrier\.cluster\.arrive\b(?!.*relaxed).*", relaxed_arrival),
    ("fence removed", r"(fence|membar)\b.*", without),
    ("copies not committed", r"cp\.async\.commit_group", without),
    ("wait for copies removed", r"cp\.async\.(wait_group|wait_all)", without),
    ("wait leaves one group more", r"cp\.async\.wait_group", last_changed_by(1)),
    ("bulk copies not committed", r"cp\.async\.bulk\.commit_group", without),
    ("wait for bulk copies removed", r"cp\.async\.bulk\.wait_group.*", without),
    ("bulk wait leaves one group more", r"cp\.async\.bulk\.wait_group.*", last_changed_by(1)),
    ("barrier not initialized", r"mbarrier\.init\b.*", without),
    ("one arrival more expected", r"mbarrier\.init\b.*", register_changed_by(1)),
    ("one arrival less expected", r"mbarrier\.init\b.*", register_changed_by(-1)),
    ("arrival removed", r"mbarrier\.arrive(?!.*expect_tx)\b.*", kept_address),
    ("arrival and its bytes removed", r"mbarrier\.arrive\.expect_tx\b.*", kept_address),
    ("bytes not expected", r"mbarrier\.arrive\.expect_tx\b.*", no_bytes),
    ("16 bytes more expected", r"mbarrier\.(arrive\.)?expect_tx\b.*", register_changed_by(16)),
    ("16 bytes less expected", r"mbarrier\.(arrive\.)?expect_tx\b.*", register_changed_by(-16)),
    ("copies arrive at no barrier", r"cp\.async\.mbarrier\.arrive\b.*", without),
    ("wait for a phase removed", r"mbarrier\.(try_wait|test_wait)\b.*", wait_is_over),
    ("wait for the other phase", r"mbarrier\.(try_wait|test_wait)\b.*", other_phase),
    ("wgmma.fence removed", r"wgmma\.fence\b.*", without),
    ("products not committed", r"wgmma\.commit_group\b.*", without),
    ("wait for products removed", r"wgmma\.wait_group\b.*", without),
    ("wait leaves one product more", r"wgmma\.wait_group\b.*", last_changed_by(1)),
    ("order of an atomic dropped", r"(atom|red|ld|st)\b.*\.(acq_rel|acquire|release)\b.*", relaxed),
]
OPERATORS = [(name, re.compile(pattern), change) for name, pattern, change in OPERATORS]


def blank_comments(text):
    """The same places, with spaces for comments."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.DOTALL)


def statements(text):
    """(begin, end, guard, opcode, operands) of each instruction, in order."""
    for match in STATEMENT.finditer(blank_comments(text)):
        yield match.start(), match.end(), match["guard"] or "", match["opcode"], operands_of(match["operands"])


def mutants(text):
    """All of them, in the order of the text."""
    found = []
    for begin, end, guard, opcode, operands in statements(text):
        for name, pattern, change in OPERATORS:
            if not pattern.fullmatch(opcode):
                continue
            replacement = change(guard, opcode, operands)
            if replacement is not None:
                original = " ".join(text[begin:end].split())
                found.append(Mutant(name, text.count("\n", 0, begin) + 1, begin, end, replacement, original))
    return found


def guard_of(statement):
    """"@%p1 " of a guarded statement, else nothing."""
    match = STATEMENT.match(statement)
    return match["guard"] or "" if match else ""
