"""EntRec: reproducibility pipeline for multi-view self-supervised learning (arXiv:2307.10907)."""

from entrec.arithmetic import choose_portable_arithmetic

__version__ = "0.1.0"

choose_portable_arithmetic()
