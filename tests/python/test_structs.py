"""The structs of _library.py are those of the header."""

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tilewright import _library

ROOT = Path(__file__).resolve().parent.parent.parent
STRUCTS = {
    "tilewright_bundle_info": _library.BundleInfo,
    "tilewright_model_options": _library.ModelOptions,
    "tilewright_session_options": _library.SessionOptions,
    "tilewright_session_info": _library.SessionInfo,
    "tilewright_sampling": _library.Sampling,
    "tilewright_prompt": _library.Prompt,
    "tilewright_generate_options": _library.GenerateOptions,
    "tilewright_generation_info": _library.GenerationInfo,
}


def test_sizes_and_offsets(tmp_path):
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang", "clang-22"))), None)
    if compiler is None:
        pytest.fail("no C compiler")
    lines = []
    for name, struct in STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field in struct._fields_:
            lines.append(f'printf("{name}.{field[0]} %zu\\n", offsetof({name}, {field[0]}));')
    source = tmp_path / "sizes.c"
    source.write_text(
        '#include "runtime/tilewright.h"\n#include <stdio.h>\n'
        "int main(void) {\n" + "\n".join(lines) + "\nreturn 0; }\n"
    )
    program = tmp_path / "sizes"
    subprocess.run([compiler, "-std=c11", f"-I{ROOT}", source, "-o", program], check=True)
    output = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    expected = {}
    for name, struct in STRUCTS.items():
        expected[name] = ctypes.sizeof(struct)
        for field in struct._fields_:
            expected[f"{name}.{field[0]}"] = getattr(struct, field[0]).offset
    assert dict(re.findall(r"(\S+) (\d+)", output)) == {
        name: str(value) for name, value in expected.items()
    }
