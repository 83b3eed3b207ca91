"""Encoders other than a ResNet of the study's size, end to end: a Transformer, and two networks side by side."""

from dataclasses import replace
from pathlib import Path

import pytest

from entrec.artefacts import read_json
from entrec.data.prepare import prepare
from entrec.evaluation.evaluate import evaluate
from entrec.evaluation.transfer import transfer
from entrec.runs import Run
from entrec.settings import Network
from entrec.study import load_study
from entrec.training.pretrain import pretrain


def with_transfer(study, name, size):
    """Return the study with one epoch of fine-tuning, at one point of the grid, on its own source at another size."""
    few = replace(study.datasets[study.dataset], validation=0.3, test=0.5)  # few images to train on
    recipe = replace(study.evaluation.transfer, datasets=(name,), epochs=1, lr=(1e-3,), weight_decay=(0.0,))
    linear = replace(study.evaluation.linear, l2=(1e-2,))
    evaluation = replace(study.evaluation, linear=linear, transfer=recipe)
    training = replace(study.training, warmup_epochs=0)
    datasets = {**study.datasets, study.dataset: few, name: replace(few, size=size)}
    return replace(study, datasets=datasets, evaluation=evaluation, training=training, epochs=(1,))


@pytest.fixture
def transformer():
    study = with_transfer(load_study(Path("params/zoo.yaml")), "larger", 12)
    precision = replace(study.training, precision="bfloat16", channels_last=True)
    network = Network(backbone="small_vit", width=32, stem="2x2")
    return replace(study, network=network, training=precision, methods={"dino": study.methods["dino"]})


@pytest.fixture
def split():
    return with_transfer(load_study(Path("params/colours.yaml")), "larger", 20)


@pytest.mark.parametrize(("study", "method"), [("transformer", "dino"), ("split", "cmc_lab")])
def test_it_is_pretrained_evaluated_and_fine_tuned_at_another_size(study, method, tmp_path, request):
    study = request.getfixturevalue(study)
    run, data = Run(method, study.batch_sizes[0], 1, 0), tmp_path / "data"
    for name in (study.dataset, "larger"):
        prepare(name, study.datasets[name], data / name)
    pretrain(study, run, data=data / study.dataset, folder=tmp_path)
    encoder = tmp_path / "encoder.safetensors"
    evaluate(study, run, data=data / study.dataset, encoder=encoder, output=tmp_path / "evaluation.json")
    transfer(study, run, "larger", data=data / "larger", encoder=encoder, output=tmp_path / "transfer.json")
    assert read_json(tmp_path / "evaluation.json")["linear"]["test"] > 0.15  # a guess among ten classes has 0.1
    assert read_json(tmp_path / "transfer.json")["chosen"] == {"lr": 1e-3, "weight_decay": 0.0}
