"""The commands of the theory studies: one for each step of the workflow.

Each command imports what it needs when it runs: torch and pandas take seconds.
"""

from pathlib import Path
from typing import Annotated

import typer

from entrec.arithmetic import choose_native_arithmetic
from entrec.artefacts import writable_file, writable_folder
from entrec.commands.loading import loading
from entrec.theory.study import Setting, load_theory

app = typer.Typer(no_args_is_help=True, help="Run the theory studies, on synthetic data whose true values are known.")
StudyFile = Annotated[Path, typer.Option("--study", help="The theory study, params/theory.yaml.")]
SettingName = Annotated[str, typer.Option(help="The size of the study: quick or full.")]
ResultFile = Annotated[Path, typer.Option(help="The JSON file to write.")]
Results = Annotated[Path, typer.Option(help="The folder of the setting's results, results/theory/<setting>.")]
Run = Annotated[str, typer.Option(help="The name of the run, such as sphere_vmf10-info_nce-b512-s0.")]
RunFolder = Annotated[Path, typer.Option(help="The folder of the run: its results and, meanwhile, its checkpoints.")]
Bound = Annotated[str, typer.Option(help="The name of the bound, such as info_nce.")]
Seed = Annotated[int, typer.Option(help="The seed of the data and of the training.")]
Dimension = Annotated[int, typer.Option(help="The dimension of the space around the sphere.")]
Case = Annotated[str, typer.Option(help="The name of the case, such as sphere_d3_resubstitution.")]
TableName = Annotated[str, typer.Option(help="The name of the table, such as table_estimators_gaussian.")]
FigureName = Annotated[str, typer.Option(help="The name of the figure, such as estimators_gaussian.")]

Targets = Annotated[list[str], typer.Argument(help="First outputs of jobs of one rule, as dvc.yaml names them.")]


@app.command()
def gaussian(study: StudyFile, setting: SettingName, bound: Bound, seed: Seed, output: ResultFile) -> None:
    """Train one bound of mutual information on correlated Gaussians, whose information rises in levels."""
    with loading():
        from entrec.theory.estimators.gaussian import gaussian as step

    step(loaded(study, setting), bound, seed, output=writable_file(output))


@app.command()
def sphere(study: StudyFile, setting: SettingName, dimension: Dimension, output: ResultFile) -> None:
    """Estimate the information of vMF pairs at their true latents, in one dimension."""
    with loading():
        from entrec.theory.estimators.sphere import sphere as step

    step(loaded(study, setting), dimension, output=writable_file(output))


@app.command()
def rates(study: StudyFile, setting: SettingName, case: Case, output: ResultFile) -> None:
    """Measure how fast one entropy estimate converges, and fit its exponents."""
    with loading():
        from entrec.theory.estimators.rates import rates as step

    step(loaded(study, setting), case, output=writable_file(output))


@app.command("latent-recovery")
def latent_recovery(study: StudyFile, setting: SettingName, run: Run, output: RunFolder) -> None:
    """Train an encoder to recover latents from their mixtures; a stopped run continues from its checkpoint."""
    with loading():
        from entrec.theory.identifiability.steps import latent_recovery as step

    step(loaded(study, setting), run, output=writable_folder(output))


@app.command("content-isolation")
def content_isolation(study: StudyFile, setting: SettingName, run: Run, output: RunFolder) -> None:
    """Train an encoder to isolate content from style; a stopped run continues from its checkpoint."""
    with loading():
        from entrec.theory.identifiability.steps import content_isolation as step

    step(loaded(study, setting), run, output=writable_folder(output))


@app.command()
def table(
    study: StudyFile, setting: SettingName, name: TableName, results: Results,
    output: Annotated[Path, typer.Option(help="The folder for the table as CSV, LaTeX and HTML.")],
) -> None:  # fmt: skip
    """Make one table from the results that it needs."""
    with loading():
        from entrec.report.theory.tables import write_theory_table

    write_theory_table(load_theory(study).setting(setting), name, results=results, output=writable_folder(output))


@app.command()
def figure(
    study: StudyFile, setting: SettingName, name: FigureName, results: Results,
    output: Annotated[Path, typer.Option(help="The folder for the figure and its numbers.")],
) -> None:  # fmt: skip
    """Draw one figure from the results that it needs."""
    with loading():
        from entrec.report.theory.figures import write_theory_figure

    write_theory_figure(load_theory(study).setting(setting), name, results=results, output=writable_folder(output))


@app.command("dvc")
def render_dvc(
    study: StudyFile, setting: SettingName, output: Annotated[Path, typer.Option(help="The dvc.yaml to write.")]
) -> None:
    """Write the DVC stages of one setting."""
    from entrec.artefacts import write_text
    from entrec.pipeline.dvc import stages

    write_text(output, stages(load_theory(study).setting(setting), study, folder=output.parent))


@app.command()
def stage(study: StudyFile, setting: SettingName, targets: Targets) -> None:
    """Make the results of one DVC stage that are not those of today's study; dvc.yaml calls this."""
    from entrec.pipeline.stage import run_stage

    run_stage(load_theory(study).setting(setting), study, targets)


@app.command()
def report(
    study: StudyFile, setting: SettingName, results: Results,
    output: Annotated[Path, typer.Option(help="The folder of the page, reports/theory/<setting>.")],
) -> None:  # fmt: skip
    """Render the HTML page of one setting."""
    with loading():
        from entrec.report.theory.page import render_theory

    load_theory(study).setting(setting)
    render_theory(study, setting, results=results, output=writable_folder(output))


@app.command()
def provenance(
    study: StudyFile, setting: SettingName, results: Results,
    output: Annotated[Path, typer.Option(help="The folder of the page, reports/theory/<setting>.")],
) -> None:  # fmt: skip
    """Render the page of provenance of one setting.

    It says when, where and by which code its results were computed, and compares them with the published ones.
    """
    with loading():
        from entrec.report.theory.page import render_theory_provenance

    load_theory(study).setting(setting)
    render_theory_provenance(study, setting, results=results, output=writable_folder(output))


def loaded(path: Path, name: str) -> Setting:
    """Return the setting of a step that computes, and choose its arithmetic, which must come before torch is used."""
    setting = load_theory(path).setting(name)
    if setting.size.arithmetic == "native":
        choose_native_arithmetic()
    return setting
