"""The contract between a method and the training loop: views, loss terms, hooks around a step, and its output."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from torch import Tensor, nn

from entrec.networks.backbones import build_backbone
from entrec.settings import Network


@dataclass(frozen=True)
class StepOutput:
    """What a method returns for one batch: loss terms by name (scalars) and the embeddings that diagnostics measure.

    `embeddings` are `z1`, `z2` (k, d). They and the terms are those of the batch of all processes. Methods with a
    discrete surrogate give `logits` of the two views, (k, categories) each; where there are many categories, the
    logits may be those of this process only. Methods without pairs, such as the baselines, have no embeddings.
    """

    terms: dict[str, Tensor]
    embeddings: tuple[Tensor, Tensor] | None
    logits: tuple[Tensor, Tensor] | None = None


class BatchSource(Protocol):
    """Gives the batch of any step; `images` is the number of images of the dataset, `seed` the seed of the run."""

    steps_per_epoch: int
    images: int
    seed: int

    def at(self, step: int) -> tuple[list[Tensor], Tensor]:
        """Return the views and the labels of `step`, as `Method.forward` takes them."""

    def samples(self, step: int) -> Tensor:
        """Return the numbers (k,) that the images of `step` have in the dataset, on the CPU."""


class Method(nn.Module):
    """The contract, and nothing else: a method is built as `Method(backbone, settings)`.

    `views` is the number of views of an image that it takes (0: it is not trained), `weights` multiply its loss
    terms, and `backbone` is the network that evaluation uses.
    """

    views: ClassVar[int]
    weights: dict[str, float]
    backbone: nn.Module

    @staticmethod
    def make_backbone(network: Network, *, channels: int, size: int | None = None) -> nn.Module:
        """Return the `backbone` before training, for images of `size`; by default the study's network."""
        return build_backbone(network, channels=channels, size=size)

    @classmethod
    def build(cls, backbone: nn.Module, settings: Any, *, classes: int) -> Self:
        """Return the method around `backbone`; `classes` is the number of labels, for methods that learn from them."""
        return cls(backbone, settings)

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        """Return the output for `views`, each (k, c, h, w), and `labels` (k,), which only baselines use."""
        raise NotImplementedError(f"{type(self).__name__} has no loss")

    def before_step(self, step: int, source: BatchSource) -> None:
        """Hook before `step`, counted from 0, whose batch is `source.at(step)`; does nothing by default."""

    def after_step(self, progress: float) -> None:
        """Hook after step k of K, with `progress` = k / K, k counted from 0; does nothing by default."""
