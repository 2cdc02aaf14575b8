#!/usr/bin/env python3
"""The misses of mutate.py's runs as a table for docs/simulator-mutation.md: each with its case, line, fault and reason.

    mutate_table.py OUT.json ...

The reason is the proof of mutate_explain.py, the second instruction that mutate_pairs.py found, or else one of mutate_read.py, which
were read by hand. Fails when a miss has none.
"""

import collections
import fnmatch
import json
import pathlib
import re
import sys

from mutate_read import READ

BY_READING = "read: "
MISSES = ("silent", "redundant", "wrong")


def read_reason(row):
    for case, operator, lines, why in READ:
        if fnmatch.fnmatchcase(row["case"], case) and re.fullmatch(operator, row["operator"]) and (not lines or row["line"] in lines):
            return BY_READING + why
    return None


def table(rows):
    """Lines of the table, and the misses without a reason."""
    groups, bare = collections.defaultdict(list), []
    for row in rows:
        if row["verdict"] not in MISSES:
            continue
        why = row["why"] or read_reason(row)
        if why is None:
            bare.append(row)
        groups[row["case"], row["operator"], why or "not explained"].append(row["line"])
    lines = ["| kernel | line | fault | why nothing is missing |", "|---|---|---|---|"]
    for (case, operator, why), places in sorted(groups.items(), key=lambda item: (item[0][0], min(item[1]))):
        lines.append(f"| {case} | {', '.join(map(str, sorted(places)))} | {operator} | {why} |")
    return lines, bare


def counts(rows):
    """Lines of the shares by fault."""
    faults = collections.defaultdict(collections.Counter)
    for row in rows:
        faults[row["operator"]][row["verdict"]] += 1
    lines = ["| fault | found | redundant or read | proven harmless | not reached |", "|---|---|---|---|---|"]
    for operator, count in sorted(faults.items(), key=lambda item: -sum(item[1].values())):
        found = sum(count[verdict] for verdict in ("found", "formal", "failed", "hung"))
        missed = sum(count[verdict] for verdict in MISSES)
        lines.append(f"| {operator} | {found} | {missed} | {count['harmless']} | {count['unreached']} |")
    return lines


def main():
    rows = [row for path in sys.argv[1:] for row in json.loads(pathlib.Path(path).read_text())["mutants"]]
    lines, bare = table(rows)
    print("\n".join(counts(rows) + [""] + lines))
    for row in bare:
        print(f"{row['case']}:{row['line']}: {row['operator']}: no reason: {row['original']}", file=sys.stderr)
    return bool(bare)


if __name__ == "__main__":
    sys.exit(main())
