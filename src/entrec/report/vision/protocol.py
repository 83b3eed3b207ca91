"""The protocol in words and values, straight from the study file."""

import re
from typing import Any

from markupsafe import Markup, escape

from entrec.report.markup import grid, joined
from entrec.study import Study

NO_SCORE = "no score"


def splits(study: Study) -> Markup:
    """What is fitted, chosen and reported on which part of the data."""
    linear, knn, transfer = study.evaluation.linear, study.evaluation.knn, study.evaluation.transfer
    rows = [
        [
            "Pretraining",
            "training part; images only, except the supervised baseline",
            "nothing during a run: it always ends after its epochs",
            NO_SCORE,
        ],
        [
            "Linear classifier",
            "training part, frozen features",
            f"L2 strength out of {text(linear.l2)}, by top-1",
            "test part, once, with the strength chosen",
        ],
        [
            "Nearest neighbours",
            "training part votes, frozen features",
            f"nothing; {knn.neighbours} neighbours, temperature {text(knn.temperature)}",
            "test part",
        ],
    ]
    if transfer.datasets:
        rows.append(
            [
                f"Fine-tuning on {', '.join(transfer.datasets)}",
                f"training part, all weights, {transfer.epochs} epochs",
                f"learning rate out of {text(transfer.lr)} and weight decay out of {text(transfer.weight_decay)}, "
                "by the set’s own metric",
                "test part, once, with the pair chosen",
            ]
        )
    head = ["Step", "Fitted on", "Chosen on the validation part", "Reported on"]
    return grid(head, rows, label="What is chosen on which split", numbers=False)


def hyper_parameters(study: Study) -> Markup:
    """Every setting of the study file that a number depends on, under its own key; methods have their own sections."""
    plain = study.slice(["seeds", "batch_sizes", "epochs", "network", "training", "diagnostics", "evaluation"])
    evaluation = plain.pop("evaluation")
    transfer = dict(evaluation["transfer"])
    sections = {
        "Runs": {key: plain[key] for key in ("batch_sizes", "epochs", "seeds")},
        **{title: plain[title.lower()] for title in ("Network", "Training", "Diagnostics")},
        **_views(study),
        "Linear classifier": _linear(study),
        "Nearest neighbours": evaluation["knn"],
        "View for fine-tuning": transfer.pop("view"),
        "Fine-tuning": transfer,
        **{f"Dataset {name}": spec for name, spec in study.slice(["datasets"])["datasets"].items()},
    }
    tables = joined(settings_table(title, settings) for title, settings in sections.items())
    return Markup('<div class="settings">\n{}\n</div>').format(tables)


def settings_table(title: str, settings: dict[str, Any]) -> Markup:
    """A row for each setting, under its dotted key."""
    rows = joined(
        Markup("<tr><th scope='row'>{}</th><td>{}</td></tr>").format(_breakable(key), value)
        for key, value in flatten(settings)
    )
    return Markup("<table><caption>{}</caption>\n{}\n</table>").format(title, rows)


def flatten(value: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """(dotted key, text) of every setting; what is not set is left out."""
    leaves = []
    for key, inner in value.items():
        if isinstance(inner, dict):
            leaves += flatten(inner, f"{prefix}{key}.")
        elif inner is not None:
            leaves.append((f"{prefix}{key}", text(inner)))
    return leaves


def _linear(study: Study) -> dict[str, Any]:
    """Of the solver that is used: `lbfgs` runs to convergence and reads no epochs, batch size or learning rate."""
    settings = study.slice(["evaluation.linear"])["evaluation.linear"]
    return {key: settings[key] for key in ("solver", "l2")} if settings["solver"] == "lbfgs" else settings


def _views(study: Study) -> dict[str, dict[str, Any]]:
    plain = study.slice(["views", "local_views"])
    first, second = plain["views"]
    views = {"Both views": first} if first == second else {"First view": first, "Second view": second}
    return views | ({"Local views": plain["local_views"]} if plain["local_views"] else {})


def text(value: Any) -> str:
    """A setting as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return re.sub(r"e([-+])0", r"e\1", f"{value:g}")
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value)
    return str(value)


def _breakable(key: str) -> Markup:
    """`key` with leave to break a line after its dots and underscores, and only there."""
    return escape(key).replace("_", Markup("_<wbr>")).replace(".", Markup(".<wbr>"))
