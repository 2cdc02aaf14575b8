"""Texts that are deep, long or repetitive: each loads or is refused with its place, in little time and memory."""

import resource
import subprocess
import time

import harness
import pytest

HEAD = ".version 8.5\n.target sm_90a\n.address_size 64\n"
MANY = 100_000
# Seconds of processor time; a busy machine does not count. Memory: the engine maps little besides what it uses.
SECONDS = 20
BYTES = 4 << 30


def kernel(body, registers=".reg .pred %p<4>; .reg .b32 %r<8>; .reg .b64 %rd<8>;"):
    return HEAD + f".visible .entry test() {{ {registers}\n{body}\nret; }}\n"


def chain(functions, calls):
    """Each function calls the next one so many times."""
    text = [f".func f{functions} {{ ret; }}\n"]
    for i in reversed(range(functions)):
        text.append(f".func f{i} {{ " + f"call.uni f{i + 1}; " * calls + "ret; }\n")
    return HEAD + "".join(text) + ".visible .entry test() { ret; }\n.visible .entry deep() { call.uni f0; ret; }\n"


# Text, and a part of the message, or None where it loads.
CASES = {
    "nested-parentheses": (HEAD + f".global .u32 x = {'(' * MANY}1{')' * MANY};\n", "error:"),
    "nested-lists": (HEAD + f".global .u32 x[4] = {'{' * MANY}1{'}' * MANY};\n", "error:"),
    "nested-blocks": (kernel("{" * MANY + "}" * MANY), None),
    "nested-vectors": (kernel(f"mov.b32 {'{' * MANY}%r1{'}' * MANY}, 0;"), "error:"),
    "long-sum": (HEAD + f".global .u32 x = {'1+' * MANY}1;\n.visible .entry test() {{ ret; }}\n", None),
    "long-name": (kernel(f"{'x' * 1_000_000}: bra {'x' * 1_000_000};".replace("bra", "@%p1 bra")), None),
    "many-modifiers": (kernel("add" + ".u32" * MANY + " %r1, %r1, %r1;"), "error:"),
    "many-dimensions": (HEAD + ".global .u32 x" + "[2]" * MANY + ";\n", "error:"),
    "many-labels": (kernel("".join(f"l{i}:\n" for i in range(MANY)) + "@%p1 bra l0;"), None),
    "many-branches": (kernel("".join(f"@%p1 bra l{i};\nl{i}:\n" for i in range(20_000))), None),
    "many-registers": (kernel("", ".reg .b32 %r<4000000000>;"), "error:"),
    "many-calls": (HEAD + ".func f { ret; }\n.visible .entry test() { " + "call.uni f; " * MANY + "ret; }\n", None),
    "deep-calls": (chain(20_000, 1), None),
    "calls-twice-each": (chain(64, 2), None),
    "huge-arrays": (HEAD + ".global .u64 x[4294967295][4294967295][4294967295];\n", "error:"),
    "huge-shared": (kernel(".shared .b8 s[4294967295];"), "error:"),
    "huge-local": (kernel(".local .b8 s[4294967295];"), "error:"),
    "huge-alignment": (HEAD + ".global .align 4294967296 .b8 x;\n", "error:"),
    "unclosed-comment": (HEAD + "/*" * MANY, "error:"),
    "unclosed-kernel": (HEAD + ".visible .entry test() {", "error:"),
    "only-dots": (HEAD + "." * MANY, "error:"),
}


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@pytest.mark.parametrize("name", CASES)
def test_loads_or_is_refused(name, tmp_path):
    text, message = CASES[name]
    path = tmp_path / "hostile.ptx"
    path.write_text(text)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    begin = time.monotonic()
    done = subprocess.run([harness.RUNNER, path, "test", "1", "32", "1", "0"], capture_output=True, text=True,
                          preexec_fn=limit)
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"{name}: exit code {done.returncode}, {time.monotonic() - begin:.2f} s, {after >> 10} MiB")
    assert done.returncode == (1 if message else 0), done.stderr[:2000]
    if message:
        assert message in done.stderr.splitlines()[0][:300]
        # A source line of a megabyte is the text's fault, but the message is no longer than twice that.
        assert len(done.stderr) <= 2 * len(text) + 1000
    assert after <= max(before, BYTES >> 10)
