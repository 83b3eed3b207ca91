"""Two solvers of multinomial logistic regression: mean cross-entropy + l2/2 · ‖W‖², without a penalty on the bias.

They are written in torch because scikit-learn does not run on a GPU, and importing it takes as long as the whole
evaluation of a small study. A test compares the two, at C = 1 / (l2 · n).
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from entrec.data.loader import batches, epoch_order
from entrec.errors import UserError
from entrec.information.portable import PortableRoots
from entrec.progress import progress
from entrec.training import eager
from entrec.training.schedule import cosine_with_warmup

SMALL_GRADIENT = 1e-6  # a head counts as solved when no entry of the gradient of the mean loss is larger
MOMENTUM = 0.9


class Head(NamedTuple):
    """A linear classifier: weight `(classes, d)` and bias `(classes,)`."""

    weight: Tensor
    bias: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """Return the logits `(n, classes)` of features `(n, d)`."""
        return F.linear(features.to(self.weight.dtype), self.weight, self.bias)


def solve_lbfgs(
    x: Tensor, y: Tensor, *, classes: int, l2: float, start: Head | None = None, iterations: int = 5000
) -> Head:
    """Return the minimiser in float64 for features `x` `(n, d)` and labels `y` `(n,)`, found from `start` (else zero).

    It stops when no entry of the gradient exceeds `SMALL_GRADIENT`, or after `iterations`. Separable classes have no
    minimiser at l2 = 0, so callers check `gradient_norm`.
    """
    x = x.double()
    head = _trainable(start or _zeros(x, classes), torch.float64)
    optimiser = eager.build(
        torch.optim.LBFGS,
        head,
        max_iter=iterations,
        max_eval=2 * iterations,
        tolerance_grad=SMALL_GRADIENT,
        tolerance_change=0.0,  # a convex problem is solved when its gradient is small, not before
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = objective(head, x, y, l2=l2)
        loss.backward()
        return loss

    with PortableRoots():  # the line search takes them
        optimiser.step(closure)
    return _fixed(head)


def solve_sgd(
    x: Tensor, y: Tensor, *, classes: int, l2: float, epochs: int, batch_size: int, lr: float, seed: int
) -> Head:
    """Return a head near the minimiser, trained from zero in minibatches of `x` `(n, d)` and `y` `(n,)`.

    It uses float32, momentum and a cosine schedule; `seed` determines the order of the images. This is for datasets
    on which full passes cost too much. Raises `UserError` when there are fewer images than `batch_size`.
    """
    if batch_size > len(x):
        raise UserError(
            f"evaluation.linear.batch_size: {batch_size} is more than the {len(x)} training images; "
            f"choose at most {len(x)}, or solver lbfgs"
        )
    head = _trainable(_zeros(x, classes), torch.float32)
    groups = [{"params": [head.weight], "weight_decay": l2}, {"params": [head.bias], "weight_decay": 0.0}]
    optimiser = eager.build(torch.optim.SGD, groups, lr=lr, momentum=MOMENTUM)
    all_rows = np.arange(len(x))
    steps, step = epochs * (len(x) // batch_size), 0
    for epoch in progress(range(epochs), f"linear head, l2 {l2:g}"):
        for batch in batches(epoch_order(all_rows, seed=seed, epoch=epoch), batch_size):
            for group in optimiser.param_groups:
                group["lr"] = lr * cosine_with_warmup(step, steps=steps, warmup=0)
            rows = torch.from_numpy(batch).to(x.device)
            optimiser.zero_grad()
            F.cross_entropy(head(x[rows]), y[rows]).backward()
            eager.step(optimiser)
            step += 1
    return _fixed(head)


def objective(head: Head, x: Tensor, y: Tensor, *, l2: float) -> Tensor:
    """Return the mean cross-entropy in nats + l2/2 · ‖W‖² of features `x` `(n, d)` and labels `y` `(n,)`; a scalar."""
    return F.cross_entropy(head(x), y) + l2 / 2 * head.weight.square().sum()


def gradient_norm(head: Head, x: Tensor, y: Tensor, *, l2: float) -> float:
    """Return the largest absolute entry of the objective's gradient at `head`: 0 at the minimiser."""
    head = _trainable(head, head.weight.dtype)
    gradients = torch.autograd.grad(objective(head, x, y, l2=l2), list(head))
    return max(float(g.abs().max()) for g in gradients)


def _zeros(x: Tensor, classes: int) -> Head:
    return Head(x.new_zeros(classes, x.shape[1]), x.new_zeros(classes))


def _trainable(head: Head, dtype: torch.dtype) -> Head:
    return Head(*(tensor.detach().to(dtype, copy=True).requires_grad_() for tensor in head))


def _fixed(head: Head) -> Head:
    return Head(*(tensor.detach() for tensor in head))
