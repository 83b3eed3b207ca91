"""FLOPs counted on networks without memory: published figures, and what a real step of every method does."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.conftest import Noise, build, study_of
from torch import nn

from entrec.methods import METHODS
from entrec.networks.backbones import build_backbone
from entrec.plan.flops import count_passes, networks_of, passes_of
from entrec.settings import Network
from entrec.study import load_study
from entrec.training.optimiser import build_optimiser

IMAGES = 64  # as many as the prototypes that DeepCluster looks for
NETWORKS = {
    "resnet50": Network("resnet50", 64, "7x7"),
    "resnet18": Network("resnet18", 64, "7x7"),
    "vit_small": Network("vit_small", 384, "16x16"),
}


# torchvision prints 4.09 and 1.81 for its ResNets, DeiT (arXiv:2012.12877) 4.6 for its ViT-S; all mean billions of
# multiply-adds at 224 pixels with a head, which has some 2 millions
@pytest.mark.parametrize(("name", "published"), [("resnet50", 4.09), ("resnet18", 1.81), ("vit_small", 4.6)])
def test_forward_flops_are_twice_the_published_multiply_adds(name, published):
    passes = count_passes(build_backbone, NETWORKS[name], channels=3, size=224)
    assert passes.forward / 2e9 == pytest.approx(published, rel=5e-3)


def test_the_backward_pass_is_two_forwards_without_the_gradient_of_the_pixels():
    passes = count_passes(build_backbone, NETWORKS["resnet50"], channels=3, size=224)
    first_layer = 2 * 112 * 112 * 64 * 3 * 7 * 7
    assert passes.training == 3 * passes.forward - first_layer


def first_layer(module, trained):
    """The first convolution whose weights are trained, or are not."""
    convolutions = (part for part in module.modules() if isinstance(part, nn.Conv2d))
    return next((part for part in convolutions if part.weight.requires_grad is trained), None)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "untrained"])
def test_the_passes_planned_for_a_method_are_those_of_a_real_step(name):
    study, method, source = study_of(name), build(name), Noise(name, IMAGES)
    method.before_step(0, source)
    seen = Counter()
    for trained in (True, False):
        layer = first_layer(method, trained)
        if layer is not None:
            layer.register_forward_hook(
                lambda _, given, __, t=trained: seen.update({(t, given[0].shape[-1]): len(given[0])})
            )
    method(*source.at(0))

    flops = sum(
        images * (passes_of(study, name, size).training if trained else passes_of(study, name, size).forward)
        for (trained, size), images in seen.items()
    )
    assert flops / IMAGES == pytest.approx(networks_of(study, name).step, rel=1e-12)


def test_nothing_is_trained_of_the_untrained_network_and_no_checkpoint_kept():
    networks = networks_of(study_of("untrained"), "untrained")
    assert (networks.step, networks.checkpoint_bytes) == (0, 0)
    assert networks.encoder_bytes > 0


@pytest.mark.parametrize("optimiser", ["adamw", "sgd", "lars"])
def test_a_checkpoint_has_the_bytes_of_the_method_and_of_what_its_optimiser_remembers(optimiser):
    study = study_of("byol")
    own = study.methods["byol"]
    own = {**own, "optimiser": {**own["optimiser"], "name": optimiser}}
    study = replace(study, methods={**study.methods, "byol": own})
    method = build("byol", study)
    stepped = build_optimiser(method, study.method("byol").optimiser, batch_size=64)
    for parameter in method.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
    stepped.step()
    memories = [m for state in stepped.state.values() for m in state.values() if torch.is_tensor(m) and m.ndim]
    expected = sum(t.nbytes for t in [*method.state_dict().values(), *memories])
    assert networks_of(study, "byol").checkpoint_bytes == expected


def test_a_checkpoint_of_byol_holds_two_networks_and_a_memory_of_one():
    study = load_study(Path("params/paper.yaml"))
    simclr, byol = networks_of(study, "simclr"), networks_of(study, "byol")
    assert simclr.features == byol.features == 2048
    weights = 25.56e6 - 2.05e6  # torchvision's count, without its head
    assert simclr.encoder_bytes == byol.encoder_bytes == pytest.approx(4 * weights, rel=5e-3)
    assert simclr.checkpoint_bytes > 2 * simclr.encoder_bytes
    assert byol.checkpoint_bytes > 3 * byol.encoder_bytes
