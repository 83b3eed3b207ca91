"""Content isolation: what a run leaves, that it resumes, and that scores belong to their process."""

import math
import shutil
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from tests.conftest import generator
from tests.theory.conftest import CPU

from entrec.errors import UserError
from entrec.paths import IdentifiabilityFolder
from entrec.theory.identifiability.content_isolation import (
    evaluate,
    fresh_encoder,
    recipe_of,
    represent,
    scores,
    train_content_isolation,
)
from entrec.theory.identifiability.content_style import load_process, save_process
from entrec.theory.identifiability.tensor_files import read_tensors, write_tensors
from entrec.theory.registry import CONTENT_ISOLATION
from entrec.theory.runs import ContentIsolationRun
from entrec.theory.settings.estimators import EntRec
from entrec.theory.settings.identifiability import (
    AlignEntropy,
    ContentIsolation,
    ContentIsolationRow,
    KernelRidge,
    Network,
    Training,
)
from entrec.training import checkpoint


@pytest.fixture(scope="module")
def settings():
    return ContentIsolation(
        dimension=4,
        content=2,
        style=2,
        network=Network(layers=2, slope=0.2, draws=100, hidden=(16,), encoder_slope=0.2),
        training=Training(batch_size=16, steps=6, lr=1e-2, precision="float32", trace_every=2, trace_points=40),
        points=120,
        kernel_ridge=KernelRidge(gammas=(0.01, 0.22), alphas=(1.0, 0.001)),
        temperature=1.0,
        align_entropy=AlignEntropy(bandwidth=0.2, weight=3.0),
        entrec_cont=EntRec(kernel_kappa=10.0, kappa=20.0),
        categories=8,
        seeds=(0,),
        rows={
            "plain": ContentIsolationRow(change=1.0, statistical=False, causal=False),
            "causal": ContentIsolationRow(change=0.75, statistical=True, causal=True),
        },
    )


def trained(settings, folder, *, row="causal", method="info_nce", seed=0):
    """Return what a run adds to its result file."""
    run = ContentIsolationRun(row, method, seed)
    return train_content_isolation(settings, run, device=CPU, folder=IdentifiabilityFolder(folder))[0]


def evaluated(settings, method, folder):
    return evaluate(settings, method, folder=IdentifiabilityFolder(folder), device=CPU)


@pytest.mark.parametrize("method", CONTENT_ISOLATION)
def test_every_method_leaves_a_trace_and_scores_of_content_and_style(settings, tmp_path, method):
    found = trained(settings, tmp_path, method=method)
    assert [point.step for point in found["trace"]] == [2, 4, 6]
    for _, representation in found["scores"]:
        for score in (representation.content, representation.style):
            assert score.gamma in settings.kernel_ridge.gammas
            assert score.alpha in settings.kernel_ridge.alphas
    assert found["scores"].oracle.content.linear == pytest.approx(1.0)
    assert found["scores"].trained != found["scores"].untrained


@pytest.mark.parametrize(
    ("method", "width"), [("info_nce", 2), ("align_entropy", 2), ("entrec_cont", 3), ("entrec_disc", 8)]
)
def test_each_method_encodes_into_its_space(settings, method, width):
    x = 3 * torch.randn(50, 4, generator=generator())
    recipe = recipe_of(method, settings)
    z = represent(fresh_encoder(settings, recipe, seed=0), x, recipe)
    assert z.shape == (50, width)
    assert not z.requires_grad
    if recipe.space == "sphere":
        assert torch.allclose(z.norm(dim=1), torch.ones(50))
    if recipe.space == "box":
        assert ((z > 0) & (z < 1)).all()
    if method == "entrec_disc":
        assert torch.allclose(z.sum(dim=1), torch.ones(50))


def test_info_nce_scores_by_squared_distance_over_temperature(settings):
    z1, z2 = torch.randn(2, 10, 2, generator=generator())
    scores = -((z1[:, None] - z2) ** 2).sum(dim=2) / 3
    ways = [torch.log_softmax(scores, dim=dim).diagonal().mean() for dim in (0, 1)]
    found = recipe_of("info_nce", replace(settings, temperature=3.0)).objective(z1, z2)
    assert found["information"].item() == pytest.approx(math.log(10) + (sum(ways) / 2).item(), abs=1e-5)


def test_the_settings_of_a_method_reach_its_objective_alone(settings):
    z1, z2 = torch.rand(2, 10, 3, generator=generator())
    z1, z2 = z1 / z1.norm(dim=1, keepdim=True), z2 / z2.norm(dim=1, keepdim=True)
    changes = {
        "info_nce": {"temperature": 0.3},
        "align_entropy": {"align_entropy": AlignEntropy(bandwidth=0.2, weight=4.0)},
        "entrec_cont": {"entrec_cont": EntRec(kernel_kappa=5.0, kappa=20.0)},
    }
    for change in changes.values():
        moved = {
            method
            for method in CONTENT_ISOLATION
            if sum(recipe_of(method, settings).objective(z1, z2).values())
            != sum(recipe_of(method, replace(settings, **change)).objective(z1, z2).values())
        }
        assert moved == {method for method, own in changes.items() if own is change}


def test_style_without_dependence_cannot_be_told_from_content_and_with_it_can(settings, tmp_path):
    big = replace(settings, points=600)
    plain, causal = (trained(big, tmp_path / row, row=row)["scores"].oracle.style for row in settings.rows)
    assert plain.linear < 0.1
    assert causal.linear > 0.2


def test_a_run_that_was_stopped_ends_with_the_same_bits(settings, tmp_path, monkeypatch):
    whole = trained(settings, tmp_path / "whole")
    save = checkpoint.save

    def stop_at_four(state, path):
        save(state, path)
        if state.step == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", stop_at_four)
        with pytest.raises(KeyboardInterrupt):
            trained(settings, tmp_path / "stopped")
    assert trained(settings, tmp_path / "stopped") == whole


def test_scores_are_read_off_the_files_and_not_made_anew(settings, tmp_path):
    found = trained(settings, tmp_path)["scores"]
    assert evaluated(settings, "info_nce", tmp_path) == found
    weights, about = read_tensors(tmp_path / "encoder.safetensors")
    process = load_process(tmp_path / "process.safetensors", digest=about["process"])
    process.shift += 1
    digest = save_process(process, tmp_path / "process.safetensors")
    write_tensors(tmp_path / "encoder.safetensors", weights, {**about, "process": digest})
    assert evaluated(settings, "info_nce", tmp_path) != found


def test_the_encoder_of_another_method_is_refused(settings, tmp_path):
    trained(settings, tmp_path)
    with pytest.raises(UserError, match=r"encoder.safetensors: no encoder of entrec_disc; rerun"):
        evaluated(settings, "entrec_disc", tmp_path)


def test_before_the_first_step_the_trained_encoder_scores_as_the_untrained_one(settings, tmp_path):
    still = replace(settings, training=replace(settings.training, steps=1, lr=1e-9))
    found = trained(still, tmp_path)["scores"]
    assert found.trained.content.linear == pytest.approx(found.untrained.content.linear, abs=1e-5)


def test_the_process_of_another_run_is_refused(settings, tmp_path):
    for seed in (0, 1):
        trained(settings, tmp_path / str(seed), seed=seed)
    shutil.copy(tmp_path / "1/process.safetensors", tmp_path / "0/process.safetensors")
    with pytest.raises(UserError, match=r"process.safetensors: process .* is not that of the encoder") as caught:
        evaluated(settings, "info_nce", tmp_path / "0")
    assert "\n" not in str(caught.value)


def test_sizes_that_do_not_add_up_cannot_be_made(settings):
    with pytest.raises(ValidationError, match=r"style: 2 content and 3 style coordinates of 4; allowed"):
        replace(settings, style=3)


def test_a_target_is_scored_by_how_well_the_representation_predicts_it(settings):
    z = torch.randn(200, 2, generator=generator())
    noise = torch.randn(200, 2, generator=generator(1))
    found = scores(z, z, noise, settings)
    assert found.content.linear == pytest.approx(1.0)
    assert found.content.kernel_ridge > 0.95
    assert found.style.kernel_ridge < 0.1
