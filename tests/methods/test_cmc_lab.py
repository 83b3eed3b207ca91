"""CMC's split of Lab: what each branch sees, its loss against a loop, and the features for evaluation."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from entrec.artefacts import read_json
from entrec.data.prepare import prepare
from entrec.errors import UserError
from entrec.evaluation.encoder import load_encoder
from entrec.evaluation.evaluate import evaluate
from entrec.methods.cmc_lab import CMCLab
from entrec.networks.backbones import num_features
from entrec.networks.colour_split import ColourSplit
from entrec.networks.heads import on_sphere
from entrec.networks.small_resnet import SmallResNet
from entrec.runs import Run
from entrec.study import load_study
from entrec.training.pretrain import pretrain

COLOURS = load_study(Path("params/colours.yaml"))
STUDY = replace(COLOURS, training=replace(COLOURS.training, warmup_epochs=0.0))
RUN = Run("cmc_lab", 128, 1, 0)


def build():
    torch.manual_seed(0)
    return CMCLab(CMCLab.make_backbone(STUDY.network, channels=3), STUDY.method("cmc_lab"))


def images(k=12):
    return torch.randn(k, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Return the folder of a run of one epoch and of its dataset."""
    folder = tmp_path_factory.mktemp("cmc_lab")
    prepare("textures", STUDY.datasets["textures"], folder / "data")
    pretrain(STUDY, RUN, data=folder / "data", folder=folder / "run")
    return folder


@pytest.mark.parametrize(("branch", "other"), [(0, slice(1, 3)), (1, slice(0, 1))])
def test_an_embedding_is_of_its_own_channels_alone(branch, other):
    method, views = build(), images()
    first = method([views], torch.zeros(12)).embeddings
    views[:, other] = views[:, other].flip(0)
    second = method([views], torch.zeros(12)).embeddings
    assert torch.equal(first[branch], second[branch])
    assert not torch.equal(first[1 - branch], second[1 - branch])


def test_the_loss_is_cross_entropy_of_each_branch_against_the_batch_of_the_other():
    method = build()
    outcome = method([images(6)], torch.zeros(6))
    z1, z2 = (z.detach().double() for z in outcome.embeddings)
    temperature, total = STUDY.method("cmc_lab").temperature, 0.0
    for a, b in ((z1, z2), (z2, z1)):
        for i in range(6):
            scores = [math.exp(float(a[i] @ b[j]) / temperature) for j in range(6)]
            total -= math.log(scores[i] / sum(scores)) / 12
    assert outcome.terms["info_nce"].item() == pytest.approx(total, rel=1e-5)


def test_the_first_embedding_is_lightness_and_the_second_colour():
    method, views = build(), images()
    z1, z2 = method([views], torch.zeros(12)).embeddings
    torch.testing.assert_close(z1, on_sphere(method.lightness(method.backbone.lightness(views[:, :1]))))
    torch.testing.assert_close(z2, on_sphere(method.colour(method.backbone.colour(views[:, 1:]))))


def test_the_features_are_those_of_both_encoders_side_by_side():
    backbone = build().backbone.eval()
    features = backbone(images())
    assert features.shape == (12, num_features(backbone)) == (12, 64)
    torch.testing.assert_close(features[:, :32], backbone.lightness(images()[:, :1]))
    torch.testing.assert_close(features[:, 32:], backbone.colour(images()[:, 1:]))


def test_the_two_encoders_share_no_weight():
    backbone = build().backbone
    inner = backbone.lightness.stages[0].conv1.weight, backbone.colour.stages[0].conv1.weight
    assert not torch.equal(*inner)
    assert {name.split(".")[0] for name in backbone.state_dict()} == {"lightness", "colour"}


def test_evaluation_reads_both_encoders_of_the_file(short):
    encoder = short / "run" / "encoder.safetensors"
    backbone = load_encoder(STUDY, RUN, encoder)
    assert isinstance(backbone, ColourSplit)
    for name, tensor in load_file(encoder).items():
        assert torch.equal(backbone.state_dict()[name], tensor), name
    linear = replace(STUDY.evaluation.linear, l2=(1e-1,))
    study = replace(STUDY, evaluation=replace(STUDY.evaluation, linear=linear))
    evaluate(study, RUN, data=short / "data", encoder=encoder, output=short / "scores.json")
    assert 0 <= read_json(short / "scores.json")["linear"]["test"] <= 1


def test_the_run_of_another_method_is_refused_and_has_the_studys_network(short):
    simclr, untrained = (replace(RUN, method=name) for name in ("simclr", "untrained"))
    with pytest.raises(UserError, match=r"run.json: damaged \(run is 'cmc_lab-.*, which should be 'simclr-"):
        load_encoder(STUDY, simclr, short / "run" / "encoder.safetensors")
    pretrain(STUDY, untrained, data=short / "data", folder=short / "untrained")
    assert isinstance(load_encoder(STUDY, untrained, short / "untrained" / "encoder.safetensors"), SmallResNet)
