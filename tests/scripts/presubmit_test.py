"""Each presubmit check in a small repository: clean, and with the fault it is there to find."""

import pathlib
import shutil
import subprocess
import sys

import pytest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "presubmit"

TD = """
def Xf_NormOp : Xf_Op<"norm", [Pure]> {
  let description = [{
    Constraints:
    - (C1) one.
    - (C2) two.
  }];
}
"""
CPP = """// norm_c1
// norm_c2
"""
TEST = """func.func @norm_c1() { return }
func.func @norm_c2_twice() { return }
"""


@pytest.fixture
def repository(tmp_path):
    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    def run(script, *options):
        command = [str(tmp_path / "scripts/presubmit" / script), *options]
        if script.endswith(".py"):
            command.insert(0, sys.executable)
        return subprocess.run(command, capture_output=True, text=True)

    shutil.copytree(SCRIPTS, tmp_path / "scripts/presubmit")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write("ir/xf/XfOps.td", TD)
    write("ir/xf/XfOps.cpp", CPP)
    write("tests/ir/xf/norm-invalid.mlir", TEST)
    write.run = run
    write.root = tmp_path
    return write


def test_labels(repository):
    result = repository.run("labels.py")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("path, text, message", [
    ("ir/xf/XfOps.cpp", "// norm_c1\n", "ir/xf/XfOps.td:6: no verifier comment '// norm_c2' in ir/xf"),
    ("tests/ir/xf/norm-invalid.mlir", TEST.replace("c1", "c10"), "ir/xf/XfOps.td:5: no test '@norm_c1' in tests/ir/xf"),
    ("ir/xf/XfOps.cpp", CPP + "// norm_c3\n", "ir/xf/XfOps.cpp:3: 'norm_c3' is in no description"),
])
def test_labels_report(repository, path, text, message):
    repository(path, text)
    result = repository.run("labels.py")
    assert result.returncode == 1
    assert message in result.stderr.splitlines()


@pytest.mark.parametrize("path, text", [
    ("ir/xf/A.cpp", '#include "ir/xf/B.h"\n#include "mlir/IR/Builders.h"\n'),
    ("passes/xf/A.cpp", '#include "ir/xf/B.h"\n#include "autotune/Gemm.h"\n'),
    ("tests/A.cpp", '#include "sim/ptx/Lexer.h"\n'),
])
def test_includes(repository, path, text):
    repository(path, text)
    result = repository.run("includes.py")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("path, text, message", [
    ("ir/xf/A.cpp", '\n#include "ir/tile/Tile.h"\n', "ir/xf/A.cpp:2: ir/xf must not include ir/tile (ir/tile/Tile.h)"),
    ("ir/xf/A.td", 'include "passes/Passes.td"\n', "ir/xf/A.td:1: ir/xf must not include passes (passes/Passes.td)"),
    ("sim/ptx/A.cpp", '#include "llvm/ADT/StringRef.h"\n', "sim/ptx/A.cpp:1: sim must not include llvm/ADT/StringRef.h"),
    ("sim/ptx/A.cpp", '#include "codegen/ptx/Ptx.h"\n', "sim/ptx/A.cpp:1: sim must not include codegen/ptx (codegen/ptx/Ptx.h)"),
    ("elsewhere/A.cpp", "\n", "elsewhere/A.cpp: its folder is not in includes.json"),
])
def test_includes_report(repository, path, text, message):
    repository(path, text)
    result = repository.run("includes.py")
    assert result.returncode == 1
    assert result.stderr.splitlines() == [message]


def test_includes_start_at_the_root(repository):
    repository("sim/ptx/A.h", "\n")
    repository("sim/ptx/A.cpp", '#include "A.h"\n')
    result = repository.run("includes.py")
    assert result.stderr.splitlines() == ["sim/ptx/A.cpp:1: 'A.h' is not given from the repository root"]


def test_format(repository):
    repository(".clang-format", "BasedOnStyle: LLVM\n")
    repository("sim/A.cpp", "int a;\n")
    assert repository.run("format.sh").returncode == 0
    repository("sim/A.cpp", "int   a;\n")
    result = repository.run("format.sh")
    assert result.returncode == 1
    assert "sim/A.cpp:1:4: error: code should be clang-formatted" in result.stderr
    assert repository.run("format.sh", "-f").returncode == 0
    assert (repository.root / "sim/A.cpp").read_text() == "int a;\n"


def test_docs(repository):
    """On the project's own tree: a page that differs by a line is reported."""
    shutil.rmtree(repository.root / "ir")
    for folder in ("ir", "passes", "docs", "tests/sim/ptx"):
        shutil.copytree(SCRIPTS.parents[1] / folder, repository.root / folder)
    for file in ("runtime/README.md", "scripts/ptx_forms.py", "sim/exec/decode/Effects.cpp"):
        repository(file, (SCRIPTS.parents[1] / file).read_text())
    assert repository.run("docs.sh").returncode == 0
    assert repository.run("docs.sh", "--check").returncode == 0
    page = repository.root / "docs/generated/xf.md"
    page.write_text(page.read_text().replace("Root-mean-square", "Mean-square"))
    result = repository.run("docs.sh", "--check")
    assert result.returncode == 1
    assert result.stderr.splitlines() == ["docs/generated/xf.md is out of date: run scripts/presubmit/docs.sh"]
    assert "-Mean-square normalization over the last dimension" in result.stdout.replace("_", "")


@pytest.mark.parametrize("page, message", [
    ("| `TILEWRIGHT_ONE` | |\n", ""),
    ("", "runtime/One.cpp:1: TILEWRIGHT_ONE is not in docs/environment.md"),
    ("| `TILEWRIGHT_ONE` | |\n| `TILEWRIGHT_TWO` | |\n", "docs/environment.md:2: no code reads TILEWRIGHT_TWO"),
])
def test_environment(repository, page, message):
    # In two pieces, or the check would find it here.
    repository("runtime/One.cpp", 'const char *one = std::getenv("TILEWRIGHT' '_ONE");\n')
    repository("docs/environment.md", page)
    result = repository.run("environment.py")
    assert (result.returncode, result.stderr.strip()) == (bool(message), message)


HEADER = """//===- A.h - What it is ---===//
#ifndef TILEWRIGHT_SIM_A_H
#define TILEWRIGHT_SIM_A_H
#endif
"""


@pytest.mark.parametrize("text, message", [
    (HEADER, ""),
    (HEADER.replace("SIM_A", "A"), "sim/A.h:2: expects the guard TILEWRIGHT_SIM_A_H"),
    ("//===- A.h - What it is ---===//\n", "sim/A.h:1: expects the guard TILEWRIGHT_SIM_A_H"),
    ("//===- A.h - What it is ---===//\n// Included once for each target.\n", ""),
    (HEADER.replace("A.h", "B.h"), "sim/A.h:1: expects the line '//===- A.h - What it is ---===//'"),
    (HEADER.replace(" ---", "\n//---", 1), "sim/A.h:1: the first line must end in '===//', on the same line"),
])
def test_headers(repository, text, message):
    repository("ir/xf/XfOps.cpp", "//===- XfOps.cpp - Ops ---===//\n")
    repository("ir/xf/XfOps.td", "//===- XfOps.td - Ops ---===//\n#ifndef TILEWRIGHT_IR_XF_XFOPS_TD\n#define TILEWRIGHT_IR_XF_XFOPS_TD\n")
    repository("sim/A.h", text)
    result = repository.run("headers.py")
    assert (result.returncode, result.stderr.strip()) == (bool(message), message)


README = """# sim

```
A.h, .cpp     one thing
B.*           another
{C,D}.cpp     E.cpp
part/         a folder:
  F.py          in it
data *.txt
```

```
A --> B
```

`A.h` and `sim/part/F.py`, [E](E.cpp), `sim/NAME.cpp` as a pattern.
"""


def make_sim(repository, readme):
    shutil.rmtree(repository.root / "ir")
    shutil.rmtree(repository.root / "scripts")
    shutil.copytree(SCRIPTS, repository.root / "scripts/presubmit")
    for name in ("A.h", "A.cpp", "B.h", "B.cpp", "C.cpp", "D.cpp", "E.cpp"):
        repository("sim/" + name, "")
    repository("sim/part/F.py", "")
    repository("sim/part/README.md", "```\nF.py   all\n```\n")
    repository("sim/README.md", readme)
    repository("sim/data.txt", "")


@pytest.mark.parametrize("old, new, message", [
    ("", "", ""),
    ("A.h, .cpp", "A.h, .c", "sim/README.md:4: no such file: A.c"),
    ("B.*", "G.*", "sim/README.md:5: no such file: G.*"),
    ("E.cpp\n", "\n", "sim/README.md: E.cpp is not in its tree"),
    ("  F.py", "  G.py", "sim/README.md:8: no such file: G.py"),
    ("part/         a folder:\n  F.py          in it\n", "", "sim/README.md: part/ is not in its tree"),
    ("sim/part/F.py", "sim/part/G.py", "sim/README.md:16: no such file: sim/part/G.py"),
    ("(E.cpp)", "(G.cpp)", "sim/README.md:16: no such file: G.cpp"),
    (README[README.index("```") : README.rindex("```")], "```\n", "sim/README.md: has no tree of its folder"),
])
def test_readmes(repository, old, new, message):
    make_sim(repository, README.replace(old, new, 1) if old else README)
    lines = [line for line in repository.run("readmes.py").stderr.splitlines() if not line.startswith("scripts")]
    assert message in lines if message else not lines, lines


def test_readmes_of_folders(repository):
    make_sim(repository, README)
    (repository.root / "sim/part/README.md").unlink()
    result = repository.run("readmes.py")
    assert result.returncode == 1
    assert "sim/part: has no README.md" in result.stderr.splitlines()


PAGE = """# Page

<!-- from sim/A.cpp -->

```cpp
int one();
...
int three();
```
"""


@pytest.mark.parametrize("source, message", [
    ("  int one();\nint two();\n\nint three();\n", ""),
    ("int one();\nint two();\n", "docs/page.md:3: not in sim/A.cpp: int three();"),
    ("int three();\nint one();\n", "docs/page.md:3: not in sim/A.cpp: int three();"),
    (None, "docs/page.md:3: not in sim/A.cpp: sim/A.cpp"),
])
def test_snippets(repository, source, message):
    repository("docs/page.md", PAGE)
    if source is not None:
        repository("sim/A.cpp", source)
    result = repository.run("snippets.py")
    assert (result.returncode, result.stderr.strip()) == (bool(message), message)
