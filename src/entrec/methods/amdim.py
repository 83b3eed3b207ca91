"""AMDIM (Bachman, Hjelm & Buchwalter, arXiv:1906.00910): local features of one view from features of the other.

Follows `costs.py` of the release at Philip-Bachman/amdim-public 0333f6b: three predictions, each in both directions
between the views; scores are inner products of projected features over the root of their width, clipped softly,
with a penalty on their mean square before the clip; a position is told apart from all positions of all other images;
of a map that predicts, one position drawn for each image does. Deviations: the backbone is the study's ResNet, with
its pooled features, its last map and its last map but one in the place of the paper's maps of 1x1, 5x5 and 7x7, and
the receptive fields of both maps may cover the whole image, which the paper's encoder is built to avoid; pooled
features have a head too; heads have torch's initial weights and batch norm in the middle (an option there); a
position is drawn from seed, epoch and sample, the same one for both directions, so that neither the order of the
views nor the number of processes matters; the optimiser is the study's (the release: Adam). Scores of all pairs are
held at once, some three times k^2 * positions numbers for each of six predictions: batches of thousands with large
maps do not fit a GPU.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.data import randomness
from entrec.information.checks import check_pairs, check_positive, check_sample
from entrec.information.precision import full_precision, lift
from entrec.methods.method import BatchSource, Method, StepOutput
from entrec.methods.registry import AMDIMSettings
from entrec.networks.backbones import num_features
from entrec.networks.feature_maps import feature_maps, map_channels
from entrec.networks.heads import mlp, on_sphere


class Projections(NamedTuple):
    """Of one view of k images: `pooled` (k, d), `fine` and `coarse` maps and the one position `drawn` of the latter.

    Maps are (k, positions, d), `drawn` is (k, d).
    """

    pooled: Tensor
    fine: Tensor
    coarse: Tensor
    drawn: Tensor


class AMDIM(Method):
    """Backbone and three heads. `draws` are random words (k,), one for each of the batch's images."""

    views = 2
    draws: Tensor

    def __init__(self, backbone: nn.Module, settings: AMDIMSettings) -> None:
        super().__init__()
        fine, coarse = map_channels(backbone)
        self.backbone = backbone
        self.fine_head = Head(fine, settings.hidden, settings.embedding)
        self.coarse_head = Head(coarse, settings.hidden, settings.embedding)
        self.pooled_head = Head(num_features(backbone), settings.hidden, settings.embedding)
        self.clip = settings.clip
        self.weights = {
            "pooled_to_coarse": 1.0,
            "pooled_to_fine": 1.0,
            "coarse_to_coarse": 1.0,
            "score_penalty": settings.score_penalty,
        }
        self.register_buffer("draws", torch.zeros(0, dtype=torch.int64), persistent=False)

    def before_step(self, step: int, source: BatchSource) -> None:
        """Draw a word for each image of the batch."""
        epoch = step // source.steps_per_epoch
        words = randomness.key(randomness.Purpose.NOISE, source.seed, epoch, source.samples(step))
        self.draws = words.to(self.draws.device)

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        one, two = (self._project(view) for view in views)
        return StepOutput(amdim_terms(one, two, clip=self.clip), (on_sphere(one.pooled), on_sphere(two.pooled)))

    def _project(self, view: Tensor) -> Projections:
        """Of the view's images on all processes."""
        fine, coarse, pooled = feature_maps(self.backbone, view)
        local = gather(self.coarse_head(by_position(coarse)))
        drawn = gather(self.draws) % local.shape[1]
        return Projections(
            pooled=gather(self.pooled_head(pooled[:, None])).squeeze(1),
            fine=gather(self.fine_head(by_position(fine))),
            coarse=local,
            drawn=local[torch.arange(len(local), device=local.device), drawn],
        )


class Head(nn.Module):
    """Two layers beside a linear one, then batch norm, alike at all positions: (n, positions, c) to (n, positions, d).

    The norm sees all positions of all images as its batch.
    """

    def __init__(self, inputs: int, hidden: int, embedding: int) -> None:
        super().__init__()
        self.layers = mlp(inputs, (hidden, embedding), last_bias=False)
        self.shortcut = nn.Linear(inputs, embedding, bias=False)
        self.norm = nn.BatchNorm1d(embedding)

    def forward(self, features: Tensor) -> Tensor:
        rows = features.flatten(0, 1)
        projected: Tensor = lift(self.norm(self.layers(rows) + self.shortcut(rows)))
        return projected.unflatten(0, features.shape[:2])


def by_position(features: Tensor) -> Tensor:
    """A map (n, c, h, w) as (n, h * w, c)."""
    return features.flatten(2).transpose(1, 2)


def amdim_terms(one: Projections, two: Projections, *, clip: float) -> dict[str, Tensor]:
    """The three predictions and `score_penalty`, the sum of their penalties; each is a mean over both directions."""
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
    """Cross-entropy in nats of a position of an image's own against all positions of others; and the scores' penalty.

    `sources` (k, d) and `targets` (k, positions, d), row i of both of image i, whose other positions are no negatives.
    Of the scores s = <source, target> / sqrt(d) the cross-entropy, a mean over images and positions, sees
    clip * tanh(s / clip); the penalty is the mean of s^2 over all of them.
    """
    check_sample(sources)
    check_pairs(sources, targets[:, 0])
    check_positive(clip=clip)
    (k, d), positions = sources.shape, targets.shape[1]
    scores = (sources @ targets.flatten(0, 1).T).unflatten(1, (k, positions)) / d**0.5  # (k, k, positions)
    clipped = clip * (scores / clip).tanh()
    own = clipped.diagonal().T  # (k, positions)
    same_image = torch.eye(k, dtype=torch.bool, device=scores.device)[:, :, None]
    others = clipped.masked_fill(same_image, -torch.inf).logsumexp(dim=(1, 2))  # (k,)
    return F.softplus(others[:, None] - own).mean(), scores.square().mean()
