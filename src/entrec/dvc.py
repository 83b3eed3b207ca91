"""DVC's stages of a study, made from the same functions that Snakemake's rules use.

DVC only caches and versions: each stage's command is the Snakemake target that makes its outputs.
Without `--allowed-rules` a newer input would make one stage rebuild those before it.
"""

import os
from pathlib import Path
from typing import Any

import yaml

from entrec.params import Study, evaluate_keys, prepare_keys, pretrain_keys, table_keys, transfer_keys
from entrec.report.needs import TABLES, needed

PRETRAINED = ("encoder.safetensors", "history.csv", "run.json")


def stages(study: Study, study_file: Path, *, folder: Path = Path()) -> str:
    """Text of the `dvc.yaml` that lies in `folder`: stages over datasets, runs and tables."""
    data, results, tables = f"data/{study.name}", f"results/{study.name}", f"reports/{study.name}/tables"
    runs, main_runs = [str(run) for run in study.runs], [str(run) for run in study.main_runs]
    sets = study.evaluation.transfer.datasets

    def stage(rule: str, targets: list[str], keys: list[str], deps: list[str], outs: list[str]) -> dict[str, Any]:
        command = f"snakemake --configfile {study_file.as_posix()} --allowed-rules {rule} -- {' '.join(targets)}"
        root = os.path.relpath(".", folder)
        place = {} if root == "." else {"wdir": root}
        return {"cmd": command, **place, "deps": deps, "params": [{study_file.as_posix(): keys}], "outs": outs}

    folders = {
        "prepare": {
            "foreach": list(study.datasets),
            "do": stage("prepare", [f"{data}/${{item}}/card.json"], prepare_keys("${item}"), [], [f"{data}/${{item}}"]),
        },
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
            "foreach": main_runs,
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
    command = f"python -m entrec dvc --study {study_file.as_posix()} --output {(folder / 'dvc.yaml').as_posix()}"
    return f"# Written by `{command}`.\n" + yaml.safe_dump({"stages": folders | made}, sort_keys=False, width=1000)
