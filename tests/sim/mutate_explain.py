"""Proves of some silent twins that what was removed orders nothing: from the control-flow graph alone, not from a run.

A barrier orders what comes before it, back to the barriers before, behind what comes after it, up to the next barriers. When
no access on the one side can conflict with one on the other, by the spaces that they touch, it orders nothing. Likewise for
the other instructions; each rule is a function that returns the reason, or nothing.
"""

import re

import mutate_operators

READ, WRITE = "reads", "writes"
# (opcode, what it does to which space). An asynchronous operation touches memory where it is issued and where it is waited for.
EFFECTS = [
    (r"ld\.(?!param|const|local).*shared.*", [("shared", READ)]),
    (r"ld\.(?!param|const|local|.*shared).*", [("global", READ)]),
    (r"st\.(?!param|local)(?!async).*shared.*", [("shared", WRITE)]),
    (r"st\.(?!param|local|.*shared).*", [("global", WRITE)]),
    (r"(atom|red)\..*shared.*", [("shared", READ), ("shared", WRITE)]),
    (r"(atom|red)\.(?!.*shared).*", [("global", READ), ("global", WRITE)]),
    (r"ldmatrix\..*", [("shared", READ)]),
    (r"stmatrix\..*", [("shared", WRITE)]),
    (r"cp\.async\.(ca|cg)\..*", [("shared", WRITE), ("global", READ), ("copies", WRITE)]),
    (r"cp\.async\.wait_(group|all).*", [("shared", WRITE)]),
    (r"cp\.async\.bulk\.(?!commit|wait|prefetch).*global\.shared.*|cp\.reduce.*", [("shared", READ), ("global", WRITE), ("async", READ)]),
    (r"cp\.async\.bulk\.(?!commit|wait|prefetch).*shared::cluster\.global.*", [("shared", WRITE), ("global", READ), ("async", WRITE), ("mbarrier", READ)]),
    (r"cp\.async\.bulk\.wait_group.*", [("shared", READ), ("global", WRITE)]),
    (r"wgmma\.mma_async.*", [("shared", READ), ("async", READ)]),
    (r"wgmma\.wait_group.*", [("shared", READ)]),
    (r"mbarrier\.(init|inval).*", [("mbarrier", WRITE)]),
    (r"(mbarrier|cp\.async\.mbarrier)\..*", [("mbarrier", READ)]),
    (r"tensormap\..*", [("global", READ), ("global", WRITE), ("shared", READ), ("shared", WRITE)]),
    (r"(call|brx|st\.async|red\.async|wmma)\b.*", [(space, way) for space in ("shared", "global") for way in (READ, WRITE)]),
]
EFFECTS = [(re.compile(pattern), effects) for pattern, effects in EFFECTS]
RELEASE = re.compile(r"(atom|red|st)\b.*\.(release|acq_rel).*|mbarrier\.arrive.*|cp\.async\.mbarrier\.arrive.*")
ACQUIRE = re.compile(r"(atom|red|ld)\b.*(acquire|acq_rel).*|mbarrier\.(try_wait|test_wait).*")
BARRIER = re.compile(r"(bar|barrier)\.(cta\.)?(sync|red)\b.*")


def effects_of(opcode):
    for pattern, effects in EFFECTS:
        if pattern.fullmatch(opcode):
            return effects
    return []


def single_predicates(clean):
    """Predicates that hold for one thread, the same one: number 0 (of a role), or the one that its first warp elects, lane 0."""
    block = int(re.search(r"\.reqntid\s+(\d+)", clean).group(1)) if ".reqntid" in clean else 1024
    # Warps with roles come in groups of 128 threads.
    group = 128 if "setmaxnreg" in clean else block
    threads = set(re.findall(r"mov\.u32\s+(%r\d+), %tid\.x", clean))
    threads |= {to for to, of, mask in re.findall(r"and\.b32\s+(%r\d+), (%r\d+), (\d+);", clean)
                if of in threads and int(mask) & (int(mask) + 1) == 0 and int(mask) + 1 >= group}
    zero = {p for p, of in re.findall(r"setp\.eq\.[bsu]32\s+(%p\d+), (%r\d+), 0;", clean) if of in threads}
    elected = set(re.findall(r"elect\.sync\s+%r\d+\|(%p\d+), -1", clean))
    first = {p for p, of in re.findall(r"setp\.lt\.[su]32\s+(%p\d+), (%r\d+), 32;", clean) if of in threads}
    ands = re.findall(r"and\.pred\s+(%p\d+), (%p\d+), (%p\d+);", clean)
    single = set(zero)
    # A conjunction holds for fewer: elected, and of the first warp, is one thread.
    for _ in range(4):
        elected |= {p for p, a, b in ands if a in elected or b in elected}
        first |= {p for p, a, b in ands if a in first or b in first}
        single |= {p for p, a, b in ands if a in single or b in single}
        single |= elected & first
    return single


class Graph:
    """Instructions in order, and which may follow which."""

    def __init__(self, text):
        clean = mutate_operators.blank_comments(text)
        self.single = single_predicates(clean)
        # Warps with roles meet at barriers that stand at different places.
        self.has_roles = "setmaxnreg" in clean
        self.places, self.guards, self.opcodes, self.operands = [], [], [], []
        for begin, _, guard, opcode, operands in self.instructions(clean):
            self.places.append(begin)
            self.guards.append(guard)
            self.opcodes.append(opcode)
            self.operands.append(operands)
        self.labels = [(match.start(), match.group(1)) for match in re.finditer(r"^\s*([$\w]+):", clean, re.MULTILINE)]
        self.next = [self.followers(index) for index in range(len(self.opcodes))]
        self.before = [[] for _ in self.opcodes]
        for index, targets in enumerate(self.next):
            for target in targets:
                self.before[target].append(index)

    @staticmethod
    def instructions(clean):
        plain = re.compile(r"(?P<guard>@!?[%$\w]+[ \t]+)?(?P<opcode>\b(?:ret|exit|trap))\s*;")
        rows = list(mutate_operators.statements(clean))
        rows += [(m.start(), m.end(), m["guard"] or "", m["opcode"], []) for m in plain.finditer(clean)]
        rows += [(m.start(), m.end(), m["guard"] or "", "bra", [m["target"]])
                 for m in re.finditer(r"(?P<guard>@!?[%$\w]+[ \t]+)?\bbra\s+(?P<target>[$\w]+)\s*;", clean)]
        return sorted(rows)

    def target(self, index, name):
        """A label of an inner scope is the nearest of its name."""
        places = [place for place, label in self.labels if label == name]
        if not places:
            return None
        place = min(places, key=lambda each: abs(each - self.places[index]))
        return next((i for i, begin in enumerate(self.places) if begin >= place), None)

    def followers(self, index):
        opcode, guarded = self.opcodes[index], bool(self.guards[index])
        after = [index + 1] if index + 1 < len(self.opcodes) else []
        if opcode.split(".")[0] == "bra":
            target = self.target(index, self.operands[index][0])
            return ([target] if target is not None else []) + (after if guarded else [])
        if opcode in ("ret", "exit", "trap"):
            return after if guarded else []
        return after

    def around(self, index, steps, stops):
        """Indices reached from `index` by `steps`, up to and without those where `stops`."""
        seen, work = set(), list(steps[index])
        while work:
            at = work.pop()
            if at in seen or stops(at):
                continue
            seen.add(at)
            work += steps[at]
        return seen

    def touched(self, indices):
        return {effect for index in indices for effect in effects_of(self.opcodes[index])}

    def is_single(self, index):
        return self.guards[index].strip(" \t@") in self.single

    def conflicts(self, before, after):
        """Pairs that a barrier may order: accesses that may meet, of different threads; whatever came before a release, or comes
        behind an acquire."""
        return [(x, y) for x in before for y in after if not (self.is_single(x) and self.is_single(y)) and (
            self.may_meet(x, y) or (RELEASE.fullmatch(self.opcodes[y]) and effects_of(self.opcodes[x]))
            or (ACQUIRE.fullmatch(self.opcodes[x]) and self.guards[x] and effects_of(self.opcodes[y])))]

    def may_meet(self, x, y):
        return any(space == other and space not in ("async", "copies") and WRITE in (way, otherway)
                   for space, way in effects_of(self.opcodes[x]) for other, otherway in effects_of(self.opcodes[y]))


def needless_barrier(graph, index):
    if graph.has_roles and len(graph.operands[index]) < 2:
        return None
    same = (graph.opcodes[index].replace("barrier", "bar"), graph.operands[index])

    def is_same(at):
        return (graph.opcodes[at].replace("barrier", "bar"), graph.operands[at]) == same and not graph.guards[at]

    before, after = graph.around(index, graph.before, is_same), graph.around(index, graph.next, is_same)
    if not graph.touched(before):
        return "no memory is touched between the barrier before and this one"
    if not graph.touched(after):
        return "no memory is touched between this barrier and the next, or the end"
    return unordered_pairs(graph, before, after)


def unordered_pairs(graph, before, after):
    pairs = graph.conflicts(before, after)
    everywhere = [(x, y) for x in before for y in after if not (graph.is_single(x) and graph.is_single(y))]
    if not pairs and any(graph.is_single(x) for x in before | after) and len(everywhere) < len(before) * len(after):
        return "what could conflict is done by one thread"
    if not pairs:
        return "accesses on both sides of it touch different spaces, or only read"
    return None


def needless_warp_barrier(graph, index):
    def is_barrier(at):
        return (BARRIER.fullmatch(graph.opcodes[at]) or graph.opcodes[at].startswith("bar.warp.sync")) and not graph.guards[at]

    before, after = graph.around(index, graph.before, is_barrier), graph.around(index, graph.next, is_barrier)
    # A product is one operation of all lanes, each of which has waited for it; and none gets there before it has polled.
    lanes = {at for at in before if not re.match(r"wgmma\.|mbarrier\.(try_wait|test_wait)", graph.opcodes[at])}
    if not graph.touched(lanes) and any(graph.opcodes[at].startswith("wgmma.wait_group") for at in before):
        return "nothing stands before it but products, which are one operation of the whole warp"
    return unordered_pairs(graph, before, after)


def needless_fence(graph, index):
    if "proxy.async" not in graph.opcodes[index]:
        return None

    def is_fence(at):
        return graph.opcodes[at].startswith("fence.proxy.async") and not graph.guards[at]

    before, after = graph.around(index, graph.before, is_fence), graph.around(index, graph.next, is_fence)
    generic = {at for at in before if effects_of(graph.opcodes[at]) and "async" not in dict(effects_of(graph.opcodes[at]))}
    if not any(way == WRITE for at in generic for _, way in effects_of(graph.opcodes[at])):
        return "nothing is written through the generic proxy since the fence before"
    if not any(space == "async" for space, _ in graph.touched(after)):
        return "nothing goes through the asynchronous proxy before the next fence, or the end"
    return None


# (commits, waits, what a group holds) by the family of the operations.
GROUPS = {
    "wgmma": (r"wgmma\.commit_group.*", r"wgmma\.wait_group.*", r"wgmma\.mma_async.*"),
    "cp.async.bulk": (r"cp\.async\.bulk\.commit_group.*", r"cp\.async\.bulk\.wait_group.*",
                      r"cp\.(async|reduce\.async)\.bulk\.(?!commit|wait|prefetch).*bulk_group.*"),
    "cp.async": (r"cp\.async\.commit_group.*", r"cp\.async\.wait_(group|all).*", r"cp\.async\.(ca|cg)\..*"),
}


def family_of(opcode):
    return next(family for family in GROUPS if opcode.startswith(family))


def fewest_commits(graph, start, commits, waits):
    """How many commits at least lie between `start` and each wait that is reached from it without another one."""
    fewest, work = {}, [(start, 0)]
    while work:
        at, count = work.pop()
        for follower in graph.next[at]:
            seen = fewest.get(follower)
            if seen is not None and seen <= count:
                continue
            fewest[follower] = count
            if follower not in waits:
                work.append((follower, count + (follower in commits)))
    return {at: count for at, count in fewest.items() if at in waits}


def needless_commit(graph, index):
    """What is issued joins the next group: no harm where a wait that takes its own group takes that one as well."""
    of = [{at for at, opcode in enumerate(graph.opcodes) if re.fullmatch(pattern, opcode)}
          for pattern in GROUPS[family_of(graph.opcodes[index])]]
    commits, waits, issues = of
    pending = {at: int((graph.operands[at] or ["0"])[-1]) for at in waits}
    if not graph.around(index, graph.before, lambda at: at in commits) & issues and not any(pending.values()):
        return "the group is empty, and all waits are for all groups"
    if graph.around(index, graph.next, lambda at: at in commits) & waits:
        return None
    behind = graph.around(index, graph.next, lambda at: at in commits) | {index}
    following = {at for before in behind for at in graph.next[before] if at in commits}
    for commit in following:
        if any(count < pending[wait] for wait, count in fewest_commits(graph, commit, commits, waits).items()):
            return None
    return "what is issued joins the next group, which the waits behind take as well"


def needless_wait(graph, index):
    """A wait with nothing issued since the one before, or nothing used after it."""
    family = family_of(graph.opcodes[index])
    issues = GROUPS[family][2]
    same = graph.opcodes[index].split("wait_group")[0] + "wait_group"

    def is_wait(at):
        return graph.opcodes[at].startswith(same) and graph.operands[at] == ["0"] and not graph.guards[at]

    if not any(re.fullmatch(issues, graph.opcodes[at]) for at in graph.around(index, graph.before, is_wait)):
        return "nothing was issued since the wait before"
    # The end of a block takes its shared memory away from a bulk copy that reads it.
    if family != "cp.async.bulk" and not graph.touched(graph.around(index, graph.next, lambda at: False)) - {("global", WRITE)}:
        return "nothing reads or writes what was waited for until the end"
    return None


def needless_product_fence(graph, index):
    """A fence hands all registers over: it is needless where none of those of the products behind it is touched since the one
    before. Accumulators need none between products of one shape."""

    def is_fence(at):
        return graph.opcodes[at].startswith("wgmma.fence") and not graph.guards[at]

    def registers_of(at):
        return set(re.findall(r"%\w+", " ".join(graph.operands[at])))

    products = [at for at in graph.around(index, graph.next, is_fence) if graph.opcodes[at].startswith("wgmma.mma_async")]
    handed = set().union(*(re.findall(r"%\w+", each) for at in products for each in graph.operands[at][:2] if each.startswith("{")))
    before = graph.around(index, graph.before, is_fence)
    if not before or 0 in before:
        return None
    shapes = {graph.opcodes[at] for at in products}
    if any(registers_of(at) & handed and not (graph.opcodes[at] in shapes and len(shapes) == 1) for at in before):
        return None
    return "no register of the products behind it is touched since the wgmma.fence before"


def needless_atomic(graph, index):
    """Without other accesses of that space, it publishes nothing and guards nothing."""
    rest = [at for at in range(len(graph.opcodes)) if at != index]
    around = graph.touched(at for at in rest if not graph.opcodes[at].startswith(("atom", "red")))
    if ("global", WRITE) not in around or ("global", READ) not in around:
        return "the kernel's other accesses of global memory cannot conflict with each other: nothing is published"
    return None


RULES = [("barrier removed", needless_barrier), ("warp barrier removed", needless_warp_barrier), ("fence removed", needless_fence),
         ("wgmma.fence removed", needless_product_fence), ("copies not committed", needless_commit), ("products not committed", needless_commit),
         ("bulk copies not committed", needless_commit), ("wait for", needless_wait), ("wait leaves", needless_wait),
         ("bulk wait leaves", needless_wait), ("order of an atomic", needless_atomic)]


def reason(graph, mutant):
    """Why the twin is as good as the original, or nothing."""
    if mutant.begin not in graph.places or (mutant.original.startswith("@") and "barrier" in mutant.operator):
        return None
    index = graph.places.index(mutant.begin)
    for prefix, rule in RULES:
        if mutant.operator.startswith(prefix) and not mutant.operator.startswith("wait for a phase") \
                and not mutant.operator.startswith("wait for the other"):
            return rule(graph, index)
    return None
