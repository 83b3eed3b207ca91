"""Learning-rate schedule."""

import math


def cosine_with_warmup(step: int, *, steps: int, warmup: int) -> float:
    """Factor on the learning rate at `step` of `steps`: linear up over `warmup` steps, then a half cosine to 0.

    The first step has 1 / warmup, step `warmup` has 1 (Loshchilov & Hutter, arXiv:1608.03983; Goyal et
    al., arXiv:1706.02677, for the warm-up).
    """
    if step < warmup:
        return (step + 1) / warmup
    return (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))) / 2
