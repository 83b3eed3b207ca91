"""`python -m entrec theory STEP …`: the theory studies' part of the one door."""

from pathlib import Path
from typing import Annotated

import typer

from entrec.theory.study import load_theory

app = typer.Typer(no_args_is_help=True, help="Synthetic studies of the paper's mathematics, where the truth is known.")
StudyFile = Annotated[Path, typer.Option("--study", help="The theory study, params/theory.yaml.")]
SettingName = Annotated[str, typer.Option(help="Which size of it: quick or full.")]
Output = Annotated[Path, typer.Option(help="The JSON file to write.")]
Results = Annotated[Path, typer.Option(help="Folder results/theory/<setting>.")]
Run = Annotated[str, typer.Option(help="A run of the study, such as sphere_vmf10-info_nce-b512-s0.")]
RunFolder = Annotated[Path, typer.Option(help="Folder for the run's results and, meanwhile, its checkpoint.")]
Name = Annotated[str, typer.Option(help="Such as estimators_gaussian.")]


@app.command()
def gaussian(
    study: StudyFile, setting: SettingName, bound: Annotated[str, typer.Option()], seed: Annotated[int, typer.Option()],
    output: Output,
) -> None:  # fmt: skip
    """Train one bound of mutual information up the levels of correlated Gaussians."""
    from entrec.theory.estimators.gaussian import gaussian as step

    step(load_theory(study).setting(setting), bound, seed, output=output)


@app.command()
def sphere(study: StudyFile, setting: SettingName, dimension: Annotated[int, typer.Option()], output: Output) -> None:
    """Estimate the information of vMF pairs at their true latents, in one dimension."""
    from entrec.theory.estimators.sphere import sphere as step

    step(load_theory(study).setting(setting), dimension, output=output)


@app.command()
def rates(study: StudyFile, setting: SettingName, case: Annotated[str, typer.Option()], output: Output) -> None:
    """Measure how fast one entropy estimate converges, and fit its exponents."""
    from entrec.theory.estimators.rates import rates as step

    step(load_theory(study).setting(setting), case, output=output)


@app.command("latent-recovery")
def latent_recovery(study: StudyFile, setting: SettingName, run: Run, output: RunFolder) -> None:
    """Train an encoder to recover latents from their mixtures, or go on with it."""
    from entrec.theory.identifiability.steps import latent_recovery as step

    step(load_theory(study).setting(setting), run, output=output)


@app.command("content-isolation")
def content_isolation(study: StudyFile, setting: SettingName, run: Run, output: RunFolder) -> None:
    """Train an encoder to isolate content from style, or go on with it."""
    from entrec.theory.identifiability.steps import content_isolation as step

    step(load_theory(study).setting(setting), run, output=output)


@app.command()
def table(
    study: StudyFile, setting: SettingName, name: Name, results: Results,
    output: Annotated[Path, typer.Option(help="Folder for the table as CSV, LaTeX and HTML.")],
) -> None:  # fmt: skip
    """Make one table from the results it needs."""
    from entrec.report.theory.tables import write_theory_table

    write_theory_table(load_theory(study).setting(setting), name, results=results, output=output)


@app.command()
def figure(
    study: StudyFile, setting: SettingName, name: Name, results: Results,
    output: Annotated[Path, typer.Option(help="Folder for the figure and its numbers.")],
) -> None:  # fmt: skip
    """Draw one figure from the results it needs."""
    from entrec.report.theory.figures import write_theory_figure

    write_theory_figure(load_theory(study).setting(setting), name, results=results, output=output)


@app.command("dvc")
def render_dvc(
    study: StudyFile, setting: SettingName, output: Annotated[Path, typer.Option(help="The dvc.yaml to write.")]
) -> None:
    """Write the DVC stages of a setting."""
    from entrec.artefacts import write_text
    from entrec.pipeline.dvc import theory_stages

    write_text(output, theory_stages(load_theory(study).setting(setting), study, folder=output.parent))


@app.command()
def report(
    study: StudyFile, setting: SettingName, results: Results,
    output: Annotated[Path, typer.Option(help="Folder reports/theory/<setting>.")],
) -> None:  # fmt: skip
    """Render the page of the theory studies."""
    from entrec.report.theory.page import render_theory

    load_theory(study).setting(setting)
    render_theory(study, setting, results=results, output=output)
