"""The arithmetic of a CPU is the same on all x86-64 processors with AVX2."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from entrec.arithmetic import PORTABLE, arithmetic_in_use, choose_native_arithmetic, has_avx2
from entrec.commands.study import loaded

pytestmark = pytest.mark.skipif(not has_avx2(), reason="the processor has no AVX2")
SHOWN = "import torch, entrec, os; print(torch.backends.cpu.get_cpu_capability(), os.environ['MKL_CBWR'])"


def shown(**given):
    """What a new process says, with the variables `given` and no others of PORTABLE."""
    variables = {name: value for name, value in os.environ.items() if name not in PORTABLE}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN], env=variables | given, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_importing_the_package_chooses_portable_arithmetic_even_after_torch():
    assert shown() == ["AVX2", "COMPATIBLE"]


def test_a_variable_that_the_user_set_stays():
    assert shown(ATEN_CPU_CAPABILITY="default") == ["DEFAULT", "COMPATIBLE"]


def test_native_arithmetic_undoes_the_choice_and_leaves_what_the_user_set(monkeypatch):
    for name, value in PORTABLE.items():
        monkeypatch.setenv(name, value)
    assert arithmetic_in_use() == "portable"
    monkeypatch.setenv("MKL_CBWR", "AVX2")
    assert arithmetic_in_use() == "native"
    choose_native_arithmetic()
    assert {name: os.environ[name] for name in PORTABLE if name in os.environ} == {"MKL_CBWR": "AVX2"}


def test_a_study_chooses_the_arithmetic_of_the_steps_that_compute(monkeypatch):
    chosen = {}
    for name in ("demo", "fashion"):
        for variable, value in PORTABLE.items():
            monkeypatch.setenv(variable, value)
        loaded(Path(f"params/{name}.yaml"))
        chosen[name] = arithmetic_in_use()
    assert chosen == {"demo": "portable", "fashion": "native"}


def test_no_module_uses_a_function_that_depends_on_the_processor():
    uses = re.compile(
        r"torch\.(sqrt|asin|acos|a?tan|cdist|log|log2|log10|logit|logsumexp)\("
        r"|\.(sqrt|asin|acos|atan|tan|log|log2|log10|logit)_?\(\)|\.logsumexp\("
    )
    found = {
        f"{path}:{number}"
        for path in Path("src").rglob("*.py")
        if path.name != "portable.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if uses.search(line)
    }
    assert not found, "use entrec.information.portable"
