"""DVC's stages of a study, made from the jobs that Snakemake's rules are made of.

DVC only caches and versions results. The command of a stage, `entrec stage`, leaves results that are today's as they
are and lets Snakemake make the others. Outputs are persistent: DVC would delete any other before it runs the command,
also results that nobody has recorded yet, and the files of a Snakemake that is running.
"""

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from entrec.pipeline.jobs import TABLES, Job, Jobs
from entrec.pipeline.theory_jobs import THEORY_FIGURES, THEORY_TABLES, TheoryJobs
from entrec.runs import Run
from entrec.sources import SOURCES
from entrec.study import Study
from entrec.theory.study import Setting

LINE = 100  # characters of a list that stands on one line of the file


class EachRun(Run):
    """Stands for every run of a mapping in `vars`: the keys are the runs' names and the values are their methods."""

    def __str__(self) -> str:
        return "${key}"


EACH_RUN = EachRun(method="${item}", batch_size=0, epochs=0, seed=0)


@dataclass(frozen=True)
class StageFile:
    """The file `folder`/dvc.yaml, whose stages depend on settings of `study_file`.

    The commands of entrec that write the file and run a stage stand in the command group `group`, and take `options`
    beside the study file.
    """

    folder: Path
    study_file: Path
    group: str = ""
    options: str = ""

    def stage(self, jobs: Sequence[Job], *, cached: bool = True) -> dict[str, Any]:
        """Return one stage for `jobs`, which have the same rule.

        Of outputs that are not `cached`, DVC keeps the digests alone: neither its cache nor a remote gets the files.
        """
        targets = " ".join(str(job.outputs[0]) for job in jobs)
        root = os.path.relpath(".", self.folder)
        flags = {"persist": True} | ({} if cached else {"cache": False})
        return {
            "cmd": f"{_literal(self._entrec('stage'))} {targets}",
            **({} if root == "." else {"wdir": root}),
            "deps": _unique(_dependency(job, path) for job in jobs for path in job.inputs),
            "params": [{_literal(self.study_file.as_posix()): _unique(key for job in jobs for key in job.keys)}],
            "outs": [{path: dict(flags)} for path in _unique(_cached(p) for job in jobs for p in job.outputs)],
        }

    def text(self, stages: Mapping[str, Any], variables: Mapping[str, Any] | None = None) -> str:
        """Return what stands in the file."""
        file = shlex.quote((self.folder / "dvc.yaml").as_posix())
        written = f"# Written by `{self._entrec('dvc')} --output {file}`.\n"
        contents = ({"vars": [variables]} if variables else {}) | {"stages": stages}
        return written + yaml.dump(contents, Dumper=_Dumper, sort_keys=False, width=1000)

    def _entrec(self, step: str) -> str:
        return f"python -m entrec {self.group}{step} --study {shlex.quote(self.study_file.as_posix())}{self.options}"


def stages(study: Study, study_file: Path, *, folder: Path = Path()) -> str:
    """Return the text of the `dvc.yaml` that lies in `folder`: stages for datasets, runs, tables and the page."""
    jobs, file = Jobs(study), StageFile(folder, study_file)
    made = {f"prepare_{name}": _preparation(jobs, file, name) for name in study.datasets}
    transfers = [jobs.transfer(EACH_RUN, name) for name in study.evaluation.transfer.datasets]
    repeated = {
        "pretrain": ("${runs}", [jobs.pretrain(EACH_RUN)]),
        "evaluate": ("${runs}", [jobs.evaluate(EACH_RUN)]),
        "transfer": ("${headline_runs}", transfers),
    }
    made |= {name: {"foreach": items, "do": file.stage(each)} for name, (items, each) in repeated.items() if each}
    made |= {table: file.stage([jobs.table(table)]) for table in TABLES}
    made |= {"report": file.stage([jobs.report()])}
    lists = {"runs": study.runs} | ({"headline_runs": study.headline_runs} if transfers else {})
    return file.text(made, {key: {str(run): run.method for run in runs} for key, runs in lists.items()})


def theory_stages(setting: Setting, study_file: Path, *, folder: Path) -> str:
    """Return the text of the `dvc.yaml` that lies in `folder`: stages of everything that one setting makes."""
    jobs = TheoryJobs(setting)
    file = StageFile(folder, study_file, group="theory ", options=f" --setting {setting.name}")
    made = {job.name: file.stage([job]) for job in jobs.results}
    made |= {table: file.stage([jobs.table(table)]) for table in THEORY_TABLES}
    made |= {f"figure_{figure}": file.stage([jobs.figure(figure)]) for figure in THEORY_FIGURES}
    return file.text(made | {"report": file.stage([jobs.page()])})


def _preparation(jobs: Jobs, file: StageFile, name: str) -> dict[str, Any]:
    """Return the stage of a dataset. DVC keeps copies only of images whose terms allow that a remote has them."""
    spec = jobs.study.datasets[name]
    return file.stage([jobs.prepare(name, encoded=spec.encoded)], cached=SOURCES[spec.source].may_be_passed_on)


def _dependency(job: Job, path: Path) -> str:
    """Return what DVC watches for the input `path` of a job: all files of a folder of original files."""
    return _literal(str(path)) if job.rule.startswith("prepare") else _cached(path)


def _cached(path: Path) -> str:
    """Return what DVC caches for `path`: a prepared dataset is one folder, everything else is cached file by file."""
    return str(path.parent if path.parts[0] == "data" else path)


def _literal(text: str) -> str:
    """Return `text` so that DVC takes it as it is: it would fill in `${…}`, which a path of the user's may contain."""
    return text.replace("${", r"\${")


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


class _Dumper(yaml.SafeDumper):
    """Writes a short list of texts, and the flags of an output, on one line."""


def _write_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    short = all(isinstance(item, str) for item in items) and sum(len(item) + 2 for item in items) <= LINE
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


def _write_mapping(dumper: yaml.SafeDumper, items: dict[str, Any]) -> yaml.MappingNode:
    flags = all(isinstance(value, bool) for value in items.values())
    return dumper.represent_mapping("tag:yaml.org,2002:map", items.items(), flow_style=flags)


_Dumper.add_representer(list, _write_list)
_Dumper.add_representer(dict, _write_mapping)
