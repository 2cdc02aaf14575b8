"""Which other order stands behind a silent twin: what is found when a second instruction is taken away as well.

When neither of two instructions is missed alone, but a conflict shows once both are gone that the second one's removal alone
does not show, then the second orders what the first one does: the first is redundant, and the finding says for which accesses.
Waits that leave one group more are tried with more groups still, which tells an empty group from one that nobody needs.
"""

import dataclasses
import re

import mutate_operators

# What may stand in for another: removals, in the order in which they are tried.
SECOND = re.compile(r".* removed|copies not committed|products not committed|bulk copies not committed")
FARTHEST = 20
MORE_GROUPS = 6


def both(text, first, second):
    later, sooner = sorted((first, second), key=lambda mutant: -mutant.begin)
    return sooner.apply(later.apply(text))


class Pairs:
    """Second removals in one case; `key` folds findings, `known` is what the unbroken kernel reports."""

    def __init__(self, case, runner, mutants, known, key):
        self.case, self.runner, self.known, self.key = case, runner, known, key
        self.removals = [mutant for mutant in mutants if SECOND.fullmatch(mutant.operator)]
        self.alone = {}

    def findings(self, text):
        return {self.key(finding): finding for finding in self.case.run(self.runner, text).findings} if text else {}

    def found_alone(self, mutant):
        place = mutant.begin, mutant.operator
        if place not in self.alone:
            self.alone[place] = set(self.findings(mutant.apply(self.case.text)))
        return self.alone[place]

    def explain(self, twin):
        """A sentence, or nothing."""
        return self.more_groups(twin) or self.second_removal(twin)

    def more_groups(self, twin):
        if "leaves one" not in twin.operator:
            return None
        for more in range(2, MORE_GROUPS + 1):
            match = mutate_operators.STATEMENT.match(twin.original)
            operands = mutate_operators.operands_of(match["operands"])
            weaker = mutate_operators.last_changed_by(more)(match["guard"] or "", match["opcode"], operands)
            if weaker and set(self.findings(dataclasses.replace(twin, replacement=weaker).apply(self.case.text))) - self.known:
                return f"found with {more} groups more: what the last {more - 1 or ''} holds is empty, or waited for elsewhere"
        return None

    def second_removal(self, twin):
        near = sorted((other for other in self.removals if other.line != twin.line), key=lambda other: abs(other.line - twin.line))
        for other in near[:FARTHEST]:
            fresh = self.findings(both(self.case.text, twin, other))
            fresh = {name: finding for name, finding in fresh.items() if name not in self.known}
            if not fresh or set(fresh) <= self.found_alone(other):
                continue
            finding = next(finding for name, finding in fresh.items() if name not in self.found_alone(other))
            lines = " and ".join(str(line) for line in (finding.get("other_ptx_line"), finding.get("ptx_line")) if line)
            return f"`{other.original.split()[0 if other.original[0] != '@' else 1].rstrip(';')}` in line {other.line} orders {lines} as well"
        return None
