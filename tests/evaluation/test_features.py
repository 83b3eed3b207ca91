import numpy as np
import pytest
import torch
from torch import nn

from entrec.data.images import ArrayImages
from entrec.data.prepared import Prepared
from entrec.evaluation.features import extract
from entrec.networks.small_resnet import SmallResNet

CPU = torch.device("cpu")


@pytest.fixture
def backbone():
    torch.manual_seed(0)
    return SmallResNet(channels=3, width=4, stem="3x3")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3), dtype=np.uint8)


def features_of(backbone, images, **changes):
    options = {"device": CPU, "batch_size": 4, "precision": "float32"} | changes
    return extract(backbone, noise(images), np.arange(len(images)), **options)


def noise(images):
    """Return a dataset of `images` whose card has this mean and standard deviation."""
    nothing = np.zeros(len(images), dtype=np.int64)
    return Prepared(
        name="noise",
        images=ArrayImages(images),
        labels=nothing,
        splits=nothing.astype(np.uint8),
        classes=["noise"],
        size=images.shape[1],
        channels=images.shape[3],
        card={},
        checksum="0" * 64,
        colour="rgb",
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.4),
    )


def test_the_pixels_are_scaled_and_standardised_per_channel(images):
    flattened = features_of(nn.Flatten(), images)
    expected = (images / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4]
    torch.testing.assert_close(flattened, torch.from_numpy(expected.transpose(0, 3, 1, 2).reshape(10, -1)).float())


def test_batch_norm_buffers_and_weights_stay_as_they_were(backbone, images):
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    features_of(backbone.train(), images)
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_every_submodule_returns_to_the_mode_it_was_in(backbone, images):
    backbone.train()
    backbone.norm.eval()
    modes = [module.training for module in backbone.modules()]
    features_of(backbone, images)
    assert [module.training for module in backbone.modules()] == modes


def test_the_mode_is_restored_when_the_network_fails(backbone, images):
    with pytest.raises(RuntimeError):
        features_of(backbone.train(), images[..., :2])
    assert backbone.training


def test_an_image_has_the_same_features_in_any_batch(backbone, images):
    alone = torch.cat([features_of(backbone, images[i : i + 1]) for i in range(10)])
    torch.testing.assert_close(features_of(backbone, images), alone)


def test_features_are_float32_without_a_graph_at_any_precision(backbone, images):
    half = features_of(backbone, images, precision="bfloat16")
    full = features_of(backbone, images)
    assert half.dtype == full.dtype == torch.float32
    assert not full.requires_grad
    assert not torch.equal(half, full)
    torch.testing.assert_close(half, full, rtol=0.1, atol=0.05)


def test_a_memory_map_is_read_as_it_is(backbone, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert torch.equal(features_of(backbone, mapped), features_of(backbone, images))
