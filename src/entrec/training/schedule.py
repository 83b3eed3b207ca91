"""The schedule of the learning rate."""

import math


def cosine_with_warmup(step: int, *, steps: int, warmup: int) -> float:
    """Return the learning rate's factor at `step` of `steps`: a linear rise over `warmup` steps, then a half cosine.

    The first step has 1 / warmup, step `warmup` has 1, and the cosine falls to 0 (Loshchilov & Hutter,
    arXiv:1608.03983; Goyal et al., arXiv:1706.02677, for the warm-up).
    """
    if step < warmup:
        return (step + 1) / warmup
    return (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))) / 2
