"""Profile, annotated source and timeline of whole programs: nvcc's through the driver library, and Triton's kernels."""

import collections
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from debugging import compiled

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
BUILD = pathlib.Path(os.environ.get("TILEWRIGHT_BUILD_DIR", ROOT / "build"))
LIBRARIES = BUILD / "lib" / "sim"
SOURCE = ROOT / "docs" / "examples" / "profile.cu"
TILE, ROWS, SIZE = 32, 8, 64  # as in SOURCE
BLOCKS = (SIZE // TILE) ** 2


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compiled(SOURCE, tmp_path_factory.mktemp("program") / "profile", "-O1", "-lineinfo")


def run(program, **variables):
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)}
    environment |= {f"TILEWRIGHT_SIM_{name.upper()}": str(value) for name, value in variables.items()}
    done = subprocess.run([program], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


def passes(words):
    """Wavefronts of one access of 32 lanes to these words: the most different words of one bank."""
    banks = collections.Counter(word % 32 for word in set(words))
    return max(banks.values())


def test_transposition(program, tmp_path):
    path = tmp_path / "profile.json"
    run(program, profile=path)
    document = json.loads(path.read_text())
    assert document["schema_version"] == 1
    kernels = {each["name"].split("(")[0]: each for each in document["kernels"]}
    assert set(kernels) == {"inOneBank", "inAllBanks"}
    for name, pitch in (("inOneBank", TILE), ("inAllBanks", TILE + 1)):
        kernel = kernels[name]
        assert kernel["launches"] == 1 and kernel["blocks"] == BLOCKS and kernel["warps"] == BLOCKS * ROWS
        assert kernel["shapes"] == [{"grid": [SIZE // TILE, SIZE // TILE, 1], "block": [TILE, ROWS, 1],
                                     "cluster": [1, 1, 1], "dynamic_shared_bytes": 0, "launches": 1}]
        # A row of the tile for each access of a warp, on the way in and out.
        requests = BLOCKS * TILE
        expected = collections.Counter()
        for row in range(TILE):
            expected["stores"] += BLOCKS * passes([row * pitch + lane for lane in range(32)])
            expected["loads"] += BLOCKS * passes([lane * pitch + row for lane in range(32)])
        found = collections.Counter()
        for each in kernel["instructions"]:
            if "shared" in each:
                kind = "stores" if each["text"].startswith("st.") else "loads"
                found[kind] += each["shared"]["wavefronts"]
                assert each["shared"]["ideal_wavefronts"] == each["shared"]["requests"]
        assert found == expected
        assert (expected["loads"] == 32 * requests) == (name == "inOneBank")
        total = kernel["total"]
        assert total["shared"]["requests"] == 2 * requests
        size = SIZE * SIZE * 4
        assert total["global"] == {"requests": 2 * requests, "read_bytes": size, "write_bytes": size,
                                   "needed_bytes": 2 * size, "sectors": 2 * requests * 4,
                                   "ideal_sectors": 2 * requests * 4, "lines": 2 * requests}
        assert kernel["traffic"] == {"requested_read_bytes": size, "requested_write_bytes": size,
                                     "sector_bytes": 2 * size, "unique_read_bytes": size,
                                     "unique_write_bytes": size, "unique_lines": 2 * size // 128}
        # Sums by line of the source are the same instructions.
        for key in ("issues", "threads"):
            assert sum(each["execution"][key] for each in kernel["source_lines"]) <= total["execution"][key]
        texts = SOURCE.read_text().splitlines()
        out = next(i for i, text in enumerate(texts, 1) if "out[(y + row)" in text)
        line = next(each for each in kernel["source_lines"] if each["source"].endswith(f"profile.cu:{out}"))
        assert line["shared"]["wavefronts"] == expected["loads"]


def test_the_same_each_time(program, tmp_path):
    texts = []
    for i in range(2):
        paths = {name: tmp_path / f"{name}{i}" for name in ("profile", "annotate", "timeline")}
        run(program, **paths)
        texts.append([path.read_text() for path in paths.values()])
    assert texts[0] == texts[1]
    assert "bank conflicts" in texts[0][0]


def margin(text, file):
    """Line number -> {column: count} of one file's section in each kernel's annotated text."""
    sections, current, columns = [], None, None
    for line in text.splitlines():
        if line.startswith("-- "):
            columns = None
            current = {} if line.endswith(file) else None
            if current is not None:
                sections.append(current)
        elif line.startswith("== "):
            current = None
        elif current is not None and "|" in line:
            counts, number, _ = line.split("|", 2)
            if number.strip() == "line":
                # Columns are as wide as their titles or wider, right-aligned, with a blank behind.
                columns, begin = [], 0
                for title in counts.split():
                    end = counts.index(title, begin) + len(title)
                    columns.append((title, begin, end))
                    begin = end
                continue
            current[int(number)] = {title: int(counts[begin:end]) for title, begin, end in columns
                                    if counts[begin:end].strip()}
    return sections


def test_annotated_source(program, tmp_path):
    path = tmp_path / "annotated.txt"
    run(program, annotate=path)
    text = path.read_text()
    all_banks, one_bank = margin(text, "profile.cu")  # by the kernels' names
    lines = SOURCE.read_text().splitlines()
    load = next(i for i, line in enumerate(lines, 1) if "= in[(y + row)" in line)
    store = next(i for i, line in enumerate(lines, 1) if "out[(y + row)" in line)
    blank = next(i for i, line in enumerate(lines, 1) if line.startswith("#pragma"))
    assert one_bank[store]["conflicts"] == BLOCKS * TILE * 31 and one_bank[store]["sectors"] == BLOCKS * TILE * 4
    assert "conflicts" not in all_banks[store] and all_banks[store]["wavefronts"] == BLOCKS * TILE
    assert one_bank[load]["wavefronts"] == BLOCKS * TILE
    assert "issues" not in one_bank.get(blank, {})
    # Each line of the source as it stands there.
    shown = {int(line.split("|")[1]): line.split("|", 2)[2][1:] for line in text.splitlines()
             if line.count("|") >= 2 and line.split("|")[1].strip().isdigit() and "row" in line and ";" in line}
    assert shown[store] == lines[store - 1]
    # The PTX has each instruction of both kernels.
    for section in margin(text, ".ptx"):
        barriers = [counts for counts in section.values() if counts.get("issues") == BLOCKS * ROWS]
        assert barriers, section


def test_timeline(program, tmp_path):
    path = tmp_path / "timeline.json"
    run(program, timeline=path)
    document = json.loads(path.read_text())
    assert [each["kernel"].count("Bank") for each in document["otherData"]["launches"]] == [1, 1]
    events = document["traceEvents"]
    waits = [each for each in events if each.get("cat") == "wait"]
    # In each block seven of eight warps wait for the last one.
    assert len(waits) == 2 * BLOCKS * (ROWS - 1)
    assert {each["name"] for each in waits} == {"waits: barrier 0"}
    begins = {each["id"]: each for each in events if each["ph"] == "s"}
    ends = {each["id"]: each for each in events if each["ph"] == "f"}
    assert begins.keys() == ends.keys() and len(begins) == len(waits)
    for each in waits:
        end = each["ts"] + each["dur"]
        assert any((flow["pid"], flow["tid"], flow["ts"]) == (each["pid"], each["tid"], end) for flow in ends.values())


FAILING = """
#include <cstdlib>
__global__ void first(int *out) { out[threadIdx.x] = 1; }
__global__ void broken(int *out) { out[threadIdx.x] = *reinterpret_cast<volatile int *>(8); }
int main() {
  int *out;
  if (cudaMalloc(&out, 4096))
    return 1;
  first<<<1, 64>>>(out);
  broken<<<1, 64>>>(out);
  if (cudaDeviceSynchronize() != cudaSuccess)
    std::abort();
}
"""


def test_a_program_that_aborts(tmp_path):
    """What its kernels did is written all the same."""
    source = tmp_path / "failing.cu"
    source.write_text(FAILING)
    program = compiled(source, tmp_path / "failing", "-O1", "-lineinfo")
    paths = {name: tmp_path / f"{name}.json" for name in ("profile", "timeline")}
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)}
    environment |= {f"TILEWRIGHT_SIM_{name.upper()}": str(path) for name, path in paths.items()}
    done = subprocess.run([program], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == -signal.SIGABRT
    kernels = {each["name"]: each for each in json.loads(paths["profile"].read_text())["kernels"]}
    assert kernels["first(int*)"]["failed_launches"] == 0 and kernels["broken(int*)"]["failed_launches"] == 1
    # What fails is not counted, as it did nothing.
    assert kernels["first(int*)"]["total"]["global"]["requests"] == 2
    assert "global" not in kernels["broken(int*)"]["total"]
    launches = json.loads(paths["timeline"].read_text())["otherData"]["launches"]
    assert [each["failed"] for each in launches] == [False, True]


def test_a_file_that_cannot_be_written(program):
    environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES), "TILEWRIGHT_SIM_PROFILE": "/nowhere/at/all"}
    done = subprocess.run([program], capture_output=True, text=True, env=environment, timeout=120)
    assert "cannot write '/nowhere/at/all'" in done.stderr


def test_triton_product(tmp_path):
    """One product, M x N x K in tiles: what it must compute and move, whatever Triton makes of it."""
    m, n, k, (bm, bn, bk), element = 256, 192, 160, (128, 64, 64), 2  # of that test
    paths = {name: tmp_path / f"{name}.json" for name in ("profile", "timeline")}
    environment = os.environ | {f"TILEWRIGHT_SIM_{name.upper()}": str(path) for name, path in paths.items()}
    ran = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--arch=90",
                          "test_matmul.py::test_half[bf16-pipelined]"], cwd=HERE.parent / "triton", env=environment,
                         capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    kernel, = json.loads(paths["profile"].read_text())["kernels"]
    blocks = (m // bm) * (n // bn)
    padded = -(-k // bk) * bk
    assert kernel["blocks"] == blocks
    assert kernel["total"]["products"]["flops"] == 2 * m * n * padded
    traffic = kernel["traffic"]
    assert traffic["requested_read_bytes"] == blocks * k * (bm + bn) * element
    assert traffic["requested_write_bytes"] == m * n * element
    assert traffic["unique_read_bytes"] == k * (m + n) * element
    assert traffic["unique_write_bytes"] == m * n * element
    assert kernel["copies"]["cp_async"]["global_read_bytes"] == traffic["requested_read_bytes"]
    operations = collections.Counter(event["name"] for event in json.loads(paths["timeline"].read_text())["traceEvents"]
                                     if event["ph"] == "b")
    products = sum(each["products"]["operations"] for each in kernel["instructions"] if "products" in each)
    assert sum(count for name, count in operations.items() if name.startswith("wgmma")) == products
    # One for each instruction of a warp.
    assert operations["cp.async"] == sum(each["execution"]["issues"] for each in kernel["instructions"]
                                         if "cp.async.c" in each["text"] and "commit" not in each["text"])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
