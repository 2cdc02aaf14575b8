#===- entry_points.py - Reads the toolkit's headers for the generators ----===#
"""What the generators of driver/ and cudart/ share: declarations out of a preprocessed C header, the names that sources
define, and definitions of the rest, which refuse or forward to the call whose default stream is the legacy one."""
import re
import subprocess
from pathlib import Path

PER_THREAD = re.compile(r"_pt[sd][sz]$")


def declarations(compiler: str, header: Path, result: str, names: str, defines: tuple[str, ...] = ()) -> dict[str, str]:
    """Exported name -> parameter list of each function that returns `result`."""
    command = [compiler, "-E", "-P", "-x", "c", *[f"-D{define}" for define in defines], f"-I{header.parent}", str(header)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.findall(rf"\b{result}\s+({names})\s*\(([^()]*)\)\s*;", text)
    return {name: " ".join(parameters.split()) for name, parameters in found}


def defined_names(sources: list[Path], result: str, names: str) -> set[str]:
    """An entry point is a line that starts with its definition."""
    found = set()
    for source in sources:
        found.update(re.findall(rf"^{result}\s+({names})\(", source.read_text(), re.MULTILINE))
    return found


def argument_names(parameters: str) -> str:
    if parameters in ("", "void"):
        return ""
    return ", ".join(re.search(r"(\w+)(\[\w*\])*$", part.strip()).group(1) for part in parameters.split(","))


def definitions(declared: dict[str, str], defined: set[str], result: str) -> list[str]:
    """The lines that define what is declared and not defined."""
    lines = []
    for name, parameters in sorted(declared.items()):
        base = PER_THREAD.sub("", name)
        if name in defined:
            continue
        lines.append(f"{result} {name}({parameters}) {{")
        if base != name and base in defined:
            lines += ["  PerThreadDefault scope;", f"  return {base}({argument_names(parameters)});", "}"]
        else:
            lines += ["  static std::atomic<bool> wasNamed{false};", f'  return refuseCall("{name}", wasNamed);', "}"]
    return lines
