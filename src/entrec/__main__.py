"""`python -m entrec STEP …`: the one door that the workflow's rules use."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from entrec.errors import Interrupted, UserError
from entrec.pipeline.launch import start_all
from entrec.runs import Run
from entrec.settings import Dataset
from entrec.study import Study, load_study
from entrec.theory.commands import app as theory

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(theory, name="theory")
StudyFile = Annotated[Path, typer.Option("--study", help="The study file, params/<study>.yaml.")]
RunName = Annotated[str, typer.Option("--run", help="The run, such as simclr-b256-e20-s0.")]
DatasetName = Annotated[str, typer.Option("--dataset", help="A dataset of the study.")]
DataFolder = Annotated[Path, typer.Option("--data", help="The prepared dataset's folder.")]


@app.command()
def check(study: StudyFile) -> None:
    """Say what a study file would run, or what is wrong with it."""
    s = load_study(study)
    print(f"{study}: {len(s.runs)} runs of {len(s.methods)} methods on {s.dataset}")


@app.command()
def rehearse(
    study: StudyFile, output: Annotated[Path, typer.Option(help="Folder for it; its name is the study's.")]
) -> None:
    """Write a rehearsal of a study: its own file with a few numbers made smaller, and stand-ins for its datasets."""
    from entrec.pipeline.rehearsal import rehearse as step

    print(step(study, output))


@app.command()
def prepare(study: StudyFile, dataset: DatasetName, output: Annotated[Path, typer.Option()]) -> None:
    """Prepare one dataset of a study."""
    from entrec.data.prepare import prepare as step

    step(dataset, _dataset(load_study(study), dataset, study), output)


@app.command()
def verify(data: DataFolder) -> None:
    """Compare every byte of a prepared dataset with its card."""
    from entrec.data.prepared import verify as step

    print(f"{data}: {step(data)} files are as its card says")


@app.command()
def pretrain(study: StudyFile, run: RunName, data: DataFolder, output: Annotated[Path, typer.Option()]) -> None:
    """Train one run, or go on with it, on all GPUs that the study asks for; writes encoder, history and description."""
    s = load_study(study)
    named = _run(s, run, study)
    start_all(s.resources["pretrain"], sys.argv[1:])
    from entrec.training.pretrain import pretrain as step

    step(s, named, data=data, folder=output)


@app.command()
def evaluate(
    study: StudyFile,
    run: RunName,
    data: DataFolder,
    encoder: Annotated[Path, typer.Option()],
    output: Annotated[Path, typer.Option()],
) -> None:
    """Linear and nearest-neighbour evaluation of one encoder."""
    from entrec.evaluation.evaluate import evaluate as step

    s = load_study(study)
    step(s, _run(s, run, study), data=data, encoder=encoder, output=output)


@app.command()
def transfer(
    study: StudyFile,
    run: RunName,
    dataset: DatasetName,
    data: DataFolder,
    encoder: Annotated[Path, typer.Option()],
    output: Annotated[Path, typer.Option()],
) -> None:
    """Fine-tune one encoder on one transfer set."""
    from entrec.evaluation.transfer import transfer as step

    s = load_study(study)
    _dataset(s, dataset, study)
    step(s, _run(s, run, study), dataset, data=data, encoder=encoder, output=output)


@app.command()
def table(
    study: StudyFile,
    name: Annotated[str, typer.Option()],
    results: Annotated[Path, typer.Option()],
    output: Annotated[Path, typer.Option(help="Folder for the table as CSV, LaTeX and HTML.")],
) -> None:
    """Make one table from the results it needs."""
    from entrec.report.vision.tables import write_table

    write_table(load_study(study), name, results=results, output=output)


@app.command()
def report(
    study: StudyFile,
    data: Annotated[Path, typer.Option(help="Folder of the study's prepared datasets.")],
    results: Annotated[Path, typer.Option()],
    output: Annotated[Path, typer.Option()],
) -> None:
    """Render the HTML report of a study."""
    from entrec.report.vision.render import render

    render(study, results=results, output=output, data=data)


@app.command("plan")
def show_plan(
    study: StudyFile,
    gpus: Annotated[int | None, typer.Option(help="How many GPUs to reckon the wall time for.")] = None,
    device: Annotated[str | None, typer.Option(help="h100, a100 or cpu; else the study's resources decide.")] = None,
    data: Annotated[Path, typer.Option(help="Folder of all studies' prepared datasets.")] = Path("data"),
    results: Annotated[Path, typer.Option(help="Folder of all studies' results, for measured speeds.")] = Path(
        "results"
    ),
) -> None:
    """Say what a study would take before anything runs: jobs, GPU-hours, wall time and disk."""
    from entrec.plan.assumptions import device_of
    from entrec.plan.costs import plan_of
    from entrec.plan.text import default_devices, plan_text
    from entrec.plan.wall_time import check_devices

    s = load_study(study)
    plan = plan_of(s, device=device_of(s, device), data=data, results=results)
    if gpus is not None:
        check_devices(plan, gpus)
    print(plan_text(plan, devices=[gpus] if gpus is not None else default_devices(plan)), end="")


@app.command("dvc")
def render_dvc(study: StudyFile, output: Annotated[Path, typer.Option(help="The dvc.yaml to write.")]) -> None:
    """Write a study's DVC stages."""
    from entrec.artefacts import write_text
    from entrec.pipeline.dvc import stages

    write_text(output, stages(load_study(study), study, folder=output.parent))


def _run(study: Study, name: str, path: Path) -> Run:
    run = Run.parse(name)
    if run not in study.runs:
        raise UserError(f"{path}: {name} is not a run of this study; allowed: {', '.join(map(str, study.runs[:3]))}, …")
    return run


def _dataset(study: Study, name: str, path: Path) -> Dataset:
    if name not in study.datasets:
        raise UserError(f"{path}: {name!r} is not among this study's datasets; allowed: {', '.join(study.datasets)}")
    return study.datasets[name]


def main() -> None:
    """Run a step; a user's mistake is one line on stderr and exit code 1, a stop by signal one line and code 75."""
    try:
        app()
    except Interrupted as stop:
        if os.environ.get("RANK", "0") == "0":
            print(f"entrec: {stop}", file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)
    except UserError as error:
        sys.exit(f"entrec: {error}")


if __name__ == "__main__":
    main()
