"""The same computations on emulated processors of other makers and generations give the same bits as on this one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from entrec.arithmetic import PORTABLE, has_avx2

EMULATOR = shutil.which("qemu-x86_64")
# an Intel processor of 2013, an AMD one of 2019 and an Intel one of 2019; the emulator has no AVX-512
PROCESSORS = ["Haswell", "EPYC-Rome", "Icelake-Server"]
FEW = ["preparation textures", "stored jpeg", "method vicreg", "method entrec_cont", "linear lbfgs", "sphere"]

pytestmark = pytest.mark.skipif(not has_avx2(), reason="the processor has no AVX2")
EMULATED = pytest.mark.skipif(EMULATOR is None, reason="qemu-x86_64 is missing; Debian's package qemu-user has it")


def digests(file, *names, processor=None):
    """Return the digest of each computation, or of the named ones, on an emulated processor or else on this one."""
    command = [sys.executable, str(Path(__file__).with_name("digests.py")), str(file), *names]
    emulator = [EMULATOR, "-cpu", processor] if processor else []
    variables = {name: value for name, value in os.environ.items() if name not in PORTABLE}
    done = subprocess.run([*emulator, *command], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The digests on this machine's own processor."""
    return digests(tmp_path_factory.mktemp("here") / "digests.json")


@pytest.mark.bits
@EMULATED
@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_computation_has_the_same_bits_on_every_processor(here, tmp_path, processor):
    assert digests(tmp_path / "digests.json", processor=processor) == here


@pytest.mark.workflow
@EMULATED
def test_a_few_computations_have_the_same_bits_on_an_intel_processor_of_2013(here, tmp_path):
    there = digests(tmp_path / "there.json", *FEW, processor="Haswell")
    assert there == {name: here[name] for name in FEW}


@pytest.mark.workflow
def test_no_computation_uses_an_operation_whose_bits_depend_on_the_processor(here):
    """The script that computes the digests fails where one is used, also where its bits are equal by chance."""
    assert here.keys() > set(FEW)
