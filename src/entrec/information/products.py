"""Matrix products that are fast in portable arithmetic.

torch gives products in float32 on a CPU to MKL, whose portable mode (`MKL_CBWR=COMPATIBLE`) uses nothing newer than
SSE2. oneDNN, which computes torch's convolutions, has the same bits on every processor with AVX2, and takes a third to
a half of MKL's time there. Torch offers its products under a name that it keeps for its compiler; `pyproject.toml` pins
torch's version. Other types, devices and modes have torch's own products.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return `a` (n, k) times `b` (k, m): (n, m). Gradients of gradients are not available."""
    return _OneDNN.apply(a, b.T, None) if _computes(a) else a @ b


def add_product_(target: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Add `a` (n, k) times `b` (k, m) to `target` (n, m), without a gradient, and return it."""
    return target.add_(_multiply(a, b.T, None)) if _computes(a) else target.addmm_(a, b)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return `x` (n, k) times `weight` (m, k) transposed, plus `bias` (m,): (n, m), as torch's function does."""
    return _OneDNN.apply(x, weight, bias) if _computes(x) else F.linear(x, weight, bias)


class Linear(nn.Linear):
    """torch's linear layer, computed by `linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """Return `input` (n, in_features) through the layer: (n, out_features)."""
        return linear(input, self.weight, self.bias)


def _computes(x: Tensor) -> bool:
    """Return whether oneDNN computes products of `x` here: autocast chooses another type, a compiler other code."""
    on_cpu = x.device.type == "cpu" and x.dtype == torch.float32 and x.dim() == 2 and x.numel() > 0
    return on_cpu and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()


def _multiply(a: Tensor, b: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(a, b, bias, "none", [], "")


class _OneDNN(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _multiply(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            _multiply(gradient, weight.T, None) if of_x else None,
            _multiply(gradient.T, x.T, None) if of_weight else None,
            gradient.sum(dim=0) if of_bias else None,
        )
