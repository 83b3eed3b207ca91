"""The same arithmetic on every x86-64 processor with AVX2.

torch, oneDNN, MKL, numpy and OpenBLAS choose their code by the processor that they find, and the results of different
code differ in their last bits. The variables below make them choose the same code everywhere. `COMPATIBLE` is the only
mode of MKL that gives Intel and AMD processors the same bits; `AVX2` does not. Numpy is told to leave out what it has
for AVX-512. The libraries read the variables when they are loaded or at their first operation, so importing this
package must come before that. Variables that the user has set stay as they are. The vector functions of MKL, which
torch uses for a few functions, obey none of these variables; `information.portable` stands in for them.
MKL's compatible mode is slow, so that `information.products` gives products to oneDNN.

A study with `arithmetic: native` is computed by the fastest code of each processor instead. Its results differ in
their last bits from one processor to another. That suits a study which runs on a GPU, which none of this affects, and
one in bfloat16 on a CPU: the code of oneDNN for AVX2 only emulates bfloat16, which is many times slower.
"""

import os
import platform
from pathlib import Path
from typing import Literal

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
}


def choose_portable_arithmetic() -> None:
    """Set the variables of PORTABLE that are not set, where the processor has AVX2: torch would not check it."""
    if has_avx2():
        for name, value in PORTABLE.items():
            os.environ.setdefault(name, value)


def choose_native_arithmetic() -> None:
    """Let torch, oneDNN and MKL choose the fastest code for this processor, unless the user has chosen otherwise.

    Numpy has read its variable by now and stays portable. It computes nothing here that takes long.
    """
    for name, value in PORTABLE.items():
        if os.environ.get(name) == value:
            del os.environ[name]


def arithmetic_in_use() -> Literal["portable", "native"]:
    """Return `portable` if libraries that are loaded now compute the same bits on every such processor, or `native`."""
    chosen = all(os.environ.get(name) == value for name, value in PORTABLE.items())
    return "portable" if chosen and has_avx2() else "native"


def has_avx2() -> bool:
    """Whether this is an x86-64 processor with AVX2, as far as Linux says; elsewhere False."""
    flags = Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and flags.exists() and " avx2 " in flags.read_text()
