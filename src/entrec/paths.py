"""The path of every result. Whoever writes, reads, lists or caches a result asks here.

Paths are relative to the root of the repository, where every command runs. A class describes what lies in a folder,
so that it serves the folders of a study and any folder that a command is given. Names may hold a wildcard of
Snakemake (`{run}`) or a placeholder of DVC (`${item}`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class Folder:
    """A folder with files of known names."""

    folder: Path


class Entry:
    """A file or folder that has the same name in every `Folder` of a kind."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, holder: Folder, owner: type[Folder]) -> Path:
        return holder.folder / self.name


class DatasetFolder(Folder):
    """A prepared dataset. Its images are one array, or shards of encoded images. The card is written last."""

    card = Entry("card.json")
    array = Entry("images.npy")
    shards = Entry("images")
    labels = Entry("labels.npy")
    splits = Entry("splits.npy")
    originals = Entry("originals.csv")

    @property
    def unfinished(self) -> "DatasetFolder":
        """The folder beside it in which the preparation of encoded images gathers its files."""
        return DatasetFolder(self._beside("unfinished"))

    @property
    def seen(self) -> Path:
        """The file beside it that says which original files are known to be those of the list."""
        return self._beside("seen.json")

    @property
    def changed(self) -> Path:
        """The file beside it that is newer than the dataset where the original files have changed since."""
        return self._beside("changed")

    def _beside(self, ending: str) -> Path:
        return self.folder.with_name(f".{self.folder.name}.{ending}")


class RunFolder(Folder):
    """What one pretraining leaves, its evaluations, and its checkpoints while it is not finished."""

    encoder = Entry("encoder.safetensors")
    history = Entry("history.csv")
    description = Entry("run.json")
    evaluation = Entry("evaluation.json")
    checkpoints = Entry("resume")

    def transfer(self, dataset: str) -> Path:
        """Return the path of the scores of the transfer to `dataset`."""
        return self.folder / "transfer" / f"{dataset}.json"

    @property
    def pretrained(self) -> tuple[Path, Path, Path]:
        """The three files that a pretraining writes."""
        return self.encoder, self.history, self.description


class ReportFolder(Folder):
    """The page of a study, or of one setting of the theory studies, with everything that it shows.

    The page of provenance beside it shows circumstances, with their table and its executed notebook.
    """

    page = Entry("index.html")
    provenance = Entry("provenance.html")
    provenance_table = Entry("provenance.csv")
    provenance_notebook = Entry("provenance.ipynb")
    notebooks = Entry("notebooks")
    tables = Entry("tables")
    figures = Entry("figures")

    def table(self, name: str) -> tuple[Path, Path, Path]:
        """Return the paths of the table `name` as CSV, LaTeX and HTML."""
        return table_files(self.tables, name)

    def figure(self, name: str) -> tuple[Path, Path]:
        """Return the paths of the figure `name` as SVG and of its numbers as CSV."""
        return figure_files(self.figures, name)


class PublishedFolder(Folder):
    """The published results of a study that are small enough for git: tables, provenance and digests."""

    artefacts = Entry("artefacts.csv")

    def copy_of(self, file: Path) -> Path:
        """Return the path of the published copy of a table or of the table of provenance."""
        return self.folder / file.name

    def compared(self, tables: Iterable[Path]) -> list[Path]:
        """Return the files that today's results are compared with, `tables` among them, as far as they are there."""
        return [path for path in (self.artefacts, *map(self.copy_of, tables)) if path.is_file()]


class LogFolder(Folder):
    """What the jobs of a study print, what Snakemake measures of them, and the path of the study file they are of."""

    study_file = Entry("study_file")

    def log(self, *job: str) -> Path:
        """Return the path of what a job prints; `job` is its step and its name, or just the step if there is one."""
        return self._file(*job, kind="log")

    def benchmark(self, *job: str) -> Path:
        """Return the path of the time and memory that a job took."""
        return self._file(*job, kind="tsv")

    def _file(self, *job: str, kind: str) -> Path:
        *step, name = job
        return self.folder.joinpath(*step, f"{name}.{kind}")


@dataclass(frozen=True)
class Paths:
    """The folders of what is called `name`, in those of its `kind`."""

    name: str
    kind: ClassVar[str] = ""

    @property
    def report(self) -> ReportFolder:
        """The folder of the page, its tables and its figures."""
        return ReportFolder(Path("reports", self.kind, self.name))

    @property
    def published(self) -> PublishedFolder:
        """The folder of what is published of it."""
        return PublishedFolder(Path("reports", "published", self.kind, self.name))

    @property
    def logs(self) -> LogFolder:
        """The folder of what the jobs print."""
        return LogFolder(Path("logs", self.kind, self.name))


class StudyPaths(Paths):
    """The folders of one study of methods."""

    @property
    def data(self) -> Path:
        """The folder of the prepared datasets."""
        return Path("data", self.name)

    @property
    def results(self) -> Path:
        """The folder of the runs."""
        return Path("results", self.name)

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders that hold nothing but what studies write."""
        return tuple(folder.parent for folder in (self.results, self.report.folder, self.logs.folder))

    def dataset(self, name: str) -> DatasetFolder:
        """Return the folder of the prepared dataset `name`."""
        return DatasetFolder(self.data / name)

    def run(self, run: object) -> RunFolder:
        """Return the folder of `run`, a `Run` or the name of one."""
        return run_folder(self.results, run)

    def command(self, target: Path) -> str:
        """Return the command that makes `target`, a file of the study."""
        return f"snakemake {target} --configfile params/{self.name}.yaml"


class IdentifiabilityFolder(Folder):
    """What one run of a theory study leaves, and its checkpoints while it is not finished."""

    result = Entry("run.json")
    encoder = Entry("encoder.safetensors")
    process = Entry("process.safetensors")
    checkpoints = Entry("resume")

    @property
    def trained(self) -> tuple[Path, Path, Path]:
        """The three files that a run writes."""
        return self.result, self.encoder, self.process


class TheoryResults(Folder):
    """The results of one setting of the theory studies."""

    def gaussian(self, bound: str, seed: object) -> Path:
        """Return the path of the estimates of one bound of mutual information."""
        return self.folder / "gaussian" / f"{bound}-s{seed}.json"

    def sphere(self, dimension: object) -> Path:
        """Return the path of the estimates in one dimension of the sphere."""
        return self.folder / "sphere" / f"d{dimension}.json"

    def rates(self, case: str) -> Path:
        """Return the path of the rate of convergence of one entropy estimate."""
        return self.folder / "rates" / f"{case}.json"

    def latent_recovery(self, run: object) -> IdentifiabilityFolder:
        """Return the folder of a run of latent recovery, given the run or its name."""
        return IdentifiabilityFolder(self.folder / "latent_recovery" / str(run))

    def content_isolation(self, run: object) -> IdentifiabilityFolder:
        """Return the folder of a run of content isolation, given the run or its name."""
        return IdentifiabilityFolder(self.folder / "content_isolation" / str(run))


class TheoryPaths(Paths):
    """The folders of one setting of the theory studies, `quick` or `full`."""

    kind = "theory"

    @property
    def results(self) -> TheoryResults:
        """The folder of the results."""
        return TheoryResults(Path("results", self.kind, self.name))


def run_folder(results: Path, run: object) -> RunFolder:
    """Return the folder of `run`, a `Run` or the name of one, among `results`, the runs of one study."""
    return RunFolder(results / str(run))


def table_files(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """Return the paths in `folder` of the table `name` as CSV, LaTeX and HTML."""
    csv, tex, html = (folder / f"{name}.{kind}" for kind in ("csv", "tex", "html"))
    return csv, tex, html


def figure_files(folder: Path, name: str) -> tuple[Path, Path]:
    """Return the paths in `folder` of the figure `name` as SVG and of its numbers as CSV."""
    return folder / f"{name}.svg", folder / f"{name}.csv"


def circumstances_of(path: Path) -> Path:
    """Return the path of the circumstances of a result, given that of the result."""
    return path.with_name(f"{path.stem}.circumstances.json")


def record_of(path: Path) -> Path:
    """Return the path of the record of a table, a figure or a page, given its first file."""
    return path.with_suffix(".json")


def with_record(files: Iterable[Path]) -> tuple[Path, ...]:
    """Return the `files` of a table or a figure, and the record that is written after them."""
    first, *others = files
    return first, *others, record_of(first)
