"""DVC's stages of a study, made from the same functions that Snakemake's rules use.

DVC only caches and versions: each stage's command is the Snakemake target that makes its outputs.
Without `--allowed-rules` a newer input would make one stage rebuild those before it.
"""

import os
from pathlib import Path
from typing import Any

import yaml

from entrec.pipeline.inputs import TABLES, needed
from entrec.pipeline.theory_inputs import THEORY_TABLES, shown_part, theory_needed
from entrec.study import Study, evaluate_keys, prepare_keys, pretrain_keys, table_keys, transfer_keys
from entrec.theory.registry import BOUNDS
from entrec.theory.runs import content_isolation_runs, latent_recovery_runs
from entrec.theory.study import Setting

PRETRAINED = ("encoder.safetensors", "history.csv", "run.json")
RECOVERED = ("run.json", "encoder.safetensors", "process.safetensors")


def stages(study: Study, study_file: Path, *, folder: Path = Path()) -> str:
    """Text of the `dvc.yaml` that lies in `folder`: stages over datasets, runs and tables."""
    data, results, tables = f"data/{study.name}", f"results/{study.name}", f"reports/{study.name}/tables"
    runs, headline_runs = [str(run) for run in study.runs], [str(run) for run in study.headline_runs]
    sets = study.evaluation.transfer.datasets

    def stage(rule: str, targets: list[str], keys: list[str], deps: list[str], outs: list[str]) -> dict[str, Any]:
        return _stage(study_file, folder, rule, targets, keys, deps, outs, named=True)

    def prepared(rule: str, names: list[str]) -> dict[str, Any]:
        made = stage(rule, [f"{data}/${{item}}/card.json"], prepare_keys("${item}"), [], [f"{data}/${{item}}"])
        return {rule: {"foreach": names, "do": made}} if names else {}

    folders = {
        **prepared("prepare", [name for name, dataset in study.datasets.items() if not dataset.encoded]),
        **prepared("prepare_encoded", [name for name, dataset in study.datasets.items() if dataset.encoded]),
        "pretrain": {
            "foreach": {str(run): run.method for run in study.runs},
            "do": stage(
                "pretrain",
                [f"{results}/${{key}}/{PRETRAINED[0]}"],
                pretrain_keys(study, "${item}"),
                [f"{data}/{study.dataset}"],
                [f"{results}/${{key}}/{name}" for name in PRETRAINED],
            ),
        },
        "evaluate": {
            "foreach": runs,
            "do": stage(
                "evaluate",
                [f"{results}/${{item}}/evaluation.json"],
                evaluate_keys(),
                [f"{data}/{study.dataset}", f"{results}/${{item}}/{PRETRAINED[0]}"],
                [f"{results}/${{item}}/evaluation.json"],
            ),
        },
        "transfer": {
            "foreach": headline_runs,
            "do": stage(
                "transfer",
                [f"{results}/${{item}}/transfer/{name}.json" for name in sets],
                list(dict.fromkeys(key for name in sets for key in transfer_keys(name))),
                [*(f"{data}/{name}" for name in sets), f"{results}/${{item}}/{PRETRAINED[0]}"],
                [f"{results}/${{item}}/transfer/{name}.json" for name in sets],
            ),
        },
    }
    made = {
        name: stage(
            "table",
            [f"{tables}/{name}.csv"],
            table_keys(),
            [f"{results}/{path}" for path in needed(study, name)],
            [f"{tables}/{name}.{kind}" for kind in ("csv", "tex", "html")],
        )
        for name in TABLES
    }
    if not sets:
        del folders["transfer"]
    return _text(f"dvc --study {study_file.as_posix()}", folders | made, folder)


def theory_stages(setting: Setting, study_file: Path, *, folder: Path) -> str:
    """Text of the `dvc.yaml` that lies in `folder`: stages over the results and tables of one setting."""
    results, tables = f"results/theory/{setting}", f"reports/theory/{setting}/tables"
    gaussian = setting.estimators.gaussian
    # rule and keys of every result
    single = {
        **{f"gaussian/{b}-s{seed}": ("gaussian", setting.gaussian_keys(b)) for b in BOUNDS for seed in gaussian.seeds},
        **{f"sphere/d{d}": ("sphere", setting.sphere_keys(d)) for d in setting.estimators.sphere.kappa},
        **{f"rates/{case}": ("rates", setting.rates_keys(case)) for case in setting.estimators.rates.cases},
    }
    runs = {
        **{
            f"latent_recovery/{r}": ("latent_recovery", setting.latent_recovery_keys(r.row))
            for r in latent_recovery_runs(setting.latent_recovery)
        },
        **{
            f"content_isolation/{r}": ("content_isolation", setting.content_isolation_keys(r.row))
            for r in content_isolation_runs(setting.content_isolation)
        },
    }

    def stage(rule: str, keys: list[str], deps: list[str], outs: list[str]) -> dict[str, Any]:
        return _stage(study_file, folder, f"theory_{rule}", outs[:1], keys, deps, outs, named=False)

    made = {_name(path): stage(rule, keys, [], [f"{results}/{path}.json"]) for path, (rule, keys) in single.items()}
    made |= {
        _name(path): stage(rule, keys, [], [f"{results}/{path}/{file}" for file in RECOVERED])
        for path, (rule, keys) in runs.items()
    }
    made |= {
        table: stage(
            "table",
            setting.shown_keys(shown_part(table)),
            [f"{results}/{path}" for path in theory_needed(setting, table)],
            [f"{tables}/{table}.{kind}" for kind in ("csv", "tex", "html")],
        )
        for table in THEORY_TABLES
    }
    return _text(f"theory dvc --study {study_file.as_posix()} --setting {setting}", made, folder)


def _stage(
    study_file: Path, folder: Path, rule: str, targets: list[str], keys: list[str], deps: list[str], outs: list[str],
    *, named: bool,
) -> dict[str, Any]:  # fmt: skip
    """`named`: the command names the study, as all but the theory's do."""
    study = f" --configfile {study_file.as_posix()}" if named else ""
    command = f"snakemake{study} --allowed-rules {rule} -- {' '.join(targets)}"
    root = os.path.relpath(".", folder)
    place = {} if root == "." else {"wdir": root}
    return {"cmd": command, **place, "deps": deps, "params": [{study_file.as_posix(): keys}], "outs": outs}


def _name(path: str) -> str:
    """DVC takes no slash in a stage's name."""
    return path.replace("/", "-")


def _text(command: str, made: dict[str, Any], folder: Path) -> str:
    written = f"python -m entrec {command} --output {(folder / 'dvc.yaml').as_posix()}"
    return f"# Written by `{written}`.\n" + yaml.safe_dump({"stages": made}, sort_keys=False, width=1000)
