"""EntRec: reproducibility pipeline for multi-view self-supervised learning (arXiv:2307.10907)."""

__version__ = "0.1.0"
