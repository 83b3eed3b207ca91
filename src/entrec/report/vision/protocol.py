"""The protocol in words and values, straight from the study file."""

import math
import re
from typing import Any

from entrec.report.table import Table
from entrec.study import Study

NO_SCORE = "no score"


def estimator(study: Study) -> str:
    """Return one sentence that says by which estimator the diagnostics are measured, and what caps or biases it."""
    diagnostics = study.diagnostics
    cap = f"log {diagnostics.samples} = {math.log(diagnostics.samples):.2f}"
    bias = {
        "resubstitution": f"by resubstitution; the bound cannot exceed {cap}",
        "leave_one_out": "leave-one-out; the bound can exceed the true information",
    }[diagnostics.estimator]
    kernel = f"Joe's with a von Mises-Fisher kernel, κ = {diagnostics.kappa:g}, on {diagnostics.samples} pairs"
    return f"Estimator: {kernel}, {bias}."


def splits(study: Study) -> Table:
    """Return what is fitted, chosen and reported on which split of the data."""
    linear, knn, transfer = study.evaluation.linear, study.evaluation.knn, study.evaluation.transfer
    rows = [
        [
            "Pretraining",
            "training split; images only, except the supervised baseline",
            "nothing during a run: it always ends after its epochs",
            NO_SCORE,
        ],
        [
            "Linear classifier",
            "training split, frozen features",
            f"L2 strength out of {text(linear.l2)}, by top-1",
            "test split, once, with the strength chosen",
        ],
        [
            "Nearest neighbours",
            "training split (votes), frozen features",
            f"nothing; {knn.neighbours} neighbours, temperature {text(knn.temperature)}",
            "test split",
        ],
    ]
    if transfer.datasets:
        tuned = f"learning rate out of {text(transfer.lr)} and weight decay out of {text(transfer.weight_decay)}"
        rows.append(
            [
                f"Fine-tuning on {', '.join(transfer.datasets)}",
                f"training split, all weights, {transfer.epochs} epochs",
                f"{tuned}, by the set’s own metric",
                "test split, once, with the pair chosen",
            ]
        )
    heads = ["Step", "Fitted on", "Chosen on the validation split", "Reported on"]
    return Table.of_rows("What is chosen on which split", [dict(zip(heads, row, strict=True)) for row in rows])


def all_settings(study: Study) -> dict[str, list[tuple[str, str]]]:
    """Return every setting that a number depends on, by title, as from `flatten`; methods have their own sections."""
    plain = study.slice(["seeds", "batch_sizes", "epochs", "network", "training", "diagnostics", "evaluation"])
    evaluation = plain.pop("evaluation")
    transfer = dict(evaluation["transfer"])
    sections = {
        "Runs": {key: plain[key] for key in ("batch_sizes", "epochs", "seeds")},
        **{title: plain[title.lower()] for title in ("Network", "Training", "Diagnostics")},
        **_views(study),
        "Linear classifier": _linear(evaluation["linear"]),
        "Nearest neighbours": evaluation["knn"],
        "View for fine-tuning": transfer.pop("view"),
        "Fine-tuning": transfer,
        **{f"Dataset {name}": spec for name, spec in study.slice(["datasets"])["datasets"].items()},
    }
    return {title: flatten(section) for title, section in sections.items()}


def flatten(value: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return (dotted key, text) of every setting; what is not set is left out."""
    leaves = []
    for key, inner in value.items():
        if isinstance(inner, dict):
            leaves += flatten(inner, f"{prefix}{key}.")
        elif inner is not None:
            leaves.append((f"{prefix}{key}", text(inner)))
    return leaves


def text(value: Any) -> str:
    """Return a setting as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return re.sub(r"e([-+])0", r"e\1", f"{value:g}")
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value)
    return str(value)


def _linear(linear: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the solver in use: `lbfgs` converges, and reads no epochs, batch size or learning rate."""
    return {key: linear[key] for key in ("solver", "l2")} if linear["solver"] == "lbfgs" else linear


def _views(study: Study) -> dict[str, dict[str, Any]]:
    plain = study.slice(["views", "local_views"])
    first, second = plain["views"]
    views = {"Both views": first} if first == second else {"First view": first, "Second view": second}
    return views | ({"Local views": plain["local_views"]} if plain["local_views"] else {})
