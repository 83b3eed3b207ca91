"""Multi-crop (Caron et al., arXiv:2006.09882): two global views, then any number of small local crops."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def features_of_crops(backbone: nn.Module, crops: Sequence[Tensor]) -> Tensor:
    """Return the features of all `crops`, each (k, c, h, w), crop after crop: (k * len(crops), num_features).

    Consecutive crops of one size go through the backbone together, as in the release at facebookresearch/swav
    (`src/resnet50.py`): they are one batch for its batch norms.
    """
    groups = [list(group) for _, group in itertools.groupby(crops, key=lambda crop: crop.shape[-1])]
    return torch.cat([backbone(torch.cat(group)) for group in groups])


def swapped_cross_entropies(logits: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Return the cross-entropies in nats, (k,), of every crop's logits with the targets of each other view, averaged.

    `logits` has one tensor (k, categories) for each crop, the global views first; `targets` has distributions
    (k, categories) for the global views.
    """
    pairs = [(s, t) for i, s in enumerate(logits) for j, t in enumerate(targets) if i != j]
    return torch.stack([F.cross_entropy(*pair, reduction="none") for pair in pairs]).mean(dim=0)
