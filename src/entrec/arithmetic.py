"""The same arithmetic on every x86-64 processor with AVX2.

torch, oneDNN and MKL choose their code by the processor that they find, and the sums of different code differ in their
last bits. The three variables below make them choose the same code everywhere. `COMPATIBLE` is the only mode of MKL
that gives Intel and AMD processors the same bits; `AVX2` does not. The libraries read the variables at their first
operation, so importing this package must come before that. Variables that the user has set stay as they are.

Use this arithmetic with float32. The code of oneDNN for AVX2 only emulates bfloat16, so that a study in bfloat16 is
many times slower on a CPU. Such a study belongs on a GPU, which the variables do not affect.
"""

import os
import platform
from pathlib import Path

PORTABLE = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}


def choose_portable_arithmetic() -> None:
    """Set the variables of PORTABLE that are not set, where the processor has AVX2: torch would not check it."""
    if has_avx2():
        for name, value in PORTABLE.items():
            os.environ.setdefault(name, value)


def has_avx2() -> bool:
    """Whether this is an x86-64 processor with AVX2, as far as Linux says; elsewhere False."""
    flags = Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and flags.exists() and " avx2 " in flags.read_text()
