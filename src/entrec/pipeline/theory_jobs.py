"""The jobs of the theory studies: what each reads, what it writes, and the settings that it depends on.

Snakemake's rules, DVC's stages and the report all ask here. This module imports neither pandas nor torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from entrec.errors import UserError, one_line
from entrec.paths import TheoryPaths, with_record
from entrec.pipeline.jobs import MACROS, Job, Jobs, page_sources
from entrec.results import (
    ContentIsolationResult,
    GaussianResult,
    LatentRecoveryResult,
    RatesResult,
    Result,
    SphereResult,
)
from entrec.settings import Resources
from entrec.study import Study
from entrec.theory.registry import BOUNDS
from entrec.theory.runs import (
    ContentIsolationRun,
    LatentRecoveryRun,
    content_isolation_runs,
    latent_recovery_runs,
    sweep_runs,
)
from entrec.theory.study import Setting, Step


@dataclass(frozen=True)
class Target:
    """The tables and figures of the targets `table_NAME` and `figure_NAME`."""

    tables: tuple[str, ...]
    figures: tuple[str, ...]


TARGETS = {
    "latent_recovery": Target(
        ("table_latent_recovery", "table_latent_recovery_mcc", "table_latent_recovery_batch"),
        ("latent_recovery", "latent_recovery_training", "latent_recovery_batch"),
    ),
    "content_style": Target(("table_content_style",), ("content_style",)),
    "estimators": Target(
        ("table_estimators_gaussian", "table_estimators_sphere", "table_estimators_rates"),
        ("estimators_gaussian", "estimators_sphere", "estimators_rates"),
    ),
}
THEORY_TABLES = tuple(name for target in TARGETS.values() for name in target.tables)
THEORY_FIGURES = tuple(name for target in TARGETS.values() for name in target.figures)
THEORY_NOTEBOOK, PROVENANCE_NOTEBOOK = "theory", "theory_provenance"

# the step whose resources each rule asks for
STEPS: dict[str, Step] = {
    "theory_gaussian": "gaussian",
    "theory_sphere": "sphere",
    "theory_rates": "rates",
    "theory_latent_recovery": "latent_recovery",
    "theory_content_isolation": "content_isolation",
    "theory_table": "tables",
    "theory_figure": "tables",
    "theory_page": "report",
    "theory_provenance": "report",
}


# the class of the result that each rule writes
KINDS: dict[str, type[Result]] = {
    "theory_gaussian": GaussianResult,
    "theory_sphere": SphereResult,
    "theory_rates": RatesResult,
    "theory_latent_recovery": LatentRecoveryResult,
    "theory_content_isolation": ContentIsolationResult,
}


@dataclass(frozen=True, kw_only=True)
class ResultJob(Job):
    """One job that writes a file of results.

    `result` is its first output, relative to the results of the setting, and contains the keys and values of `about`.
    """

    result: Path
    about: Mapping[str, Any]

    @property
    def kind(self) -> type[Result]:
        """The class of the result."""
        return KINDS[self.rule]

    @property
    def name(self) -> str:
        """A name of the job without slashes, such as `gaussian-nwj-s0`."""
        return "-".join([*self.result.parts[:-1], self.result.stem]).removesuffix("-run")


@dataclass(frozen=True)
class TheoryJobs:
    """The jobs of one setting of the theory studies."""

    setting: Setting

    @property
    def paths(self) -> TheoryPaths:
        """The paths of the setting's results."""
        return TheoryPaths(self.setting.name)

    def resources_of(self, rule: str) -> Resources:
        """Return what the setting gives to each job of a rule."""
        return self.setting.resources[STEPS[rule]]

    @property
    def latent_recovery_runs(self) -> list[LatentRecoveryRun]:
        """Every run of latent recovery: the rows, then the sweep over batch sizes."""
        return latent_recovery_runs(self.setting.latent_recovery)

    @property
    def content_isolation_runs(self) -> list[ContentIsolationRun]:
        """Every run of content isolation."""
        return content_isolation_runs(self.setting.content_isolation)

    def gaussian(self, bound: str, seed: int) -> ResultJob:
        """Return the job that trains one bound of mutual information on correlated Gaussians."""
        outputs, keys = [self.paths.results.gaussian(bound, seed)], self.setting.gaussian_keys(bound)
        return self._result("theory_gaussian", outputs, keys, bound=bound, seed=seed)

    def sphere(self, dimension: int) -> ResultJob:
        """Return the job that estimates the information of vMF pairs in one dimension."""
        outputs, keys = [self.paths.results.sphere(dimension)], self.setting.sphere_keys(dimension)
        return self._result("theory_sphere", outputs, keys, dimension=dimension)

    def rates(self, case: str) -> ResultJob:
        """Return the job that measures how fast one entropy estimate converges."""
        outputs, keys = [self.paths.results.rates(case)], self.setting.rates_keys(case)
        return self._result("theory_rates", outputs, keys, case=case)

    def latent_recovery(self, run: LatentRecoveryRun) -> ResultJob:
        """Return the job that trains one encoder to recover latents."""
        outputs, keys = self.paths.results.latent_recovery(run).trained, self.setting.latent_recovery_keys(run.row)
        return self._result("theory_latent_recovery", outputs, keys, **asdict(run))

    def content_isolation(self, run: ContentIsolationRun) -> ResultJob:
        """Return the job that trains one encoder to isolate content from style."""
        outputs, keys = self.paths.results.content_isolation(run).trained, self.setting.content_isolation_keys(run.row)
        return self._result("theory_content_isolation", outputs, keys, **asdict(run))

    @property
    def by_part(self) -> dict[str, list[ResultJob]]:
        """Every result of the setting by the part of the study file that it belongs to, in the order of the page."""
        setting, seeds = self.setting, self.setting.estimators.gaussian.seeds
        return {
            "latent_recovery": [self.latent_recovery(run) for run in self.latent_recovery_runs],
            "content_isolation": [self.content_isolation(run) for run in self.content_isolation_runs],
            "estimators.gaussian": [self.gaussian(bound, seed) for bound in BOUNDS for seed in seeds],
            "estimators.sphere": [self.sphere(dimension) for dimension in setting.estimators.sphere.kappa],
            "estimators.rates": [self.rates(case) for case in setting.estimators.rates.cases],
        }

    @property
    def results(self) -> list[ResultJob]:
        """Every result of the setting, in the order of the page."""
        return [job for jobs in self.by_part.values() for job in jobs]

    @property
    def row_runs(self) -> list[LatentRecoveryRun]:
        """The runs of latent recovery of every row by every method, in batches of the study's size."""
        own = self.setting.latent_recovery
        size, seeds = own.training.batch_size, own.seeds
        return [run for run in self.latent_recovery_runs if run.batch_size == size and run.seed in seeds]

    def shown(self, name: str) -> list[ResultJob]:
        """Return the results that the table or figure `name` shows; raises `UserError` for an unknown one."""
        part = shown_part(name)
        if part == "latent_recovery":
            sweep = name.endswith("_batch")
            runs = sweep_runs(self.setting.latent_recovery) if sweep else self.row_runs
            return [self.latent_recovery(run) for run in runs]
        return self.by_part[part]

    def table(self, name: str) -> Job:
        """Return the job that makes the table `name`."""
        shown, keys = self._shown_by(name)
        outputs = with_record(self.paths.report.table(name))
        return Job(rule="theory_table", inputs=[*shown, MACROS], outputs=outputs, keys=keys)

    def figure(self, name: str) -> Job:
        """Return the job that draws the figure `name`."""
        shown, keys = self._shown_by(name)
        return Job(rule="theory_figure", inputs=shown, outputs=with_record(self.paths.report.figure(name)), keys=keys)

    def page(self) -> Job:
        """Return the job that renders the page."""
        report = self.paths.report
        figures = [report.figure(name)[0] for name in THEORY_FIGURES]
        results = [job.outputs[0] for job in self.results]
        return Job(
            rule="theory_page",
            inputs=[*self.tables, *figures, *results, *page_sources(THEORY_NOTEBOOK, "theory")],
            outputs=[*with_record([report.page]), report.notebooks],
            keys=self.setting.page_keys(),
        )

    def provenance(self) -> Job:
        """Return the job that renders the page of provenance.

        It alone shows circumstances, and it compares the results with the published ones that are there now.
        """
        report, published = self.paths.report, self.paths.published
        results = [job.outputs[0] for job in self.results]
        compared = [report.page, *self.tables, *published.compared(self.tables)]
        return Job(
            rule="theory_provenance",
            inputs=[*results, *compared, *page_sources(PROVENANCE_NOTEBOOK, "provenance")],
            outputs=[*with_record([report.provenance]), report.provenance_table, report.provenance_notebook],
            keys=self.setting.page_keys(),
        )

    @property
    def tables(self) -> list[Path]:
        """The CSV file of every table."""
        return [self.paths.report.table(name)[0] for name in THEORY_TABLES]

    def __iter__(self) -> Iterator[Job]:
        """Go through every job, in the order of the page."""
        yield from self.results
        yield from (self.table(name) for name in THEORY_TABLES)
        yield from (self.figure(name) for name in THEORY_FIGURES)
        yield self.page()
        yield self.provenance()

    def _result(self, rule: str, outputs: Sequence[Path], keys: Sequence[str], **about: Any) -> ResultJob:
        result = outputs[0].relative_to(self.paths.results.folder)
        return ResultJob(rule=rule, outputs=outputs, keys=keys, result=result, about=about)

    def _shown_by(self, name: str) -> tuple[list[Path], list[str]]:
        """Return the files of results and the keys that the table or figure `name` shows."""
        return [job.outputs[0] for job in self.shown(name)], self.setting.shown_keys(shown_part(name))


def jobs_of(study: Study | Setting) -> Jobs | TheoryJobs:
    """Return the jobs of a study of methods, or of one setting of the theory studies."""
    return Jobs(study) if isinstance(study, Study) else TheoryJobs(study)


def shown_part(name: str) -> str:
    """Return the part of a setting that a table or figure shows, such as `estimators.rates` or `latent_recovery`."""
    if name not in THEORY_TABLES + THEORY_FIGURES:
        raise UserError(
            f"{one_line(name)}: no such table or figure; allowed: {', '.join(THEORY_TABLES + THEORY_FIGURES)}"
        )
    shown = name.removeprefix("table_")
    if shown.startswith("estimators_"):
        return shown.replace("_", ".", 1)
    return "content_isolation" if shown == "content_style" else "latent_recovery"
