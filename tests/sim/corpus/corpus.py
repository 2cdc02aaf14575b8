"""Builds CUDA programs with the toolkit's nvcc and runs them on the simulator.

    corpus.py program NAME      one of programs/*.cu
    corpus.py cutlass NAME      one of CUTLASS's examples, see EXAMPLES
    corpus.py checked NAME      either of them under all checks: the kinds found must be those that it names
    corpus.py schedules NAME    a program under several schedules a launch: they disagree only where it says so
    corpus.py build             builds all of them, one after the other

Programs are linked against the toolkit's own libcudart.so.13, as anybody's are, and find ours when they run. What was
built is kept in build/corpus under a hash of everything it was built from.
"""
import argparse
import dataclasses
import fcntl
import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from compiler import UNSANITIZED  # noqa: E402

ROOT = HERE.parents[2]
VENV = Path(os.environ.get("TILEWRIGHT_VENV", ROOT / "build" / "venv"))
BUILD = Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
CACHE = ROOT / "build" / "corpus"
PACKAGES = next(VENV.glob("lib/python3*/site-packages"))
CUDA = PACKAGES / "nvidia" / "cu13"
CUTLASS = PACKAGES / "cutlass_library" / "source"

# PTX only: -arch=sm_90a would add machine code, and PTX for an architecture without wgmma.
FLAGS = ["-std=c++17", "-w", "-gencode", "arch=compute_90a,code=compute_90a", "--expt-relaxed-constexpr",
         "-cudart", "none"]


@dataclasses.dataclass
class Example:
    source: str
    arguments: str
    passed: str  # what it prints when its own check has passed
    gemm: str = ""  # for examples without a check: the product that GemmWatch checks
    error: str = ""  # what the checks must find in it; docs/simulator-memory-model.md says why
    formal: str = ""


def tutorial(source: str, problem: str, kind: str, transposed: str, **findings: str) -> Example:
    return Example(f"cute/tutorial/{source}.cu", f"{problem} {transposed}", "gemm-watch: passed",
                   f"{problem} {kind} {transposed}", **findings)


# Small, but not so small that the tutorials read past their matrices: those that keep tiles in flight fetch the first ones
# without asking whether they are there, so K is at least as many tiles; a cluster of two blocks needs two of them.
EXAMPLES = {
    "00_basic_gemm": Example("00_basic_gemm/basic_gemm.cu", "256 192 128 1.5 0.5", "Passed."),
    "14_ampere_tf32_tensorop_gemm": Example(
        "14_ampere_tf32_tensorop_gemm/ampere_tf32_tensorop_gemm.cu",
        "--m=256 --n=256 --k=128 --alpha=2 --beta=0.5 --iterations=1", "Passed"),
    "16_ampere_tensorop_conv2dfprop": Example(
        "16_ampere_tensorop_conv2dfprop/ampere_tensorop_conv2dfprop.cu",
        "--n=1 --h=12 --w=10 --c=64 --k=64 --r=3 --s=3 --ref-check --iterations=1", "Passed."),
    "31_basic_syrk": Example("31_basic_syrk/basic_syrk.cu", "", "Passed."),
    "46_depthwise_simt_conv2dfprop": Example(
        "46_depthwise_simt_conv2dfprop/depthwise_simt_conv2dfprop.cu",
        "--n=1 --h=12 --w=12 --c=32 --k=32 --g=32 --r=3 --s=3 --ref-check --iterations=1", "Passed."),
    "sgemm_1": tutorial("sgemm_1", "256 128 64", "float", "N T"),
    "sgemm_1_tn": tutorial("sgemm_1", "128 128 64", "float", "T N"),
    "sgemm_2": tutorial("sgemm_2", "256 128 64", "float", "N T"),
    "sgemm_2_tn": tutorial("sgemm_2", "128 128 64", "float", "T N"),
    "sgemm_sm80": tutorial("sgemm_sm80", "128 128 192", "half", "T N"),
    "wgmma_sm90": tutorial("hopper/wgmma_sm90", "128 128 192", "half", "N T", error="race", formal="proxy"),
    "wgmma_sm90_tn": tutorial("hopper/wgmma_sm90", "128 128 192", "half", "T N", error="race", formal="proxy"),
    "wgmma_tma_sm90": tutorial("hopper/wgmma_tma_sm90", "256 128 192", "half", "N T", error="barrier", formal="barrier"),
    "wgmma_tma_sm90_tn": tutorial("hopper/wgmma_tma_sm90", "256 128 192", "half", "T N", error="barrier", formal="barrier"),
    "47_ampere_gemm_universal_streamk": Example(
        "47_ampere_gemm_universal_streamk/ampere_gemm_universal_streamk.cu",
        "--m=256 --n=256 --k=128 --iterations=1", "Disposition: Passed", formal="race"),
    "48_hopper_warp_specialized_gemm": Example(
        "48_hopper_warp_specialized_gemm/48_hopper_warp_specialized_gemm.cu",
        "--m=512 --n=384 --k=256 --alpha=1.5 --beta=0.5 --iterations=1", "Disposition: Passed"),
}


# Each program has to pass under the default schedule, on one host thread, and under two adversarial schedules.
SETTINGS = [{}, {"TILEWRIGHT_SIM_THREADS": "1"}, {"TILEWRIGHT_SIM_SCHEDULE": "1"}, {"TILEWRIGHT_SIM_SCHEDULE": "7"}]


def directive(source: Path, name: str) -> str:
    """The rest of a line `//! name: ...`, or nothing."""
    found = re.search(rf"^//! {name}: (.*)$", source.read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def toolkit() -> str:
    names = ["nvidia-cuda-nvcc", "nvidia-nvvm", "nvidia-cuda-crt", "nvidia-cuda-runtime", "nvidia-cuda-cccl",
             "nvidia-cutlass", "nvidia-curand"]
    return " ".join(f"{name}=={importlib.metadata.version(name)}" for name in names)


def compile_cached(output: str, command: list, inputs: list[Path]) -> Path:
    """Runs `command -o FILE` unless FILE is there; one compiler at a time, since some need gigabytes."""
    key = hashlib.sha256(" ".join([toolkit(), *map(str, command)]).encode())
    for path in inputs:
        key.update(path.read_bytes())
    out = CACHE / key.hexdigest()[:16] / output
    if out.exists():
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(CACHE / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if out.exists():
            return out
        part = out.with_suffix(".part")
        begin = time.monotonic()
        subprocess.run([*UNSANITIZED, *command, "-o", part], check=True)
        part.rename(out)
        print(f"built {output} in {time.monotonic() - begin:.1f} s", flush=True)
    return out


def nvcc(source: Path, includes: list[Path], extra: list[str], inputs: list[Path]) -> Path:
    command = [CUDA / "bin" / "nvcc", *FLAGS, *extra, *[f"-I{path}" for path in includes], source,
               "-L", CUDA / "lib", "-l:libcudart.so.13"]
    return compile_cached(source.stem, command, [source, *inputs])


def build_program(name: str) -> Path:
    source = HERE / "programs" / f"{name}.cu"
    return nvcc(source, [HERE], directive(source, "flags").split(), [HERE / "Check.h"])


def build_example(name: str) -> Path:
    includes = [CUTLASS / "include", CUTLASS / "tools/util/include", CUTLASS / "examples/common"]
    return nvcc(CUTLASS / "examples" / EXAMPLES[name].source, includes, [], [])


def build_watch() -> Path:
    source = HERE / "GemmWatch.cpp"
    command = ["g++", "-std=c++17", "-O2", "-fPIC", "-shared", "-I", CUDA / "include", source, "-ldl"]
    return compile_cached("libgemm-watch.so", command, [source])


def run(program: Path, arguments: list[str], settings: dict[str, str]) -> subprocess.CompletedProcess:
    environment = dict(os.environ, LD_LIBRARY_PATH=str(BUILD / "lib" / "sim"), **settings)
    begin = time.monotonic()
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=1500)
    print(done.stdout + done.stderr, end="")
    print(f"{program.name}: exit code {done.returncode}, {time.monotonic() - begin:.2f} s")
    return done


def run_program(name: str) -> int:
    source = HERE / "programs" / f"{name}.cu"
    board = {"TILEWRIGHT_SIM_SKU": skus} if (skus := directive(source, "skus")) else {}
    program, arguments = build_program(name), directive(source, "arguments").split()
    codes = [run(program, arguments, {**board, **settings}).returncode for settings in SETTINGS]
    return 0 if not any(codes) else 1


def run_example(name: str, settings: dict[str, str] = {}) -> int:
    example = EXAMPLES[name]
    if example.gemm:
        # Behind what is preloaded already: a sanitizer's runtime wants to be the first.
        preload = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), str(build_watch())]))
        settings = {**settings, "LD_PRELOAD": preload, "TILEWRIGHT_GEMM": example.gemm}
    done = run(build_example(name), example.arguments.split(), settings)
    text = done.stdout + done.stderr
    if done.returncode == 0 and (example.passed not in text or "failed" in text.lower()):
        print(f"{name}: did not print '{example.passed}', or also that something failed")
        return 1
    return done.returncode


def run_checked(name: str) -> int:
    """The kinds of what the checks report are those that the program's directives, or the example, name."""
    source = HERE / "programs" / f"{name}.cu"
    example = EXAMPLES.get(name)
    expected = {severity: set((getattr(example, severity) if example else directive(source, severity)).split())
                for severity in ("error", "formal")}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "findings.json"
        settings = {"TILEWRIGHT_SIM_CHECK": "all", "TILEWRIGHT_SIM_CHECK_JSON": str(report)}
        if example:
            code = run_example(name, settings)
        else:
            if skus := directive(source, "skus"):
                settings["TILEWRIGHT_SIM_SKU"] = skus
            code = run(build_program(name), directive(source, "arguments").split(), settings).returncode
        findings = json.loads(report.read_text())["findings"]
    found = {severity: {finding["kind"] for finding in findings if finding["severity"] == severity}
             for severity in expected}
    if found != expected:
        print(f"{name}: the checks found {found}, expected {expected}")
        return 1
    return code


def run_schedules(name: str) -> int:
    """What several schedules of each launch disagree on is of the severities that the program's directive names."""
    source = HERE / "programs" / f"{name}.cu"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "schedules.json"
        settings = {"TILEWRIGHT_SIM_SCHEDULES": "6", "TILEWRIGHT_SIM_SCHEDULES_JSON": str(report)}
        if skus := directive(source, "skus"):
            settings["TILEWRIGHT_SIM_SKU"] = skus
        code = run(build_program(name), directive(source, "arguments").split(), settings).returncode
        found = {each["severity"] for each in json.loads(report.read_text())["schedules"]}
    if found != set(directive(source, "schedules").split()):
        print(f"{name}: schedules disagree with severities {found}")
        return 1
    return code


def build_all() -> int:
    """Fills the cache. What cannot be built fails in its own test, not here."""
    builds = [(build_program, source.stem) for source in sorted((HERE / "programs").glob("*.cu"))]
    for build, name in builds + [(build_example, name) for name in EXAMPLES]:
        try:
            build(name)
        except subprocess.CalledProcessError:
            print(f"{name}: cannot be built", flush=True)
    build_watch()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["program", "cutlass", "checked", "schedules", "build"])
    parser.add_argument("name", nargs="?")
    options = parser.parse_args()
    if options.what == "build":
        return build_all()
    if options.what == "cutlass" and options.name not in EXAMPLES:
        parser.error("examples: " + ", ".join(EXAMPLES))
    runs = {"program": run_program, "cutlass": run_example, "checked": run_checked, "schedules": run_schedules}
    return runs[options.what](options.name)


if __name__ == "__main__":
    sys.exit(main())
