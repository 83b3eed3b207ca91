import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from tests.conftest import edited_result
from tests.report.conftest import made_from

from entrec.artefacts import read_json, sha256
from entrec.errors import UserError
from entrec.evaluation.evaluate import evaluate
from entrec.evaluation.transfer import transfer
from entrec.networks import build_backbone, save_backbone
from entrec.paths import RunFolder, circumstances_of
from entrec.results import PretrainingResult, write_result
from entrec.runs import Run
from entrec.settings import KNN, Evaluation, Linear
from entrec.study import evaluate_keys, load_study, pretrain_keys, transfer_keys

DEMO = load_study(Path(__file__).parents[2] / "params" / "demo.yaml")
RUN = Run("untrained", 256, 20, 0)


@pytest.fixture
def study(recipe):
    linear = Linear(solver="lbfgs", l2=(1e-2, 1.0), epochs=1, batch_size=32, lr=0.1)
    evaluation = Evaluation(linear=linear, knn=KNN(neighbours=5, temperature=0.07), transfer=replace(recipe, epochs=1))
    dataset = replace(DEMO.datasets["digits"], metric="mean_per_class")
    return replace(DEMO, evaluation=evaluation, datasets={"digits": dataset, "stripes": dataset})


@pytest.fixture
def encoder(study, tmp_path):
    torch.manual_seed(0)
    return write_run(study, tmp_path, build_backbone(DEMO.network, channels=1))


def write_run(study, folder, backbone):
    """Write an encoder of RUN, which was never trained, with its description, and return its path."""
    run = RunFolder(folder)
    save_backbone(backbone, run.encoder)
    run.history.write_text("step\n")
    made = PretrainingResult(
        run=str(RUN), study=study.name, **asdict(RUN), steps=0, parameters=1,
        encoder=sha256(run.encoder), history=sha256(run.history),
        made_from=made_from(0, "stripes", params=study.slice(pretrain_keys(study, RUN.method))),
    )  # fmt: skip
    write_result(run.description, made)
    with edited_result(run.description) as record:
        record["made_from"]["dataset"]["checksum"] = "0" * 64
    return run.encoder


@pytest.fixture
def paths(stripes, encoder, tmp_path, monkeypatch):
    """Return the paths of the steps, with the tests' prepared dataset."""
    for step in ("evaluate", "transfer"):
        monkeypatch.setattr(f"entrec.evaluation.{step}.open_as", lambda folder, name, spec: stripes)
    return {"data": tmp_path / "data", "encoder": encoder, "output": tmp_path / "out" / "scores.json"}


def test_evaluation_json_holds_both_scores_and_what_they_were_made_from(study, paths):
    evaluate(study, RUN, **paths)
    scores = read_json(paths["output"])
    assert list(scores) == ["run", "encoder", "linear", "knn", "made_from", "digest"]
    assert scores["run"] == "untrained-b256-e20-s0"
    assert set(scores["linear"]) == {"test", "test_mean_per_class", "validation", "l2", "grid"}
    assert set(scores["knn"]) == {"test", "test_mean_per_class", "validation"}
    assert [row["l2"] for row in scores["linear"]["grid"]] == [1.0, 1e-2]
    assert scores["made_from"]["params"] == study.slice(evaluate_keys())
    assert scores["made_from"]["dataset"] == {"name": "stripes", "checksum": "0" * 64}
    beside = read_json(circumstances_of(paths["output"]))
    assert beside["seconds"] > 0
    assert beside["result"] == scores["digest"]


def test_transfer_json_holds_the_grid_the_choice_and_what_they_were_made_from(study, paths):
    transfer(study, RUN, "stripes", **paths)
    scores = read_json(paths["output"])
    assert list(scores) == [
        *("run", "encoder", "dataset", "metric", "test", "validation", "chosen", "grid", "made_from", "digest")
    ]
    assert scores["dataset"] == "stripes"
    assert scores["metric"] == "mean_per_class"
    assert set(scores["test"]) == {"top1", "mean_per_class"}
    assert [set(row) for row in scores["grid"]] == [{"lr", "weight_decay", "validation"}] * 4
    assert scores["chosen"] in [{"lr": r["lr"], "weight_decay": r["weight_decay"]} for r in scores["grid"]]
    assert scores["made_from"]["params"] == study.slice(transfer_keys("stripes"))


def test_both_steps_give_the_same_numbers_again(study, paths):
    for step in (lambda: evaluate(study, RUN, **paths), lambda: transfer(study, RUN, "stripes", **paths)):
        results = []
        for _ in range(2):
            step()
            results.append(paths["output"].read_bytes())
        assert results[0] == results[1]


def test_a_diverged_encoder_is_told_and_what_was_written_before_stays(study, paths):
    evaluate(study, RUN, **paths)
    before = paths["output"].read_text()
    backbone = build_backbone(DEMO.network, channels=1)
    with torch.no_grad():
        backbone.stem.weight.fill_(torch.nan)
    write_run(study, paths["encoder"].parent, backbone)
    with pytest.raises(UserError, match=r"encoder.safetensors: its features are not all finite"):
        evaluate(study, RUN, **paths)
    assert paths["output"].read_text() == before


def test_more_neighbours_than_training_images_are_told_before_the_encoder_is_read(study, paths):
    knn = KNN(neighbours=49, temperature=0.07)
    study = replace(study, evaluation=replace(study.evaluation, knn=knn))
    with pytest.raises(UserError, match=r"evaluation.knn.neighbours: 49"):
        evaluate(study, RUN, **(paths | {"encoder": Path("missing")}))


def test_the_solvers_and_fine_tuning_import_neither_torchs_compiler_nor_other_heavy_packages():
    """Each costs seconds, and a demo is a hundred short processes."""
    program = """
import sys, torch
from entrec.evaluation import evaluate, transfer
from entrec.training import eager
from entrec.evaluation.solvers import solve_lbfgs
torch.set_num_threads(1)
solve_lbfgs(torch.randn(8, 2), torch.arange(8) % 2, classes=2, l2=0.1)
layer = torch.nn.Linear(2, 2)
optimiser = eager.build(torch.optim.AdamW, layer.parameters(), lr=0.1, fused=True)
optimiser.zero_grad()
layer(torch.ones(1, 2)).sum().backward()
eager.step(optimiser)
print(*sorted({name for name in sys.modules} & {"torch._dynamo", "sympy", "triton", "pandas", "altair",
      "torchvision", "timm", "sklearn", "skimage"}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
