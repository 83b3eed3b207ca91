"""AMDIM (Bachman, Hjelm & Buchwalter, arXiv:1906.00910): local features of one view from features of the other.

This follows `costs.py` of the release at Philip-Bachman/amdim-public 0333f6b. There are three predictions, each in both
directions between the views. Scores are inner products of projected features over the root of their width; they are
clipped softly, with a penalty on their mean square before the clip. The negatives of a position are all positions of
all other images. A map predicts by one position, which is drawn for each image.

Deviations: the backbone is the study's ResNet; its pooled features, its last map and the map before it take the place
of the paper's maps of 1x1, 5x5 and 7x7, and their receptive fields may cover the whole image, which the paper's encoder
is built to avoid. Pooled features have a head as well. Heads have torch's initial weights and a batch norm in the
middle (an option of the release). The position is drawn from seed, epoch and sample, the same one for both directions,
so that neither the order of the views nor the number of processes matters. The optimiser is the study's (the release:
Adam).

The scores of all pairs are in memory at once, about three times k^2 * positions numbers for each of six predictions:
batches of thousands with large maps do not fit on a GPU.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.data import randomness
from entrec.information.checks import check_pairs, check_positive, check_sample
from entrec.information.portable import log_sum_exp
from entrec.information.precision import full_precision, lift
from entrec.information.products import Linear, product
from entrec.methods.method import BatchSource, Method, StepOutput
from entrec.methods.registry import AMDIMSettings
from entrec.networks.backbones import num_features
from entrec.networks.feature_maps import feature_maps, map_channels
from entrec.networks.heads import mlp, on_sphere


class Projections(NamedTuple):
    """The projections of one view of k images: `pooled` (k, d), the maps `fine` and `coarse` (k, positions, d).

    `drawn` (k, d) is one position of the coarse map of each image.
    """

    pooled: Tensor
    fine: Tensor
    coarse: Tensor
    drawn: Tensor


class AMDIM(Method):
    """The backbone and three heads. `draws` (k,) are random integers, one for each image of the batch."""

    views = 2
    draws: Tensor

    def __init__(self, backbone: nn.Module, settings: AMDIMSettings) -> None:
        super().__init__()
        fine, coarse = map_channels(backbone)
        self.backbone = backbone
        self.fine_head = PositionHead(fine, settings.hidden, settings.embedding)
        self.coarse_head = PositionHead(coarse, settings.hidden, settings.embedding)
        self.pooled_head = PositionHead(num_features(backbone), settings.hidden, settings.embedding)
        self.clip = settings.clip
        self.weights = {
            "pooled_to_coarse": 1.0,
            "pooled_to_fine": 1.0,
            "coarse_to_coarse": 1.0,
            "score_penalty": settings.score_penalty,
        }
        self.register_buffer("draws", torch.zeros(0, dtype=torch.int64), persistent=False)

    def before_step(self, step: int, source: BatchSource) -> None:
        """Draw a random integer for each image of the batch."""
        epoch = step // source.steps_per_epoch
        draws = randomness.key(randomness.Purpose.NOISE, source.seed, epoch, source.samples(step))
        self.draws = draws.to(self.draws.device)

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        one, two = (self._project(view) for view in views)
        return StepOutput(amdim_terms(one, two, clip=self.clip), (on_sphere(one.pooled), on_sphere(two.pooled)))

    def _project(self, view: Tensor) -> Projections:
        """Return the projections of the view's images on all processes."""
        fine, coarse, pooled = feature_maps(self.backbone, view)
        local = gather(self.coarse_head(by_position(coarse)))
        drawn = gather(self.draws) % local.shape[1]
        return Projections(
            pooled=gather(self.pooled_head(pooled[:, None])).squeeze(1),
            fine=gather(self.fine_head(by_position(fine))),
            coarse=local,
            drawn=local[torch.arange(len(local), device=local.device), drawn],
        )


class PositionHead(nn.Module):
    """A head that treats all positions alike: it maps features (n, positions, c) to (n, positions, d).

    It is the sum of an MLP of two layers and a linear layer, then a batch norm, whose batch is all positions of all
    images.
    """

    def __init__(self, inputs: int, hidden: int, embedding: int) -> None:
        super().__init__()
        self.layers = mlp(inputs, (hidden, embedding), last_bias=False)
        self.shortcut = Linear(inputs, embedding, bias=False)
        self.norm = nn.BatchNorm1d(embedding)

    def forward(self, features: Tensor) -> Tensor:
        rows = features.flatten(0, 1)
        projected: Tensor = lift(self.norm(self.layers(rows) + self.shortcut(rows)))
        return projected.unflatten(0, features.shape[:2])


def by_position(features: Tensor) -> Tensor:
    """Return a map (n, c, h, w) as features of positions, (n, h * w, c)."""
    return features.flatten(2).transpose(1, 2)


def amdim_terms(one: Projections, two: Projections, *, clip: float) -> dict[str, Tensor]:
    """Return the losses of the three predictions and `score_penalty`, the sum of their penalties, in nats.

    Each is a mean over both directions between the views. Raises `InvalidEmbeddings` as `local_info_nce` does.
    """
    pairs = {
        "pooled_to_coarse": ((one.pooled, two.coarse), (two.pooled, one.coarse)),
        "pooled_to_fine": ((one.pooled, two.fine), (two.pooled, one.fine)),
        "coarse_to_coarse": ((one.drawn, two.coarse), (two.drawn, one.coarse)),
    }
    terms, squares = {}, []
    for name, directions in pairs.items():
        (there, squares_there), (back, squares_back) = (local_info_nce(*pair, clip=clip) for pair in directions)
        terms[name] = (there + back) / 2
        squares.append((squares_there + squares_back) / 2)
    return {**terms, "score_penalty": torch.stack(squares).sum()}


@full_precision
def local_info_nce(sources: Tensor, targets: Tensor, *, clip: float) -> tuple[Tensor, Tensor]:
    """Return the InfoNCE loss, in nats, of predicting positions of the same image, and the penalty on the scores.

    Row i of `sources` (k, d) and of `targets` (k, positions, d) belongs to image i. The negatives of a position are all
    positions of the other images, not those of its own. With scores s = <source, target> / sqrt(d), the loss is the
    mean cross-entropy over images and positions with clip * tanh(s / clip), and the penalty is the mean of s^2;
    scalars. Raises `InvalidEmbeddings` for fewer than two images or shapes that do not match, `ValueError` unless clip
    > 0.
    """
    check_sample(sources)
    check_pairs(sources, targets[:, 0])
    check_positive(clip=clip)
    (k, d), positions = sources.shape, targets.shape[1]
    scores = product(sources, targets.flatten(0, 1).T).unflatten(1, (k, positions)) / d**0.5  # (k, k, positions)
    clipped = clip * (scores / clip).tanh()
    own = clipped.diagonal().T  # (k, positions)
    same_image = torch.eye(k, dtype=torch.bool, device=scores.device)[:, :, None]
    others = log_sum_exp(clipped.masked_fill(same_image, -torch.inf), (1, 2))  # (k,)
    return F.softplus(others[:, None] - own).mean(), scores.square().mean()
