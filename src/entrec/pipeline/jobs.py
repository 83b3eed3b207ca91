"""The jobs of a study of methods: what each reads, what it writes, and the settings that it depends on.

Snakemake's rules, DVC's stages, the plan and the report all ask here. This module imports neither pandas nor torch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from entrec.errors import UserError, one_line
from entrec.methods.registry import METHODS
from entrec.paths import StudyPaths, with_record
from entrec.runs import Run
from entrec.study import (
    Step,
    Study,
    evaluate_keys,
    prepare_keys,
    pretrain_keys,
    report_keys,
    table_keys,
    transfer_keys,
)

TABLES = ("table_1", "table_2", "table_transfer", "table_knn", "table_information", "table_methods")
TEMPLATES = Path("reports/templates")
MACROS = TEMPLATES / "macros.html.j2"  # what the HTML of every table, figure and claim is made of


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of the rule `rule`.

    It reads the files `inputs` and the settings under the dotted keys `keys`, and writes `outputs`. Circumstances that
    it writes beside a result are no output: they differ between two computations of the same bits, so that nothing may
    depend on them, neither a rule of Snakemake nor `dvc status`.
    """

    rule: str
    inputs: Sequence[Path] = ()
    outputs: Sequence[Path] = ()
    keys: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class StudyJob(Job):
    """One job of a study of methods, on `devices` GPUs, or on threads where the study asks for no GPU.

    `parts` are the jobs that one process does one after the other, where it does several.
    """

    devices: int
    run: Run | None = None
    dataset: str | None = None
    parts: Sequence["StudyJob"] = ()

    @property
    def each(self) -> Sequence["StudyJob"]:
        """The parts of the job, or the job itself where it has none."""
        return self.parts or [self]


@dataclass(frozen=True)
class Jobs:
    """The jobs of one study. A run or a dataset may be a placeholder that DVC fills in."""

    study: Study

    @property
    def paths(self) -> StudyPaths:
        """The paths of the study's results."""
        return StudyPaths(self.study.name)

    def datasets(self, *, encoded: bool) -> list[str]:
        """Return the names of the datasets whose images stay encoded, or of those that become one array."""
        return [name for name, dataset in self.study.datasets.items() if dataset.encoded == encoded]

    def prepare(self, dataset: str, *, encoded: bool) -> StudyJob:
        """Return the job that prepares a dataset: `encoded` images stay as they are, others become one array."""
        folder = self.paths.dataset(dataset)
        return StudyJob(
            rule="prepare_encoded" if encoded else "prepare",
            inputs=self.originals(dataset),
            outputs=[folder.card, folder.shards if encoded else folder.array, folder.labels, folder.splits],
            keys=prepare_keys(dataset),
            devices=self._devices("prepare"),
            dataset=dataset,
        )

    def originals(self, dataset: str) -> list[Path]:
        """Return the folder of the original files. Snakemake watches it through a file (`watched_originals`)."""
        spec = self.study.datasets.get(dataset)
        return [] if spec is None or spec.path is None else [Path(spec.path)]

    def pretrain(self, run: Run) -> StudyJob:
        """Return the job that trains `run`."""
        return StudyJob(
            rule="pretrain",
            inputs=[self.paths.dataset(self.study.dataset).card],
            outputs=self.paths.run(run).pretrained,
            keys=pretrain_keys(self.study, run.method),
            devices=self._devices("pretrain"),
            run=run,
        )

    def evaluate(self, run: Run) -> StudyJob:
        """Return the job of the linear and nearest-neighbour evaluation of `run`."""
        folder, dataset = self.paths.run(run), self.study.dataset
        return StudyJob(
            rule="evaluate",
            inputs=[self.paths.dataset(dataset).card, folder.encoder, folder.description],
            outputs=[folder.evaluation],
            keys=evaluate_keys(),
            devices=self._devices("evaluate"),
            run=run,
            dataset=dataset,
        )

    def transfer(self, run: Run, dataset: str) -> StudyJob:
        """Return the job that fine-tunes the encoder of `run` on `dataset`."""
        folder = self.paths.run(run)
        return StudyJob(
            rule="transfer",
            inputs=[self.paths.dataset(dataset).card, folder.encoder, folder.description],
            outputs=[folder.transfer(dataset)],
            keys=transfer_keys(dataset),
            devices=self._devices("transfer"),
            run=run,
            dataset=dataset,
        )

    def evaluate_and_transfer(self, run: Run) -> StudyJob:
        """Return the job that evaluates `run` and transfers it to every dataset, in one process."""
        transfers = [self.transfer(run, name) for name in self.study.evaluation.transfer.datasets]
        parts = [self.evaluate(run), *transfers]
        return StudyJob(
            rule="evaluate_and_transfer",
            inputs=list(dict.fromkeys(path for part in parts for path in part.inputs)),
            outputs=[path for part in parts for path in part.outputs],
            keys=list(dict.fromkeys(key for part in parts for key in part.keys)),
            devices=self._devices("evaluate"),
            run=run,
            parts=parts,
        )

    @property
    def together(self) -> list[Run]:
        """The runs that one job each evaluates and transfers."""
        study = self.study
        return study.headline_runs if study.evaluation.transfer.datasets and not study.transfers_apart else []

    def table(self, name: str) -> StudyJob:
        """Return the job that makes the table `name`; raises `UserError` for an unknown one."""
        shown = [path for run in runs_of(self.study, name) for path in self._shown(run, name)]
        return StudyJob(
            rule="table",
            inputs=[*shown, MACROS],
            outputs=with_record(self.paths.report.table(name)),
            keys=table_keys(),
            devices=self._devices("tables"),
        )

    def report(self) -> StudyJob:
        """Return the job that renders the page."""
        report = self.paths.report
        cards = [self.paths.dataset(name).card for name in self.study.datasets]
        return StudyJob(
            rule="report",
            inputs=[*self.tables, *self.results, *cards, *page_sources("results", "index")],
            outputs=[*with_record([report.page]), report.figures, report.notebooks],
            keys=report_keys(),
            devices=self._devices("report"),
        )

    def provenance(self) -> StudyJob:
        """Return the job that renders the page of provenance.

        It alone shows circumstances, and it compares the results with the published ones that are there now.
        """
        report, published = self.paths.report, self.paths.published
        cards = [self.paths.dataset(name).card for name in self.study.datasets]
        compared = [report.page, *self.tables, *published.compared(self.tables)]
        return StudyJob(
            rule="provenance",
            inputs=[*self.results, *cards, *compared, *page_sources("provenance", "provenance")],
            outputs=[*with_record([report.provenance]), report.provenance_table, report.provenance_notebook],
            keys=report_keys(),
            devices=self._devices("report"),
        )

    def all(self) -> StudyJob:
        """Return the target of everything: both pages, every table and every result."""
        pages = [self.paths.report.page, self.paths.report.provenance]
        return StudyJob(rule="all", inputs=[*pages, *self.tables, *self.results], devices=0)

    @property
    def tables(self) -> list[Path]:
        """The CSV file of every table."""
        return [self.paths.report.table(name)[0] for name in TABLES]

    @property
    def results(self) -> list[Path]:
        """Every result of every run, step by step."""
        return [path for job in self._of_runs() for path in job.outputs]

    def __iter__(self) -> Iterator[StudyJob]:
        """Go through every job, in the order of the steps."""
        yield from self._computing()
        yield from (self.table(name) for name in TABLES)
        yield from (self.report(), self.provenance(), self.all())

    def _computing(self) -> Iterator[StudyJob]:
        together = self.together
        yield from (self.prepare(name, encoded=spec.encoded) for name, spec in self.study.datasets.items())
        yield from (job for job in self._of_runs() if job.rule == "pretrain" or job.run not in together)
        yield from map(self.evaluate_and_transfer, together)

    def _of_runs(self) -> Iterator[StudyJob]:
        """Go through what is done with the runs, step by step, also where one job does several of these."""
        study, transfers = self.study, self.study.evaluation.transfer.datasets
        yield from (self.pretrain(run) for run in study.runs)
        yield from (self.evaluate(run) for run in study.runs)
        yield from (self.transfer(run, name) for run in study.headline_runs for name in transfers)

    def _shown(self, run: Run, table: str) -> list[Path]:
        """Return the files of `run` that the table shows, and `run.json`, which says that they belong together."""
        folder = self.paths.run(run)
        shown = {
            "table_transfer": [folder.transfer(name) for name in self.study.evaluation.transfer.datasets],
            "table_information": [folder.history],
            "table_methods": [folder.history, folder.evaluation],
        }.get(table, [folder.evaluation])
        return [*shown, folder.description] if shown else []

    def _devices(self, step: Step) -> int:
        asked, on_gpus = self.study.asked(step), self.study.asked("pretrain").gpus > 0
        return (asked.gpus if on_gpus else asked.threads) * asked.nodes


def runs_of(study: Study, table: str) -> list[Run]:
    """Return the runs that `table` shows, in the study's order; raises `UserError` for an unknown table."""
    batch_size, epochs = study.headline
    if table == "table_1":
        return [run for run in study.runs if run.epochs == epochs]
    if table == "table_2":
        return [run for run in study.runs if run.batch_size == batch_size]
    if table in ("table_information", "table_methods"):
        return [run for run in study.headline_runs if not METHODS[run.method].baseline]
    if table in TABLES:
        return study.headline_runs
    raise UserError(f"{one_line(table)}: no such table; allowed: {', '.join(TABLES)}")


def page_sources(notebook: str, template: str) -> list[Path]:
    """Return the notebook and the templates that a page is rendered from."""
    templates = [TEMPLATES / name for name in ("base.html.j2", f"{template}.html.j2", "style.css")]
    return [Path("reports/notebooks", f"{notebook}.ipynb"), *templates, MACROS]
