"""Every form of the ISA in forms/*.txt: the engine loads it, or refuses it by name where the line says so, and ptxas agrees
that it exists. The decoder's tables hold no opcode that the forms do not have."""

import re
import subprocess

import forms
import harness
import pytest

from test_ptx import PTXAS

# What the assembler gets at once.
CHUNK = 1500
# How the engine names what it refuses.
REFUSALS = ("not supported",)


@pytest.fixture(scope="module")
def all_forms():
    return forms.load()


def module(instructions, begin="", end=""):
    return forms.HEAD + begin + "".join(f"{instruction};\n" for instruction in instructions) + end + forms.TAIL


def engine_messages(instructions, tmp_path):
    """The engine's message for each of the instructions that it refuses, by index."""
    path = tmp_path / "forms.ptx"
    path.write_text(module(instructions, "//! forms\n", "//! end\n"))
    done = subprocess.run([harness.RUNNER, "--forms", path], capture_output=True, text=True, check=True)
    lines = (line.split("\t", 1) for line in done.stdout.splitlines())
    return {int(index): message for index, message in lines}


def test_engine(all_forms, tmp_path):
    variants = [(form, variant) for form in all_forms for variant in form.variants]
    messages = engine_messages([variant for _, variant in variants], tmp_path)
    wrong = []
    for i, (form, variant) in enumerate(variants):
        message = messages.get(i)
        if form.refused:
            if not message or not any(word in message for word in REFUSALS):
                wrong.append(f"{variant}: to be refused by name, but: {message}")
        elif message:
            wrong.append(f"{variant}: {message}")
    assert not wrong, f"{len(wrong)} forms\n" + "\n".join(wrong[:20])


def test_assembler(all_forms, tmp_path):
    """ptxas knows every variant, or every 16th of the forms with many, which are alike in all but names, for its time."""
    variants = [variant for form in all_forms for variant in
                (form.variants if len(form.variants) <= 64 else form.variants[::16])]
    for at in range(0, len(variants), CHUNK):
        path = tmp_path / "forms.ptx"
        path.write_text(module(variants[at:at + CHUNK]))
        done = subprocess.run([PTXAS, "-arch=sm_90a", "-O0", path, "-o", tmp_path / "out.cubin"], capture_output=True,
                              text=True)
        assert done.returncode == 0, done.stderr[:2000]


def test_unknown_modifiers_are_refused(all_forms, tmp_path):
    """A modifier that no instruction has is refused on every one."""
    spoiled = [re.sub(r"^((?:@!?\S+ )?[\w.:]+)", r"\1.spoiled", form.variants[0]) for form in all_forms]
    messages = engine_messages(spoiled, tmp_path)
    accepted = [text for i, text in enumerate(spoiled) if i not in messages]
    assert not accepted


def test_every_opcode_has_forms(all_forms):
    opcodes = {variant.split()[1 if variant.startswith("@") else 0].split(".")[0]
               for form in all_forms for variant in form.variants}
    registered = set(subprocess.run([harness.RUNNER, "--opcodes"], capture_output=True, text=True, check=True).stdout.split())
    # A refused texture query that ptxas takes with symbols only.
    assert registered - {"istypep"} == opcodes


def test_sweeps_take_their_forms(all_forms):
    """What the table calls swept is what the sweep takes."""
    for test in {forms.sweep_of(form) for form in all_forms} - {None}:
        text = (forms.FOLDER.parent / test).read_text()
        assert f'forms.swept_by("{test}")' in text, test


def test_no_form_is_without_a_sweep(all_forms):
    assert not [form.text for form in all_forms if not form.refused and not forms.sweep_of(form)]
