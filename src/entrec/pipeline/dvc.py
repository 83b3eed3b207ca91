"""DVC's stages of a study, made from the jobs that Snakemake's rules are made of.

DVC only caches and versions results. The command of a stage, `entrec stage`, leaves results that are today's as they
are and lets Snakemake make the others. Outputs are persistent: DVC would delete any other before it runs the command,
also results that nobody has recorded yet, and the files of a Snakemake that is running.
"""

import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from entrec.errors import UserError
from entrec.pipeline.dvc_views import study_views, theory_views
from entrec.pipeline.jobs import TABLES, Job, Jobs
from entrec.pipeline.theory_jobs import THEORY_FIGURES, THEORY_TABLES, TheoryJobs
from entrec.runs import Run
from entrec.sources import SOURCES
from entrec.study import Study
from entrec.theory.study import Setting

Contents = dict[str, Any]  # of a stage file
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the former, where it was built, is ten times as fast

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

    def text(self, contents: Contents) -> str:
        """Return the text of the file, which says how it was written."""
        written = f"# Written by `{self.command}`.\n"
        return written + yaml.dump(contents, Dumper=_Dumper, sort_keys=False, width=1000)

    def work(self, contents: Contents) -> dict[str, Any]:
        """Return what the study's stages in a stage file run, and for which runs, by the stages' names."""
        bodies = {name: stage.get("do", stage) for name, stage in contents["stages"].items()}
        command = f"{_literal(self._entrec('stage'))} "
        own = {name: body for name, body in bodies.items() if str(body["cmd"]).startswith(command)}
        work = {name: (body["cmd"], body.get("deps")) for name, body in own.items()}
        return work | {"vars": contents.get("vars")} if work else {}

    @property
    def command(self) -> str:
        """The command that writes the file."""
        return f"{self._entrec('dvc')} --output {shlex.quote((self.folder / 'dvc.yaml').as_posix())}"

    def _entrec(self, step: str) -> str:
        return f"python -m entrec {self.group}{step} --study {shlex.quote(self.study_file.as_posix())}{self.options}"


def stages(study: Study | Setting, study_file: Path, *, folder: Path = Path()) -> str:
    """Return the text of the `dvc.yaml` that lies in `folder`.

    It has stages for the datasets, runs, tables and the page of a study of methods, or for everything that one setting
    of the theory makes, and what DVC's own commands show of them.
    """
    file = _file_of(study, study_file, folder)
    return file.text(_contents(study, file))


def require_stages_of(study: Study | Setting, study_file: Path, *, written: Path) -> None:
    """Raise `UserError` where the stages of the study in the file `written` make other files than the study has now.

    An edit of the study, or `dvc exp run -S`, changes settings but not stages, which list every run and dataset.
    """
    file = _file_of(study, study_file, written.parent)
    there = file.work(yaml.load(written.read_text(encoding="utf-8"), Loader=_LOADER))
    if there and there != file.work(_contents(study, file)):
        raise UserError(
            f"{written}: its stages are not those of {study_file}, whose runs or datasets have changed;"
            f" edit the study file instead of using -S, and write the stages again: {file.command}"
        )


def _file_of(study: Study | Setting, study_file: Path, folder: Path) -> StageFile:
    if isinstance(study, Study):
        return StageFile(folder, study_file)
    return StageFile(folder, study_file, group="theory ", options=f" --setting {study.name}")


def _contents(study: Study | Setting, file: StageFile) -> Contents:
    return _of_methods(study, file) if isinstance(study, Study) else _of_theory(study, file)


def _of_methods(study: Study, file: StageFile) -> Contents:
    jobs = Jobs(study)
    made = {f"prepare_{name}": _preparation(jobs, file, name) for name in study.datasets}
    transfers = [jobs.transfer(EACH_RUN, name) for name in study.evaluation.transfer.datasets]
    lists = {"runs": study.runs} | ({"headline_runs": study.headline_runs} if transfers else {})
    repeated = {"pretrain": ("runs", [jobs.pretrain(EACH_RUN)])}
    if jobs.together:
        lists["other_runs"] = [run for run in study.runs if run not in jobs.together]
        repeated["evaluate"] = ("other_runs", [jobs.evaluate(EACH_RUN)])
        repeated["evaluate_and_transfer"] = ("headline_runs", [jobs.evaluate_and_transfer(EACH_RUN)])
    else:
        repeated["evaluate"] = ("runs", [jobs.evaluate(EACH_RUN)])
        repeated["transfer"] = ("headline_runs", transfers)
    made |= {
        name: {"foreach": f"${{{runs}}}", "do": file.stage(each)}
        for name, (runs, each) in repeated.items()
        if lists.get(runs)
    }
    made |= {table: file.stage([jobs.table(table)]) for table in TABLES}
    made |= {"report": file.stage([jobs.report()])}
    variables = {key: {str(run): run.method for run in runs} for key, runs in lists.items() if runs}
    return {"vars": [variables], "stages": made} | study_views(jobs, folder=file.folder)


def _of_theory(setting: Setting, file: StageFile) -> Contents:
    jobs = TheoryJobs(setting)
    made = {job.name: file.stage([job]) for job in jobs.results}
    made |= {table: file.stage([jobs.table(table)]) for table in THEORY_TABLES}
    made |= {f"figure_{figure}": file.stage([jobs.figure(figure)]) for figure in THEORY_FIGURES}
    return {"stages": made | {"report": file.stage([jobs.page()])}} | theory_views(jobs, folder=file.folder)


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
