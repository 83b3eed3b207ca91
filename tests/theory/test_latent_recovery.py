"""Latent recovery: what a run leaves, that it resumes, and what is refused."""

import math
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from tests.conftest import generator
from tests.theory.conftest import CPU, inverse

from entrec.artefacts import sha256
from entrec.errors import UserError
from entrec.information.sphere import vmf_information
from entrec.paths import IdentifiabilityFolder
from entrec.theory.identifiability.encoders import build_encoder
from entrec.theory.identifiability.latent_recovery import (
    build_learner,
    draw_pairs,
    encode,
    scores,
    train_latent_recovery,
)
from entrec.theory.identifiability.mixing import draw_mixing
from entrec.theory.identifiability.tensor_files import read_tensors
from entrec.theory.registry import LATENT_RECOVERY
from entrec.theory.runs import LatentRecoveryRun
from entrec.theory.settings.identifiability import (
    Density,
    LatentRecovery,
    LatentRecoveryRow,
    Network,
    Sweep,
    Training,
)
from entrec.training import checkpoint

SPHERE = LatentRecoveryRow("sphere", Density("vmf", 10.0), "sphere", Density("vmf", 10.0), 10.0)
BOX = LatentRecoveryRow("box", Density("laplace", 0.05), "box", Density("laplace", 0.05), 0.25)
SPACE = LatentRecoveryRow("box", Density("normal", 0.05), "unbounded", Density("normal", 0.05), 0.25)
CUBIC = LatentRecoveryRow("unbounded", Density("cubic", 0.05), "unbounded", Density("cubic", 0.05), 0.25)
UNSUPERVISED = [name for name, entry in LATENT_RECOVERY.items() if entry.role != "supervised"]


@pytest.fixture(scope="module")
def settings():
    return LatentRecovery(
        dimension=3,
        network=Network(layers=2, slope=0.2, draws=100, hidden=(16,), encoder_slope=0.2),
        training=Training(batch_size=16, steps=6, lr=1e-2, precision="float32", trace_every=2, trace_points=40),
        points=60,
        scatter=5,
        seeds=(0,),
        rows={"sphere": SPHERE, "box": BOX, "space": SPACE, "cubic": CUBIC},
        sweep=Sweep("sphere", (8, 16), (0,)),
    )


def trained(settings, folder, *, row="sphere", method="entrec_leave_one_out", seed=0):
    """Return what a run adds to its result file."""
    run = LatentRecoveryRun(row, method, settings.training.batch_size, seed)
    return train_latent_recovery(settings, run, device=CPU, folder=IdentifiabilityFolder(folder))[0]


def objective(row, method):
    return build_learner(method, torch.nn.Identity(), row).objective


@pytest.mark.parametrize("row", ["sphere", "box", "space", "cubic"])
@pytest.mark.parametrize("method", LATENT_RECOVERY)
def test_every_method_trains_every_kind_of_row(settings, tmp_path, row, method):
    found = trained(settings, tmp_path, row=row, method=method)
    assert [point.step for point in found["trace"]] == [2, 4, 6]
    for point in found["trace"]:
        terms = point.model_dump(exclude_unset=True, exclude={"step", "objective", "r2"})
        assert math.isfinite(point.r2)
        assert point.objective == pytest.approx(sum(terms.values()))
    assert found["scores"].trained != found["scores"].untrained


@pytest.mark.parametrize("row", ["sphere", "box", "space", "cubic"])
@pytest.mark.parametrize("method", UNSUPERVISED)
def test_a_row_has_the_objective_of_its_densities(settings, row, method):
    of = settings.rows[row]
    z1 = torch.rand(20, 3, generator=generator())
    z2 = (z1 + 0.05).clamp(max=1)
    if row == "sphere":
        z1, z2 = z1 / z1.norm(dim=1, keepdim=True), z2 / z2.norm(dim=1, keepdim=True)
    total = sum(term.item() for term in objective(of, method)(z1, z2).values())
    others = [sum(t.item() for t in objective(of, m)(z1, z2).values()) for m in UNSUPERVISED if m != method]
    assert all(total != pytest.approx(other) for other in others)
    if method == "info_nce":
        exponent, scale = {"box": (1, 0.05), "space": (2, 0.05 * math.sqrt(2)), "cubic": (3, 0.05), "sphere": (0, 0)}[
            row
        ]
        scores = 10 * z1 @ z2.T if row == "sphere" else -((z1[:, None] - z2) / scale).abs().pow(exponent).sum(dim=2)
        ways = [torch.log_softmax(scores, dim=dim).diagonal().mean() for dim in (0, 1)]
        assert total == pytest.approx(math.log(20) + (sum(ways) / 2).item(), abs=1e-4)


@pytest.mark.parametrize("method", LATENT_RECOVERY)
def test_half_precision_moves_the_first_step_by_its_rounding_and_the_scores_not_at_all(settings, tmp_path, method):
    one = replace(settings.training, steps=1, trace_every=1)
    whole, half = (
        trained(replace(settings, training=replace(one, precision=p)), tmp_path / p, method=method)
        for p in ("float32", "bfloat16")
    )
    first, other = whole["trace"][0].objective, half["trace"][0].objective
    assert first != other
    assert other == pytest.approx(first, rel=0.02, abs=0.02)
    assert half["scores"].untrained == whole["scores"].untrained  # no score is taken in half precision


def test_a_run_that_was_stopped_ends_with_the_same_bits(settings, tmp_path, monkeypatch):
    whole = trained(settings, tmp_path / "whole")

    def stop_at_four(state, path):
        save(state, path)
        if state.step == 4:
            raise KeyboardInterrupt

    save = checkpoint.save
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", stop_at_four)
        with pytest.raises(KeyboardInterrupt):
            trained(settings, tmp_path / "stopped")
    assert not (tmp_path / "stopped/encoder.safetensors").exists()
    assert trained(settings, tmp_path / "stopped") == whole
    files = ["encoder.safetensors", "process.safetensors"]
    assert all((tmp_path / "whole" / f).read_bytes() == (tmp_path / "stopped" / f).read_bytes() for f in files)


def test_a_seed_decides_every_number_and_another_seed_another_process(settings, tmp_path):
    once, again, other = (trained(settings, tmp_path / str(i), seed=seed) for i, seed in enumerate((0, 0, 1)))
    assert once == again
    assert once["scores"].observations != other["scores"].observations


def test_a_checkpoint_of_other_parameters_is_refused(settings, tmp_path):
    trained(settings, tmp_path)
    other = replace(settings, training=replace(settings.training, lr=2e-2))
    with pytest.raises(UserError, match=r"last.pt: belongs to another run or to other parameters"):
        trained(other, tmp_path)
    for name in ("last.pt", "previous.pt"):
        (tmp_path / "resume" / name).write_bytes(b"half a checkpoint")
    with pytest.raises(UserError, match=r"last.pt and previous.pt damaged, so that nothing can be resumed"):
        trained(settings, tmp_path)


def test_an_encoder_that_inverts_the_mixing_scores_one(settings):
    network = settings.network
    mixing = draw_mixing(3, network, seed=0)
    pairs = draw_pairs(400, generator(), row=SPHERE, mixing=mixing)
    found = scores(inverse(mixing, pairs.observed1), pairs.latents1)
    assert vars(found) == pytest.approx({"r2": 1, "correlation": 1, "rank_correlation": 1}, abs=1e-4)
    assert scores(pairs.observed1, pairs.latents1).r2 < 0.999


def test_the_information_is_named_where_it_is_known(settings, tmp_path):
    assert trained(settings, tmp_path / "s")["information"] == pytest.approx(vmf_information(3, kappa=10.0))
    assert trained(settings, tmp_path / "b", row="box")["information"] is None


def test_the_scatter_has_the_held_out_latents_and_what_a_line_makes_of_them(settings, tmp_path):
    found = trained(settings, tmp_path)["scatter"]
    true, recovered = (torch.tensor(part) for part in (found.true, found.recovered))
    assert true.shape == recovered.shape == (5, 3)
    assert torch.allclose(true.norm(dim=1), torch.ones(5))
    assert not torch.allclose(true, recovered)


def test_the_encoder_names_the_process_that_it_was_trained_on(settings, tmp_path):
    trained(settings, tmp_path)
    weights, about = read_tensors(tmp_path / "encoder.safetensors")
    assert about["process"] == sha256(tmp_path / "process.safetensors")
    parts, _ = read_tensors(tmp_path / "process.safetensors")
    assert parts["weights"].shape == (2, 3, 3)
    assert weights["layers.0.weight"].shape == (16, 3)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (vars(SPHERE) | {"output": "box"}, r"output: 'box' for latents in 'sphere'; allowed: sphere"),
        (vars(BOX) | {"output": "sphere"}, r"output: 'sphere' for latents in 'box'; allowed: box, unbounded"),
        (vars(BOX) | {"conditional": Density("vmf", 1.0)}, r"conditional.kind: 'vmf' in 'box'; allowed: laplace"),
        (vars(SPHERE) | {"model": Density("normal", 1.0)}, r"model.kind: 'normal' for output in 'sphere'"),
        (vars(SPACE) | {"model": Density("vmf", 1.0)}, r"model.kind: 'vmf' for output in 'unbounded'"),
    ],
)
def test_a_row_that_contradicts_itself_cannot_be_made(row, message):
    with pytest.raises(ValidationError, match=message):
        LatentRecoveryRow(**row)


def test_a_sweep_over_no_row_cannot_be_made(settings):
    with pytest.raises(ValidationError, match=r"sweep.row: unknown row 'mine'; allowed: sphere, box"):
        replace(settings, sweep=replace(settings.sweep, row="mine"))


def test_divergence_stops_with_its_step_and_a_remedy(settings, tmp_path):
    deep = replace(settings.network, hidden=(16,) * 5)
    wild = replace(settings, network=deep, training=replace(settings.training, lr=1e9))
    with pytest.raises(UserError, match=r"step \d: .*; lower training.lr in params/theory.yaml"):
        trained(wild, tmp_path)


def test_an_encoder_does_not_see_where_observations_lie_nor_how_large_they_are(settings):
    x = torch.randn(50, 3, generator=generator())
    near, far = (build_encoder(3, 3, settings.network, space="unbounded", seed=0) for _ in range(2))
    near.standardise(x)
    far.standardise(100 * x + 7)
    assert torch.allclose(encode(near, x), encode(far, 100 * x + 7), atol=1e-4)
    assert not torch.allclose(encode(near, x), encode(near, 100 * x + 7), atol=1e-1)


def test_a_pass_without_gradients_leaves_no_graph(settings):
    assert not encode(torch.nn.Linear(2, 2), torch.ones(1, 2)).requires_grad
