"""The commands of a study of methods: one for each step of the workflow, and those that look before anything runs.

Each command imports what it needs when it runs: torch and pandas take seconds.
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from entrec.allowed import did_you_mean
from entrec.arithmetic import choose_native_arithmetic
from entrec.artefacts import writable_file, writable_folder
from entrec.commands.loading import loading
from entrec.commit import commit_of
from entrec.errors import UserError, shown
from entrec.paths import RunFolder
from entrec.pipeline.launch import start_all
from entrec.pipeline.workflow import check_owner
from entrec.runs import Run
from entrec.settings import Dataset
from entrec.strict import Fault, refuse_document, unknown
from entrec.study import Study, is_theory, load_study
from entrec.theory.study import load_theory
from entrec.yaml_reader import read_document

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Pretrain and evaluate self-supervised methods as a study file says, and report the results.",
)
StudyFile = Annotated[Path, typer.Option("--study", help="The study file, params/<study>.yaml.")]
RunName = Annotated[str, typer.Option("--run", help="The name of the run, such as simclr-b256-e20-s0.")]
DatasetName = Annotated[str, typer.Option("--dataset", help="The name of a dataset of the study.")]
DataFolder = Annotated[Path, typer.Option("--data", help="The folder of the prepared dataset.")]
Encoder = Annotated[Path, typer.Option(help="The pretrained encoder, encoder.safetensors in the folder of its run.")]
Targets = Annotated[list[str], typer.Argument(help="First outputs of jobs of one rule, as dvc.yaml names them.")]
Results = Annotated[Path, typer.Option(help="The folder of the study's results, results/<study>.")]
PublishedTarget = Annotated[
    Path, typer.Argument(help="A folder of results, such as results/demo or results/theory/quick, or a study file.")
]
ScoresFile = Annotated[Path, typer.Option(help="The JSON file to write.")]


def _show_version(asked: bool) -> None:
    if asked:
        print(f"entrec {version('entrec')}, {commit_of(Path(__file__).parent)}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, with any command.")] = False,
    shows_version: Annotated[
        bool,
        typer.Option("--version", help="Say the version and the commit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Pretrain and evaluate self-supervised methods as a study file says, and report the results."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A study file, such as params/demo.yaml, or params/theory.yaml.")],
) -> None:
    """Say what a study file would run, or everything that is wrong with it and with its datasets."""
    document = read_document(file)
    if is_theory(document):
        load_theory(file)
        print(f"{file}: the theory studies, which `snakemake theory` runs")
        return
    from entrec.plan.readiness import obstacles, remarks

    s = load_study(file)
    refuse_document(document, obstacles(s))
    print(f"{file}: {len(s.runs)} runs of {len(s.methods)} methods on {s.dataset}")
    for remark in remarks(s):
        print(f"{file}: {remark}")
    check_owner(file, s)


@app.command()
def rehearse(
    study: StudyFile,
    output: Annotated[Path, typer.Option(help="The folder to write; its name becomes that of the rehearsal's study.")],
) -> None:
    """Write a rehearsal of a study: a study file with a few numbers made smaller, and stand-ins for its datasets."""
    from entrec.pipeline.rehearsal import rehearse as step

    print(step(study, output))


@app.command()
def prepare(
    study: StudyFile, dataset: DatasetName,
    output: Annotated[Path, typer.Option(help="The folder to write; Snakemake uses data/STUDY/DATASET.")],
) -> None:  # fmt: skip
    """Prepare one dataset of a study: images, labels and splits in the form that the other steps read."""
    with loading():
        from entrec.data.prepare import prepare as step

    step(dataset, _dataset(load_study(study), dataset, study), writable_folder(output))


@app.command()
def verify(
    target: Annotated[
        Path,
        typer.Argument(help="A study file, a folder of results such as results/demo, or a prepared dataset."),
    ] = Path("params/demo.yaml"),
    current: Annotated[
        bool, typer.Option("--current", help="Give code 1 also for results that were made with other settings.")
    ] = False,
) -> None:
    """List what is damaged, made with other settings, or missing among the results of a study; damage gives code 1.

    Every file is compared with the digests that the results name: data, encoders, histories, scores, tables, figures
    and pages. Nothing is computed.
    """
    from entrec.paths import DatasetFolder
    from entrec.pipeline.verify import DAMAGED, OUTDATED, dataset_faults, kind_of, named_by, original_faults, told
    from entrec.pipeline.verify import verify as step

    dataset = DatasetFolder(target)
    if os.path.isfile(dataset.card):
        found = [*dataset_faults(dataset), *original_faults(dataset)]
    else:
        found = [fault for study in named_by(target) for fault in step(study)]
    print(told(found) or f"{target}: everything is whole and up to date")
    fatal = {DAMAGED, OUTDATED} if current else {DAMAGED}
    if any(kind_of(fault) in fatal for fault in found):
        raise typer.Exit(1)


@app.command()
def compare(target: PublishedTarget = Path("results/demo")) -> None:
    """Compare the results of a study with the published ones, file by file and number by number.

    Code 1 says that a file or a number is not the published one.
    """
    from entrec.pipeline.published import compare as step
    from entrec.pipeline.verify import named_by

    found = [step(study, places={}) for study in named_by(target)]
    print("\n".join(map(str, found)))
    if not all(comparison.equal for comparison in found):
        raise typer.Exit(1)


@app.command()
def publish(target: PublishedTarget) -> None:
    """Copy the numbers of a study, and the digests of its files, to reports/published/."""
    from entrec.pipeline.published import publish as step
    from entrec.pipeline.verify import named_by

    for study in named_by(target):
        print(step(study))


@app.command()
def pretrain(
    study: StudyFile, run: RunName, data: DataFolder,
    output: Annotated[Path, typer.Option(help="The folder of the run: encoder, history, description and checkpoints.")],
) -> None:  # fmt: skip
    """Pretrain one run on all GPUs that the study asks for; a run that was stopped continues from its checkpoint."""
    s = loaded(study)
    named = _run(s, run, study)
    writable_folder(output)
    start_all(s.asked("pretrain"), sys.argv[1:])
    with loading():
        from entrec.training.pretrain import pretrain as step

    step(s, named, data=data, folder=output)


@app.command()
def evaluate(study: StudyFile, run: RunName, data: DataFolder, encoder: Encoder, output: ScoresFile) -> None:
    """Evaluate one encoder on its frozen features, by a linear classifier and by nearest neighbours."""
    with loading():
        from entrec.evaluation.evaluate import evaluate as step

    s = loaded(study)
    step(s, _run(s, run, study), data=data, encoder=encoder, output=writable_file(output))


@app.command()
def transfer(
    study: StudyFile, run: RunName, dataset: DatasetName, data: DataFolder, encoder: Encoder, output: ScoresFile
) -> None:
    """Fine-tune one encoder on another dataset and score it there."""
    with loading():
        from entrec.evaluation.transfer import transfer as step

    s = loaded(study)
    _dataset(s, dataset, study)
    step(s, _run(s, run, study), dataset, data=data, encoder=encoder, output=writable_file(output))


@app.command()
def evaluate_and_transfer(
    study: StudyFile, run: RunName, encoder: Encoder,
    data: Annotated[Path, typer.Option(help="The folder of the study's prepared datasets, data/<study>.")],
    output: Annotated[Path, typer.Option(help="The folder of the run, for its scores.")],
) -> None:  # fmt: skip
    """Do what `evaluate` does, then what `transfer` does on every other dataset of the study, in one process."""
    with loading():
        from entrec.evaluation.evaluate import evaluate as first_step
        from entrec.evaluation.transfer import transfer as step

    s = loaded(study)
    named, folder = _run(s, run, study), RunFolder(writable_folder(output))
    first_step(s, named, data=data / s.dataset, encoder=encoder, output=folder.evaluation)
    for dataset in s.evaluation.transfer.datasets:
        step(s, named, dataset, data=data / dataset, encoder=encoder, output=folder.transfer(dataset))


@app.command()
def table(
    study: StudyFile, results: Results,
    name: Annotated[str, typer.Option(help="The name of the table, such as table_1.")],
    output: Annotated[Path, typer.Option(help="The folder for the table as CSV, LaTeX and HTML.")],
) -> None:  # fmt: skip
    """Make one table from the results that it needs."""
    with loading():
        from entrec.report.vision.tables import write_table

    write_table(load_study(study), name, results=results, output=writable_folder(output))


@app.command()
def report(
    study: StudyFile, results: Results,
    data: Annotated[Path, typer.Option(help="The folder of the study's prepared datasets, data/<study>.")],
    output: Annotated[Path, typer.Option(help="The folder of the page, reports/<study>.")],
) -> None:  # fmt: skip
    """Render the HTML report of a study."""
    with loading():
        from entrec.report.vision.page import render

    render(study, results=results, output=writable_folder(output), data=data)


@app.command()
def provenance(
    study: StudyFile, results: Results,
    data: Annotated[Path, typer.Option(help="The folder of the study's prepared datasets, data/<study>.")],
    output: Annotated[Path, typer.Option(help="The folder of the page, reports/<study>.")],
) -> None:  # fmt: skip
    """Render the page of provenance of a study.

    It says when, where and by which code its results were computed, and compares them with the published ones.
    """
    with loading():
        from entrec.report.vision.page import render_provenance

    render_provenance(study, results=results, output=writable_folder(output), data=data)


@app.command("plan")
def show_plan(
    study: StudyFile,
    gpus: Annotated[int | None, typer.Option(help="Number of GPUs for the wall-time estimate.")] = None,
    device: Annotated[
        str | None,
        typer.Option(help="h100, a100 or cpu; by default the GPU where the study asks for GPUs, otherwise the CPU."),
    ] = None,
    data: Annotated[Path, typer.Option(help="The folder of all studies' prepared datasets.")] = Path("data"),
    results: Annotated[
        Path, typer.Option(help="The folder of all studies' results, for measured speeds.")
    ] = Path("results"),
) -> None:  # fmt: skip
    """Estimate what a study takes before anything runs: jobs, GPU-hours, wall time and disk space."""
    from entrec.plan.assumptions import device_of
    from entrec.plan.costs import plan_of
    from entrec.plan.pace import measure_pace
    from entrec.plan.text import default_devices, plan_text
    from entrec.plan.wall_time import check_devices

    s = loaded(study)
    chosen = device_of(s, device)
    pace = measure_pace(s) if chosen.unit == "core" else None
    plan = plan_of(s, device=chosen, data=data, results=results, pace=pace)
    if gpus is not None:
        check_devices(plan, gpus)
    print(plan_text(plan, devices=[gpus] if gpus is not None else default_devices(plan)), end="")


@app.command("dvc")
def render_dvc(study: StudyFile, output: Annotated[Path, typer.Option(help="The dvc.yaml to write.")]) -> None:
    """Write the DVC stages of a study."""
    from entrec.artefacts import write_text
    from entrec.pipeline.dvc import stages

    write_text(output, stages(load_study(study), study, folder=output.parent))


@app.command()
def adopt(study: StudyFile) -> None:
    """Make results fit that `dvc pull`, `dvc checkout` or a copy has put here.

    Datasets that no remote may have are prepared where they are missing, and what was made of other results is removed:
    circumstances, and the page of provenance.
    """
    from entrec.pipeline.stage import adopt as step

    step(load_study(study), study)


@app.command()
def stage(study: StudyFile, targets: Targets) -> None:
    """Make the results of one DVC stage that are not those of today's study; dvc.yaml calls this."""
    from entrec.pipeline.stage import run_stage

    run_stage(load_study(study), study, targets)


def loaded(path: Path) -> Study:
    """Return the study of a step that trains, and choose its arithmetic, which must come before torch is used."""
    study = load_study(path)
    if study.arithmetic == "native":
        choose_native_arithmetic()
    return study


def _run(study: Study, name: str, path: Path) -> Run:
    run = Run.parse(name)
    if run not in study.runs:
        runs = [str(run) for run in study.runs]
        problem, allowed = f"{shown(name)} is no run of this study", f"{', '.join(runs[:3])}, …"
        raise UserError(f"{path}: {Fault('', problem, allowed, did_you_mean(name, runs))}")
    return run


def _dataset(study: Study, name: str, path: Path) -> Dataset:
    if name not in study.datasets:
        raise UserError(f"{path}: {unknown('', name, study.datasets, what='dataset')}")
    return study.datasets[name]
