"""Vision Transformers: weights that load into timm, images of other sizes, DINO, and what a study may ask for."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from entrec.errors import UserError
from entrec.methods import METHODS
from entrec.networks import build_backbone, load_backbone, save_backbone
from entrec.networks.backbones import num_features
from entrec.settings import TRANSFORMERS, Network
from entrec.study import load_study

ZOO = load_study(Path("params/zoo.yaml"))
SMALL = Network(backbone="small_vit", width=32, stem="2x2")


def build(network=SMALL, *, channels=1, size=8, seed=0):
    torch.manual_seed(seed)
    return build_backbone(network, channels=channels, size=size)


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def with_network(tmp_path, network):
    """Return the demo's study file with another network, and local views of 6 pixels."""
    text = Path("params/demo.yaml").read_text().replace("small_resnet, width: 8, stem: 3x3", network)
    (tmp_path / "demo.yaml").write_text(text.replace("local_views: null", "local_views: {size: 6, view: *view}"))
    return tmp_path / "demo.yaml"


@pytest.mark.parametrize("backbone", TRANSFORMERS)
def test_a_transformer_has_the_depth_and_heads_of_its_name_and_features_as_wide_as_a_token(backbone):
    network = build(Network(backbone=backbone, width=96, stem="4x4"))
    depth, heads = TRANSFORMERS[backbone]
    assert len(network.blocks) == depth
    assert {block.attn.num_heads for block in network.blocks} == {heads}
    assert network(noise(2, 1, 8, 8)).shape == (2, num_features(network)) == (2, 96)


def test_saved_weights_load_into_timms_own_vit_small_and_compute_the_same(tmp_path):
    from timm.models import create_model

    ours = build(Network(backbone="vit_small", width=384, stem="16x16"), channels=3, size=64).eval()
    save_backbone(ours, tmp_path / "encoder.safetensors")
    theirs = create_model("vit_small_patch16_224", num_classes=0, img_size=64, dynamic_img_size=True).eval()
    theirs.load_state_dict(load_file(tmp_path / "encoder.safetensors"))
    for size in (64, 48, 96):
        images = noise(2, 3, size, size)
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-5)


def test_the_features_are_the_class_token_after_the_last_norm():
    network = build().eval()
    images = noise(3, 1, 8, 8)
    torch.testing.assert_close(network(images), network.forward_features(images)[:, 0])


@pytest.mark.parametrize("size", [4, 8, 12])
def test_an_image_has_the_same_features_in_any_batch(size):
    network, images = build().eval(), noise(6, 1, size, size)
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), alone, rtol=1e-5, atol=1e-5)


def test_where_a_patch_lies_matters_at_every_size():
    network = build().eval()
    for size in (4, 8, 12):
        images = noise(3, 1, size, size)
        moved = images.roll((2, 2), dims=(2, 3))  # the same patches in other places
        assert (network(images) - network(moved)).abs().max() > 1e-4


def test_a_seed_gives_the_same_weights_and_another_seed_others():
    first, again, other = (build(seed=s).state_dict() for s in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["pos_embed"], other["pos_embed"])


def test_weights_of_another_size_of_image_are_refused(tmp_path):
    path = tmp_path / "encoder.safetensors"
    save_backbone(build(size=8), path)
    back = load_backbone(path, SMALL, channels=1, size=8)
    assert torch.equal(back.pos_embed, load_file(path)["pos_embed"])
    with pytest.raises(UserError, match=r"encoder.safetensors: weights of another network.*pos_embed"):
        load_backbone(path, SMALL, channels=1, size=12)


@pytest.mark.filterwarnings("default")  # the compiler's own
def test_the_compiler_takes_images_of_two_sizes_as_one_graph_each():
    network = build().eval()
    compiled = torch.compile(network, fullgraph=True, backend="eager")
    for size in (8, 4):
        images = noise(2, 1, size, size)
        torch.testing.assert_close(compiled(images), network(images))


@pytest.mark.parametrize("crop", [6, 4])
def test_dino_trains_a_transformer_with_local_crops_of_another_size(crop):
    method = METHODS["dino"].load()(build(), ZOO.method("dino"))
    views = [noise(16, 1, size, size, seed=i) for i, size in enumerate([8, 8, crop, crop])]
    sum(method(views, torch.zeros(16)).terms.values()).backward()
    for name, parameter in method.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad.isfinite().all(), name
        else:
            assert parameter.grad is None, name
    before = method.backbone.pos_embed.detach().clone()
    torch.optim.AdamW([p for p in method.parameters() if p.requires_grad], lr=1e-3).step()
    method.after_step(0.0)
    assert not torch.equal(method.backbone.pos_embed, before)


def test_local_crops_alone_teach_every_position():
    network = build()
    network(noise(4, 1, 6, 6)).square().sum().backward()
    assert (network.pos_embed.grad.abs().sum(dim=2) > 0).all()


def test_no_gradient_runs_through_torchs_interpolation_which_is_not_deterministic_on_gpus():
    seen, waiting = set(), [build()(noise(2, 1, 6, 6)).sum().grad_fn]
    while waiting:
        node = waiting.pop()
        seen.add(node.name())
        waiting += [following for following, _ in node.next_functions if following is not None]
    assert "AccumulateGrad" in {name.split("::")[-1] for name in seen}
    assert not [name for name in seen if "Upsample" in name]


@pytest.mark.parametrize(
    ("network", "says"),
    [
        ("small_vit, width: 32, stem: 3x3", "network.stem: '3x3' of a small_vit; allowed: 2x2, 4x4, 8x8, 16x16"),
        ("small_resnet, width: 8, stem: 4x4", "network.stem: '4x4' of a small_resnet; allowed: 3x3, 7x7"),
        (
            "small_vit, width: 34, stem: 2x2",
            "network.width: 34 of a small_vit; allowed: multiples of its 4 heads from 32",
        ),
        (
            "small_vit, width: 28, stem: 2x2",
            "network.width: 28 of a small_vit; allowed: multiples of its 4 heads from 32",
        ),
        (
            "vit_small, width: 64, stem: 2x2",
            "network.width: 64 of a vit_small; allowed: multiples of its 6 heads from 48",
        ),
        (
            "small_vit, width: 32, stem: 16x16",
            "datasets.digits.size: 8 is not a whole number of patches of 16; allowed",
        ),
        ("small_vit, width: 32, stem: 4x4", "local_views.size: 6 is not a whole number of patches of 4; allowed: mult"),
    ],
)
def test_a_network_that_cannot_be_is_one_line(tmp_path, network, says):
    path = with_network(tmp_path, network)
    with pytest.raises(UserError) as caught:
        load_study(path)
    lines = str(caught.value).splitlines()
    assert any(re.match(rf"{re.escape(str(path))}, line \d+: {re.escape(says)}", line) for line in lines)


def test_a_method_of_feature_maps_has_no_transformer(tmp_path):
    path = with_network(tmp_path, "small_vit, width: 32, stem: 2x2")
    path.write_text(path.read_text().replace("\nmethods:\n", "\nmethods:\n  amdim: {}\n"))
    with pytest.raises(
        UserError, match=r"methods.amdim: a small_vit has no maps of local features; allowed: with a Re"
    ):
        load_study(path)


def test_the_demo_may_have_a_transformer(tmp_path):
    assert load_study(with_network(tmp_path, "small_vit, width: 32, stem: 2x2")).network == SMALL


def test_position_embeddings_are_moved_in_full_precision_under_autocast():
    network = build()
    with torch.no_grad():
        network.pos_embed.normal_(generator=torch.Generator().manual_seed(0))
        patches = torch.zeros(1, 3, 3, 32)
        exact = network._pos_embed(patches)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(network._pos_embed(patches), exact)
