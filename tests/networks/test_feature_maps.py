"""Maps of local features are those inside the backbone, and pooled features are equal to the bit."""

import copy

import pytest
import torch

from entrec.errors import UserError
from entrec.networks import build_backbone
from entrec.networks.backbones import num_features
from entrec.networks.feature_maps import feature_maps, map_channels
from entrec.settings import Network

BACKBONES = ["small_resnet", "resnet18", "resnet50"]


def build(backbone, stem="3x3"):
    torch.manual_seed(0)
    return build_backbone(Network(backbone=backbone, width=8, stem=stem), channels=3)


def images(size=32):
    return torch.rand(4, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("stem", ["3x3", "7x7"])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_pooled_features_and_statistics_are_the_backbones_own_to_the_bit(backbone, stem):
    network = build(backbone, stem)
    twin = copy.deepcopy(network)
    for _ in range(2):  # in training, then in evaluation with the statistics of training
        assert torch.equal(feature_maps(network, images())[2], twin(images()))
        for name, tensor in twin.state_dict().items():
            assert torch.equal(tensor, network.state_dict()[name]), name
        network.eval(), twin.eval()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_maps_are_what_the_last_two_stages_put_out(backbone):
    network = build(backbone).eval()
    stages = list(network.stages) if backbone == "small_resnet" else [network.layer3, network.layer4]
    seen = []
    for stage in stages[-2:]:
        stage.register_forward_hook(lambda module, arguments, result: seen.append(result))
    network(images())
    fine, coarse, _ = feature_maps(network, images())
    assert torch.equal(fine, seen[0])
    assert torch.equal(coarse, seen[1])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_maps_have_their_channels_and_the_last_one_half_the_side(backbone):
    network = build(backbone)
    fine, coarse, pooled = feature_maps(network, images())
    assert (fine.shape[1], coarse.shape[1]) == map_channels(network)
    assert fine.shape[2:] == torch.Size(2 * side for side in coarse.shape[2:])
    assert coarse.shape[1] == pooled.shape[1] == num_features(network)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_pooled_features_are_the_mean_over_the_last_map(backbone):
    _, coarse, pooled = feature_maps(build(backbone), images())
    torch.testing.assert_close(pooled, coarse.mean(dim=(2, 3)))


def test_a_transformer_and_a_plain_network_are_refused_in_one_line():
    from timm.models.vision_transformer import VisionTransformer

    vit = VisionTransformer(img_size=8, patch_size=4, embed_dim=8, depth=1, num_heads=1, num_classes=0)
    for network, name in ((vit, "VisionTransformer"), (torch.nn.Flatten(), "Flatten")):
        line = f"^{name}: no maps of local features; choose a ResNet as the backbone$"
        with pytest.raises(UserError, match=line):
            feature_maps(network, images(8))
        with pytest.raises(UserError, match=line):
            map_channels(network)
