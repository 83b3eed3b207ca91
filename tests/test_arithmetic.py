"""The arithmetic of a CPU is the same on all x86-64 processors with AVX2."""

import os
import subprocess
import sys

import pytest

from entrec.arithmetic import PORTABLE, has_avx2

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
