"""Which other order stands behind a silent twin: what is found when a second instruction is taken away as well.

When neither of two instructions is missed alone, but a conflict shows once both are gone that the second one's removal alone
does not show, then the second orders what the first one does: the first is redundant, and the finding says for which accesses.
Where more than one stands in for the first, all those that nobody misses alone are
taken away together, and put back while the finding stays. Waits that leave one group more are tried with more groups still, which tells an empty group from one that nobody needs.
"""

import dataclasses
import re

import mutate_operators

# What may stand in for another: removals, in the order in which they are tried.
SECOND = re.compile(r".* removed|copies not committed|products not committed|bulk copies not committed")
FARTHEST = 20
MORE_GROUPS = 6


def without(text, mutants):
    """All of them at once; of those in one place the first."""
    for mutant in sorted({mutant.begin: mutant for mutant in reversed(mutants)}.values(), key=lambda mutant: -mutant.begin):
        text = mutant.apply(text)
    return text


def opcode_of(mutant):
    return mutate_operators.STATEMENT.match(mutant.original)["opcode"]


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

    def explain(self, twin, needless):
        """A sentence, or nothing; `needless` are the mutants that nobody misses alone."""
        return (self.more_groups(twin) or self.alone_anyway(twin) or self.second_removal(twin)
                or self.removal_of_all(twin, needless))

    def alone_anyway(self, twin):
        """Nothing is found even without all barriers of its kind. (Of fences that says nothing: strong accesses never race.)"""
        alike = [mutant for mutant in self.removals if mutant.operator == twin.operator and "barrier" in twin.operator]
        if len(alike) < 2 or self.fresh(alike, set()):
            return None
        return f"nothing is found without all {len(alike)} of them either: nothing meets across them"

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
            fresh = self.fresh([twin, other], self.found_alone(other))
            if fresh:
                return f"`{opcode_of(other)}` in line {other.line} orders {meeting(fresh)} as well"
        return None

    def fresh(self, mutants, old):
        """Findings without all of these that are not among the old ones."""
        found = self.findings(without(self.case.text, mutants))
        return {name: finding for name, finding in found.items() if name not in old and name not in self.known}

    def removal_of_all(self, twin, needless):
        others = [other for other in needless if other in self.removals and other.line != twin.line]
        old = set(self.findings(without(self.case.text, others)))
        fresh = self.fresh([twin, *others], old)
        if not fresh:
            return None
        name = min(fresh)
        for other in list(others):
            fewer = [each for each in others if each is not other]
            if name in self.fresh([twin, *fewer], set()):
                others = fewer
        lines = ", ".join(str(other.line) for other in others)
        return f"{'each of lines' if len(others) > 1 else 'line'} {lines} orders {meeting({name: fresh[name]})} as well"


def meeting(findings):
    """The lines that meet in the first of some findings."""
    finding = findings[min(findings)]
    return " and ".join(str(line) for line in (finding.get("other_ptx_line"), finding.get("ptx_line")) if line)
