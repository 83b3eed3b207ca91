"""Fine-tuning of one model with several learning rates and weight decays, side by side.

All copies take their steps on the same batches, so that each batch's views are computed once. A step draws no random
numbers, so every copy ends with the same bits as if it were the only one.
"""

import copy
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.data.prepared import Prepared
from entrec.errors import UserError
from entrec.evaluation.features import Compute, Precision
from entrec.information.products import Linear
from entrec.progress import progress
from entrec.results import Point
from entrec.settings import Transfer
from entrec.training import eager
from entrec.training.batches import Batches
from entrec.training.optimiser import parameter_groups
from entrec.training.schedule import cosine_with_warmup

HEAD_STD = 0.01  # standard deviation of the fresh head's weights, as in MoCo's and SimCLR's linear heads


@dataclass(frozen=True)
class Candidate:
    """One point of the grid and the model that is trained with it."""

    lr: float
    weight_decay: float
    model: nn.Module
    optimiser: torch.optim.Optimizer

    @property
    def point(self) -> Point:
        """The learning rate and the weight decay."""
        return Point(lr=self.lr, weight_decay=self.weight_decay)

    def step(self, x: Tensor, y: Tensor, *, factor: float, precision: Precision) -> None:
        """Take one AdamW step on images `(n, c, h, w)` and labels `(n,)` at `factor` times the learning rate."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr * factor
        self.optimiser.zero_grad()
        with torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = self.model(x)
        F.cross_entropy(logits.float(), y).backward()
        eager.step(self.optimiser)


def with_fresh_head(backbone: nn.Module, *, classes: int, seed: int) -> nn.Module:
    """Return the backbone followed by a linear head, whose weights depend on `seed` only and whose bias is 0."""
    head = Linear(int(backbone.num_features), classes)  # type: ignore[arg-type]
    nn.init.normal_(head.weight, std=HEAD_STD, generator=torch.Generator().manual_seed(seed))
    nn.init.zeros_(head.bias)
    return nn.Sequential(backbone, head)


def fine_tune(
    model: nn.Module, prepared: Prepared, *, transfer: Transfer, seed: int, compute: Compute
) -> list[Candidate]:
    """Return copies of `model` on the device, trained on the training split of `prepared`, in the order of the grid.

    The optimiser is AdamW without weight decay on biases and norms; the schedule is a cosine without warm-up; batch
    norms use batch statistics. Raises `UserError` when the training split is smaller than a batch.
    """
    check_batch_size(transfer.batch_size, prepared)
    batches = Batches(
        prepared,
        (transfer.view,),
        batch_size=transfer.batch_size,
        seed=seed,
        device=compute.device,
        channels_last=compute.channels_last,
    )
    layout = torch.channels_last if compute.channels_last else torch.contiguous_format
    model = model.to(compute.device, memory_format=layout)  # type: ignore[call-overload]
    candidates = [_candidate(model, *pair) for pair in product(transfer.lr, transfer.weight_decay)]
    steps = transfer.epochs * batches.steps_per_epoch
    for step in progress(range(steps), f"fine-tuning on {prepared.name}"):
        (x,), y = batches.at(step)
        factor = cosine_with_warmup(step, steps=steps, warmup=0)
        for candidate in candidates:
            candidate.step(x, y, factor=factor, precision=compute.precision)
    return candidates


def check_batch_size(batch_size: int, prepared: Prepared) -> None:
    """Raise `UserError` if the training split is smaller than a batch; the batch size is never reduced silently."""
    train = len(prepared.indices("train"))
    if batch_size > train:
        raise UserError(
            f"evaluation.transfer.batch_size: {batch_size} is more than the {train} training images of "
            f"{prepared.name}; choose at most {train}"
        )


def _candidate(model: nn.Module, lr: float, weight_decay: float) -> Candidate:
    own = copy.deepcopy(model).train()
    # fused: one call for each step instead of one for each tensor saves 2 ms on a CPU
    optimiser = eager.build(torch.optim.AdamW, parameter_groups(own, weight_decay), lr=lr, fused=True)
    return Candidate(lr, weight_decay, own, optimiser)
