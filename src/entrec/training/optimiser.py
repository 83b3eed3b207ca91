"""Optimisers as a study names them."""

from typing import Any

import torch
from torch import nn

from entrec.settings import Optimiser
from entrec.training import eager

REFERENCE_BATCH = 256  # the batch size that a study's learning rates are given for


def build_optimiser(module: nn.Module, optimiser: Optimiser, *, batch_size: int) -> torch.optim.Optimizer:
    """The optimiser over `module`'s trainable parameters, its rate scaled to `batch_size`."""
    lr = scaled_lr(optimiser, batch_size=batch_size)
    groups = parameter_groups(module, optimiser.weight_decay)
    if optimiser.name == "adamw":
        betas = (optimiser.momentum, 0.999)
        return eager.build(torch.optim.AdamW, groups, lr=lr, betas=betas, fused=True)
    if optimiser.name == "sgd":
        return eager.build(torch.optim.SGD, groups, lr=lr, momentum=optimiser.momentum)
    from timm.optim.lars import Lars  # imported here: timm takes many seconds to import

    groups[0]["always_adapt"] = True  # else timm leaves weights without decay unadapted
    return eager.build(Lars, groups, lr=lr, momentum=optimiser.momentum)


def scaled_lr(optimiser: Optimiser, *, batch_size: int) -> float:
    """The learning rate at `batch_size`: as given, or grown with the batch or its square root."""
    factor = batch_size / REFERENCE_BATCH
    return optimiser.lr * {"none": 1.0, "sqrt": factor**0.5, "linear": factor}[optimiser.lr_scaling]


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups: weights with decay; biases and norms, which have one dimension, without.

    LARS adapts only the first, as SimCLR and BYOL do.
    """
    trainable = [p for p in module.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
