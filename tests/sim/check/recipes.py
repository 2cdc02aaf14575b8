"""Kernels with planted faults, one in a file, and what the checks must say of them.

A file is PTX without its first directives, with the kernel called TEST, and comments that say the rest:

    // buffer NAME BYTES [written|unwritten|freed]    device memory, an argument
    // write NAME OFFSET BYTES                        a fill by the host
    // copy TARGET SOURCE BYTES                       a copy on the device
    // u32 VALUE, // u64 VALUE                        an argument
    // tensor NAME TYPE dims WxH box WxH [swizzle S]  a tensor map in place of the buffer's pointer
    // launch GRID BLOCK [cluster N] [shared BYTES]

A line that ends in `//bad` is only in the broken kernel, one that ends in `//good` only in the correct one. Where the
broken kernel has `//@ KIND: TEXT` there must be one finding of that kind, whose message and object contain the text.
`//@ KIND SEVERITY: TEXT` for a severity other than error. The correct kernel must be silent; a file without `//bad` and
`//good` has no correct one.
"""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
BUILD = pathlib.Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
LIBRARY = BUILD / "lib" / "sim" / "libcuda.so.1"
HEAD = ".version 8.3\n.target sm_90a\n.address_size 64\n"
EXPECTED = re.compile(r"//@ (\w+)(?: (\w+))?: ((?:(?!//@).)*)")
FAULTS = {0: "", 700: "illegal address", 716: "misaligned address"}


@dataclasses.dataclass
class Kernel:
    name: str
    ptx: str
    broken: bool

    def expected(self):
        """{(line, kind, severity): text}"""
        found = {}
        for number, line in enumerate(self.ptx.splitlines(), 1):
            for kind, severity, text in EXPECTED.findall(line):
                found[number, kind, severity or "error"] = text.strip()
        return found


def kernels_of(path):
    text = HEAD + path.read_text()
    variants = {"broken": "//good"}
    if "//bad" in text or "//good" in text:
        variants["correct"] = "//bad"
    for variant, other in variants.items():
        name = f"{path.parent.name}_{path.stem}_{variant}".replace("-", "_")
        lines = [line for line in text.splitlines() if not line.rstrip().split("//@")[0].rstrip().endswith(other)]
        ptx = re.sub(r" *//(bad|good)\b", "", "\n".join(lines)).replace("TEST", name) + "\n"
        if variant == "correct":
            ptx = re.sub(r"//@.*", "", ptx)
        yield Kernel(name, ptx, variant == "broken")


def run(kernels, directory, checks="all", threads=None):
    """({kernel: result of its launch}, {kernel: findings}, text on stderr)"""
    recipes, report = directory / "recipes.json", directory / "findings.json"
    recipes.write_text(json.dumps([{"name": each.name, "ptx": each.ptx} for each in kernels]))
    environment = os.environ | {"TILEWRIGHT_SIM_CHECK": checks, "TILEWRIGHT_SIM_CHECK_JSON": str(report)}
    if threads:
        environment["TILEWRIGHT_SIM_THREADS"] = str(threads)
    done = subprocess.run([sys.executable, HERE / "run_recipes.py", LIBRARY, recipes], capture_output=True, text=True,
                          timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    results = {each["name"]: each["result"] for each in json.loads(done.stdout)}
    findings = {}
    document = json.loads(report.read_text())
    assert document["schema_version"] == 1
    for finding in document["findings"]:
        findings.setdefault(finding["kernel"], []).append(finding)
    return results, findings, done.stderr
