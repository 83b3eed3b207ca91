"""Jobs, hours, wall time and disk of a study, against arithmetic by hand."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from entrec.commands.study import show_plan
from entrec.data.prepare import prepare
from entrec.errors import UserError
from entrec.paths import RunFolder, circumstances_of
from entrec.pipeline.jobs import Jobs, StudyJob
from entrec.plan.assumptions import Device, device_of, encoded_bytes
from entrec.plan.costs import Cost, plan_of
from entrec.plan.flops import networks_of, passes_of
from entrec.plan.pace import Pace, measure_pace
from entrec.plan.sizes import size_of
from entrec.plan.speeds import measured_speed
from entrec.plan.text import plan_text
from entrec.plan.wall_time import check_devices, wall_seconds
from entrec.results.files import digest_of
from entrec.runs import Run
from entrec.settings import Dataset
from entrec.study import load_study
from entrec.theory.study import THEORY_FILE

NOWHERE = Path("nowhere")
PAPER, DEMO = Path("params/paper.yaml"), Path("params/demo.yaml")
GPU = Device("toy", "Toy", "GPU", 1e13, {"bfloat16": 1e12, "float32": 5e11}, "nobody")


@pytest.fixture(scope="module")
def paper():
    return load_study(PAPER)


@pytest.fixture(scope="module")
def demo():
    return load_study(DEMO)


@pytest.fixture(scope="module")
def plan(paper):
    return plan_of(paper, device=GPU, data=NOWHERE, results=None)


def cost_of(plan, rule, run, dataset=None):
    (found,) = (
        c.seconds
        for c in plan.costs
        if (c.job.rule, str(c.job.run)) == (rule, run) and dataset in (None, c.job.dataset)
    )
    return found


def test_the_paper_has_57_pretrainings_and_ten_fine_tunings_of_each_main_one(paper):
    jobs = [job.rule for job in Jobs(paper)]
    main, sweep = len(paper.seeds.main), len(paper.seeds.sweep)
    pretrainings = 6 * (main + sweep * 6) + main  # six columns beside the main one; the untrained network has no other
    assert jobs.count("pretrain") == jobs.count("evaluate") == pretrainings == 57
    assert jobs.count("transfer") == 7 * main * 10
    assert jobs.count("prepare_encoded") == 11
    assert {job.devices for job in Jobs(paper) if job.rule == "pretrain"} == {16}


def test_a_pretraining_takes_its_images_times_its_flops_over_what_its_gpus_sustain(paper, plan):
    train = 1281167 - round(0.01 * 1281167)
    images = 100 * (train // 4096) * 4096
    expected = images * networks_of(paper, "byol").step / (16 * 1e12)
    assert cost_of(plan, "pretrain", "byol-b4096-e100-s0") == pytest.approx(expected)
    assert cost_of(plan, "pretrain", "untrained-b4096-e400-s0") == 0


def test_an_evaluation_is_one_pass_over_all_images_a_head_and_the_votes(paper, plan):
    forward = passes_of(paper, "simclr", 224).forward
    train, validation, test = 1268355, 12812, 50000
    head = 3 * 30 * 6 * 2048 * 1000 * train
    votes = 2 * 2048 * train * (validation + test)
    expected = (train + validation + test) * forward / 1e12 + (head + votes) / 5e11
    assert cost_of(plan, "evaluate", "simclr-b512-e400-s0") == pytest.approx(expected)


def test_a_fine_tuning_trains_its_whole_grid_and_scores_the_best_on_the_test_part(paper, plan):
    passes = passes_of(paper, "dino", 224)
    trained = 6 * 100 * (1020 // 64) * 64
    expected = (trained * passes.training + (6 * 1020 + 6149) * passes.forward) / 1e12
    assert cost_of(plan, "transfer", "dino-b4096-e400-s2", "flowers102") == pytest.approx(expected)


def test_local_crops_and_ema_copies_cost_what_their_images_say(paper):
    view, small = passes_of(paper, "dino", 224), passes_of(paper, "dino", 96)
    assert networks_of(paper, "simclr").step == 2 * view.training
    crops = paper.method("dino").local_crops
    assert networks_of(paper, "dino").step == 2 * (view.training + view.forward) + crops * small.training


def test_hours_of_the_tables_are_the_sum_of_their_parts(plan):
    text = plan_text(plan, devices=[16])
    rows = {
        line[2:].split("  ")[0]: float(line.split()[-1].replace(",", ""))
        for line in text.split("by table\n")[1].split("\n\n")[0].splitlines()[1:]
    }
    main, batches, epochs, total, table_1, table_2 = rows.values()
    assert main + batches + epochs == pytest.approx(total, abs=2)  # whole hours are printed
    assert table_1 + table_2 - main == pytest.approx(total, abs=2)
    assert total == pytest.approx(sum(cost.device_hours for cost in plan.costs), abs=1)
    assert "GPU-hours" in text
    assert "Image counts as published, not counted yet: imagenet, food101" in text


def test_wall_time_is_that_of_the_longest_first_schedule(plan):
    run = Run("simclr", 1, 1, 0)
    long, short = (Cost(StudyJob(rule="pretrain", devices=2, run=run), seconds) for seconds in (5.0, 3.0))
    after = Cost(StudyJob(rule="transfer", devices=1, run=run, dataset="x"), 4.0)
    toy = replace(plan, costs=[short, short, long, after, after, after])
    assert wall_seconds(toy, 2) == 3 + 3 + 5 + 4 + 4
    assert wall_seconds(toy, 4) == 6 + 4  # 5 beside 3 and 3; a place for each of three
    assert wall_seconds(toy, 5) == wall_seconds(toy, 4)  # a fifth GPU is no place for two
    assert wall_seconds(toy, 6) == 5 + 4


def test_the_parts_of_a_job_start_one_process(demo):
    plan = plan_of(demo, device=device_of(demo, None), data=NOWHERE, results=None)
    starts = {rule: sum(c.starts for c in plan.costs if c.job.rule == rule) for rule in ("evaluate", "transfer")}
    assert starts == {"evaluate": len(demo.runs), "transfer": 0}
    resources = {**demo.resources, "transfer": demo.asked("evaluate")}
    apart = plan_of(replace(demo, resources=resources), device=device_of(demo, None), data=NOWHERE, results=None)
    assert sum(c.starts for c in apart.costs) - sum(c.starts for c in plan.costs) == 2 * len(demo.headline_runs)
    assert sorted(c.seconds for c in apart.costs) == sorted(c.seconds for c in plan.costs)


def test_a_measured_pace_gives_every_process_its_start_and_replaces_the_assumed_speed(demo):
    device, (batch_size, _) = device_of(demo, None), demo.headline
    pace = Pace(start=2.0, sustained={(8, b): 1e9 for b in demo.batch_sizes} | {(16, 32): 1e9})
    plan, without = (
        plan_of(demo, device=device, data=NOWHERE, results=None, pace=p) for p in (pace, replace(pace, start=0.0))
    )
    assert plan.rate("simclr", batch_size) == pytest.approx(1e9 / plan.networks["simclr"].step)
    assert wall_seconds(plan, 1) - wall_seconds(without, 1) == pytest.approx(2 * sum(c.starts for c in plan.costs))
    assert "a process starts in 2.0 s" in plan_text(plan, devices=[1])


def test_the_pace_of_this_machine_has_every_batch_that_the_study_trains_on(demo):
    pace = measure_pace(demo)
    assert pace.start > 0
    assert pace.sustained.keys() == {(8, 256), (8, 128), (8, 64), (16, 32)}
    assert min(pace.sustained.values()) > 0


def test_wall_time_is_at_least_the_hours_shared_out_and_the_longest_job(plan):
    longest = max(cost.seconds for cost in plan.costs)
    hours = sum(cost.device_hours for cost in plan.costs)
    for devices in (16, 48, 128, 4096):
        assert wall_seconds(plan, devices) >= max(longest, 3600 * hours / devices) - 1e-6


def finished_run(study, method="simclr", batch_size=4096, **changes):
    """What pretraining writes of a run and its circumstances: 16 processes, toy GPU; a changed key may be dotted."""
    keys = ["network", "views", "local_views", "training", f"datasets.{study.dataset}", f"methods.{method}"]
    description = {
        "run": f"{method}-b{batch_size}-e100-s0", "study": study.name, "method": method, "batch_size": batch_size,
        "epochs": 100, "seed": 0, "steps": 10, "parameters": 1000, "encoder": "0" * 64, "history": "0" * 64,
        "made_from": {"params": study.slice(keys), "seed": 0},
        "circumstances": {
            "images_per_second": 16000.0, "processes": 16, "commit": None, "dirty": False, "code": "0", "versions": {},
            "hardware": {
                "cpu": "x",
                "arithmetic": "native",
                "gpu": "NVIDIA Toy 80GB",
                "device": "cuda",
                "threads": 4,
                "machine": "x86_64",
            },
            "started": "2024-05-01T10:00:00+00:00", "seconds": 1.0, "peak_memory_mb": 1.0,
        },
    }  # fmt: skip
    for path, value in changes.items():
        inner, *keys = description, *path.split("__")
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
    return description


def write_run(folder, description):
    run = RunFolder(folder / description["run"])
    run.folder.mkdir(parents=True)
    *parts, circumstances = description.items()
    digest = write_sealed(run.description, dict(parts))
    write_sealed(circumstances_of(run.description), circumstances[1] | {"result": digest})


def write_sealed(path, values):
    """Write the values with their digest, which is returned."""
    digest = digest_of(values)
    path.write_text(json.dumps(values | {"digest": digest}))
    return digest


def test_a_measured_speed_replaces_the_count_at_the_nearest_batch_size(paper, tmp_path):
    write_run(tmp_path / "paper", finished_run(paper))
    write_run(tmp_path / "paper", finished_run(paper, batch_size=512, circumstances__images_per_second=8000.0))
    measured = plan_of(paper, device=GPU, data=NOWHERE, results=tmp_path)
    assert measured.rate("simclr", 4096) == measured.rate("simclr", 2048) == 1000
    assert measured.rate("simclr", 1024) == measured.rate("simclr", 512) == 500
    images = 400 * (1268355 // 512) * 512
    assert cost_of(measured, "pretrain", "simclr-b512-e400-s0") == pytest.approx(images / 8000)
    assert measured.rate("cmc", 4096) == 1e12 / networks_of(paper, "cmc").step
    assert "2 of paper" in plan_text(measured, devices=[16])


def test_another_studys_speed_is_taken_where_this_one_has_none(paper, tmp_path):
    write_run(tmp_path / "older", finished_run(paper))
    assert measured_speed(paper, "simclr", tmp_path, GPU).study == "older"
    write_run(tmp_path / "paper", finished_run(paper, circumstances__images_per_second=3200.0))
    assert measured_speed(paper, "simclr", tmp_path, GPU).at(4096) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"circumstances__hardware__gpu": None},
        {"circumstances__hardware__gpu": "NVIDIA Other"},
        {"made_from__params__network": {"backbone": "resnet18", "width": 64, "stem": "7x7"}},
        {"made_from__params__datasets.imagenet": {"size": 96, "channels": 3, "short_side": 256}},
        {"made_from__params__training": {"precision": "float32"}},
        {"made_from__params__methods.simclr": {"local_crops": 6}},
        {"circumstances__images_per_second": None},
    ],
    ids=["a CPU", "another GPU", "another network", "smaller images", "another precision", "more crops", "no speed"],
)
def test_a_speed_of_something_else_is_not_taken(paper, tmp_path, changes):
    write_run(tmp_path / "paper", finished_run(paper, **changes))
    assert measured_speed(paper, "simclr", tmp_path, GPU) is None


def test_finished_runs_whose_speed_is_not_known_are_counted_and_left_out(paper, tmp_path):
    for batch_size in (4096, 2048, 1024, 512):
        write_run(tmp_path / "paper", finished_run(paper, batch_size=batch_size))
    old, fetched, foreign, _ = (
        RunFolder(tmp_path / "paper" / f"simclr-b{size}-e100-s0").description for size in (4096, 2048, 1024, 512)
    )
    old.write_text(old.read_text().replace("made_from", "provenance"))
    circumstances_of(fetched).unlink()
    shutil.copy(circumstances_of(old), circumstances_of(foreign))
    plan = plan_of(paper, device=GPU, data=NOWHERE, results=tmp_path)
    assert set(plan.unusable) == {old, fetched, foreign}
    assert plan.speeds["simclr"].runs == 1
    assert re.search(
        r"Finished runs whose speed is not known, such as \S+/run\.json: 3\.", plan_text(plan, devices=[16])
    )


def test_a_threads_speed_is_that_of_the_run_over_its_threads(tmp_path):
    demo = load_study(DEMO)
    changes = {"images_per_second": 4000.0, "processes": 1, "hardware__gpu": None}
    changes = {f"circumstances__{key}": value for key, value in changes.items()}
    write_run(tmp_path / "demo", finished_run(demo, batch_size=256, **changes))
    assert measured_speed(demo, "simclr", tmp_path, device_of(demo, None)).at(256) == 1000


def test_splits_are_the_published_ones_and_the_studys_shares_of_the_others(paper):
    for name, spec in paper.datasets.items():
        size = size_of(paper, name, NOWHERE)
        assert size.validation > 0, name
        assert size.test > 0, name
        assert spec.test == 0
    assert size_of(paper, "imagenet", NOWHERE).images == 1281167 + 50000
    assert size_of(paper, "fgvc_aircraft", NOWHERE).validation == 3333
    digits = size_of(load_study(DEMO), "digits", NOWHERE)
    assert digits.images == 1797
    assert digits.prepared_bytes == 1797 * 8 * 8


def test_small_images_stay_small_and_others_grow_with_their_area(paper):
    cifar = size_of(paper, "cifar10", NOWHERE)
    assert cifar.prepared_bytes == 60000 * encoded_bytes(32)
    assert encoded_bytes(512) == 4 * encoded_bytes(256)


def test_a_prepared_set_is_counted(paper, tmp_path):
    spec = Dataset("textures", 8, 3, 0.25, 0.2, "top1")
    study = replace(paper, datasets={**paper.datasets, "textures": spec})
    prepare("textures", spec, tmp_path / "paper" / "textures")
    size = size_of(study, "textures", tmp_path)
    assert (size.train, size.images, size.classes, size.counted) == (560, 960, 10, True)
    files = (tmp_path / "paper" / "textures").iterdir()
    assert size.prepared_bytes == sum(path.stat().st_size for path in files)


def test_the_image_count_of_a_folder_is_unknown_until_it_is_prepared(paper):
    folder = Dataset("folder", 224, 3, 0.1, 0.1, "top1", path="data/raw/mine")
    study = replace(paper, datasets={**paper.datasets, "mine": folder})
    with pytest.raises(
        UserError,
        match=r"datasets\.mine: the image count of data/raw/mine is unknown .* snakemake data/paper/mine/card\.json",
    ):
        size_of(study, "mine", Path("data"))


@pytest.mark.parametrize("path", sorted(set(Path("params").glob("*.yaml")) - {Path(THEORY_FILE)}), ids=lambda p: p.stem)
def test_every_study_has_a_plan_that_fits_on_a_page(path, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("entrec.plan.pace.measure_pace", lambda study: Pace(2.0, {(8, 64): 1e10}))
    show_plan(path, data=tmp_path, results=tmp_path)
    said = capsys.readouterr().out
    for title in ("Jobs", "by table", "Methods", "Wall time", "Disk", "Assumptions"):
        assert title in said
    assert not re.search(r"\bnan\b", said)
    assert len(said.splitlines()) < 80


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"gpus": 0}, r"--gpus 0: a job of paper asks for 16 GPUs; allowed: from 16,"),
        ({"device": "v100"}, r"--device v100: unknown device; allowed: h100, a100$"),
        ({"device": "cpu"}, r"--device cpu: the study asks for GPUs; allowed: h100, a100$"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path, options, says):
    with pytest.raises(UserError, match=says) as error:
        show_plan(PAPER, data=tmp_path, results=tmp_path, **options)
    assert "\n" not in str(error.value)


def test_a_gpu_for_a_study_that_asks_for_none_is_one_line():
    with pytest.raises(UserError, match=r"--device h100: the study asks for no GPU; allowed: cpu$"):
        device_of(load_study(DEMO), "h100")


def test_fewer_gpus_than_a_job_asks_for_are_refused(plan):
    check_devices(plan, 16)
    with pytest.raises(UserError, match="--gpus 15: a job of paper asks for 16 GPUs"):
        check_devices(plan, 15)


def test_one_number_of_gpus_is_answered_with_one_wall_time(tmp_path, capsys):
    show_plan(PAPER, gpus=24, data=tmp_path, results=tmp_path)
    assert re.findall(r"^  (\d+) GPUs", capsys.readouterr().out, flags=re.MULTILINE) == ["24"]


def test_an_h100_is_assumed_to_reach_a_small_share_of_its_peak(paper):
    h100, a100 = (device_of(paper, name) for name in (None, "a100"))
    assert h100.name == "h100"
    forward_and_back = passes_of(paper, "simclr", 224).training
    assert a100.sustained["bfloat16"] / forward_and_back == pytest.approx(16621 / 8, rel=0.02)  # as its source says
    assert a100.sustained["float32"] / forward_and_back == pytest.approx(7248 / 8, rel=0.02)
    assert h100.sustained["bfloat16"] / a100.sustained["bfloat16"] == pytest.approx(3.35 / 2.04, rel=0.02)
    assert h100.utilisation < a100.utilisation < 0.2


def test_what_runs_on_processors_takes_no_time_of_gpus(paper, plan):
    asked = dict(paper.resources)
    for step in ("evaluate", "transfer"):
        asked[step] = replace(asked[step], gpus=0)
    mixed = plan_of(replace(paper, resources=asked), device=GPU, data=NOWHERE, results=None)
    pretrainings = [cost for cost in mixed.costs if cost.job.rule == "pretrain"]
    assert pretrainings == [c for c in plan.costs if c.job.rule == "pretrain"]
    assert {cost.seconds for cost in mixed.costs if cost.job.rule != "pretrain"} == {0}
    assert wall_seconds(mixed, 16) == pytest.approx(sum(cost.seconds for cost in pretrainings))  # one after the other
    assert re.search(r"evaluate +57 +57 +0 +0\.0 s", plan_text(mixed, devices=[16]))
