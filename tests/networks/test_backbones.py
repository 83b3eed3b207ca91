"""Backbones: shapes, weights that load into torchvision, and files that do not fit."""

import pytest
import torch
from safetensors.torch import load_file

from entrec.errors import UserError
from entrec.networks import build_backbone, load_backbone, save_backbone
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp
from entrec.settings import Network

SMALL = Network(backbone="small_resnet", width=8, stem="3x3")


@pytest.mark.parametrize("stem", ["3x3", "7x7"])
@pytest.mark.parametrize("backbone", ["small_resnet", "resnet18"])
def test_every_backbone_pools_to_its_number_of_features(backbone, stem):
    network = build_backbone(Network(backbone=backbone, width=8, stem=stem), channels=3)
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, num_features(network))


def test_resnet50_weights_load_into_torchvision_and_compute_the_same(tmp_path):
    from torchvision.models import resnet50

    ours = build_backbone(Network(backbone="resnet50", width=64, stem="7x7"), channels=3).eval()
    save_backbone(ours, tmp_path / "encoder.safetensors")
    theirs = resnet50()
    theirs.fc = torch.nn.Identity()
    theirs.load_state_dict(load_file(tmp_path / "encoder.safetensors"))
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(ours(images), theirs.eval()(images), rtol=1e-4, atol=1e-5)


def test_saved_weights_come_back(tmp_path):
    network = build_backbone(SMALL, channels=1)
    save_backbone(network, tmp_path / "encoder.safetensors")
    back = load_backbone(tmp_path / "encoder.safetensors", SMALL, channels=1)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[name])


def test_missing_damaged_and_foreign_weights_are_named(tmp_path):
    path = tmp_path / "encoder.safetensors"
    with pytest.raises(UserError, match=r"encoder.safetensors: missing"):
        load_backbone(path, SMALL, channels=1)
    save_backbone(build_backbone(SMALL, channels=3), path)
    with pytest.raises(UserError, match=r"encoder.safetensors: weights of another network"):
        load_backbone(path, SMALL, channels=1)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"not an encoder, or damaged .*; give encoder.safetensors of the run"):
        load_backbone(path, SMALL, channels=1)


def test_a_projector_ends_in_standardised_outputs_only_where_asked():
    x = torch.randn(64, 6)
    standardised = mlp(6, (8, 4), last_norm=True)(x)
    torch.testing.assert_close(standardised.mean(dim=0), torch.zeros(4), atol=1e-5, rtol=0)
    assert mlp(6, (8, 4))[-1].bias is not None
