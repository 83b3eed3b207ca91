"""Multiplications and additions of a method's networks, counted by torch on tensors that are shapes alone.

The count has the convolutions, matrix products and attention of the backbone: forward and backward for each view and
each small crop, and once more forward for each view where the method has an EMA copy of the backbone. It leaves out
heads and losses (a few percent with 65,536 prototypes, less without), norms and activations, which torch does not
count, augmentation, the optimiser and communication.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from entrec.methods.registry import METHODS
from entrec.networks.backbones import Builder, num_features
from entrec.settings import Network
from entrec.study import Study

BATCH = 2  # batch norm needs more than one image


@dataclass(frozen=True)
class Passes:
    """The FLOPs of one image through a network: forward alone, and forward and backward together."""

    forward: float
    training: float


@dataclass(frozen=True)
class Networks:
    """What a method's networks cost.

    `step`: FLOPs of one image in one training step with all its views; 0 where nothing is trained.
    `features`: width of the backbone's output.
    `encoder_bytes`, `checkpoint_bytes`: size of the stored backbone, and of a checkpoint, which holds the whole method
    and the optimiser's state.
    """

    step: float
    features: int
    encoder_bytes: int
    checkpoint_bytes: int


def networks_of(study: Study, method: str) -> Networks:
    """Return what the networks of `method` cost with the settings of the study."""
    entry, settings, spec = METHODS[method], study.method(method), study.datasets[study.dataset]
    kind = entry.load()
    with torch.device("meta"):
        backbone = kind.make_backbone(study.network, channels=spec.channels, size=spec.size)
        whole = kind.build(backbone, settings, classes=BATCH)
    passes = passes_of(study, method, spec.size)
    step = whole.views * passes.training
    trained = [p for p in whole.parameters() if p.requires_grad]
    if len(trained) < len(list(whole.parameters())):  # an EMA copy
        step += whole.views * passes.forward
    if (crops := entry.local_crops(settings)) and study.local_views:
        step += crops * passes_of(study, method, study.local_views.size).training
    remembered = 2 if whole.views and settings.optimiser.name == "adamw" else 1
    features, kept = num_features(whole.backbone), _bytes(whole.backbone)
    checkpoint = _bytes(whole) + remembered * sum(p.nbytes for p in trained)
    return Networks(step, features, kept, checkpoint if whole.views else 0)


def passes_of(study: Study, method: str, size: int) -> Passes:
    """Return the FLOPs of one image, `size` pixels wide, through the backbone of `method`."""
    channels = study.datasets[study.dataset].channels
    return count_passes(METHODS[method].load().make_backbone, study.network, channels=channels, size=size)


@lru_cache
def count_passes(build: Builder, network: Network, *, channels: int, size: int) -> Passes:
    """Return the FLOPs of one image of `channels`, `size` pixels wide, through the network that `build` makes."""
    with torch.device("meta"):
        backbone = build(network, channels=channels, size=size)
        images = torch.empty(BATCH, channels, size, size)
    with FlopCounterMode(display=False) as counter:
        features = backbone(images)
        forward = counter.get_total_flops()
        features.sum().backward()
    return Passes(forward / BATCH, counter.get_total_flops() / BATCH)


def _bytes(module: nn.Module) -> int:
    return sum(tensor.nbytes for tensor in module.state_dict().values())
