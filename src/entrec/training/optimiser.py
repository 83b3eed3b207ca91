"""Optimisers, by their names in a study."""

from typing import Any

import torch
from torch import nn

from entrec.settings import Optimiser
from entrec.training import eager

REFERENCE_BATCH = 256  # a study gives learning rates for this batch size


def build_optimiser(module: nn.Module, optimiser: Optimiser, *, batch_size: int) -> torch.optim.Optimizer:
    """Return the optimiser of `module`'s trainable parameters, with its learning rate scaled to `batch_size`."""
    lr = scaled_lr(optimiser, batch_size=batch_size)
    groups = parameter_groups(module, optimiser.weight_decay)
    if optimiser.name == "adamw":
        betas = (optimiser.momentum, 0.999)
        return eager.build(torch.optim.AdamW, groups, lr=lr, betas=betas, fused=True)
    if optimiser.name == "sgd":
        return eager.build(torch.optim.SGD, groups, lr=lr, momentum=optimiser.momentum)
    from timm.optim.lars import Lars  # imported here: timm takes many seconds to import

    groups[0]["always_adapt"] = True  # otherwise timm does not adapt weights without weight decay
    return eager.build(Lars, groups, lr=lr, momentum=optimiser.momentum)


def scaled_lr(optimiser: Optimiser, *, batch_size: int) -> float:
    """Return the learning rate at `batch_size`: constant, or proportional to the batch size or its square root."""
    factor = batch_size / REFERENCE_BATCH
    return optimiser.lr * {"none": 1.0, "sqrt": factor**0.5, "linear": factor}[optimiser.lr_scaling]


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return two groups: weights, with weight decay; biases and norms, which have one dimension, without.

    LARS adapts the rate of the first group only, as in SimCLR and BYOL.
    """
    trainable = [p for p in module.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
