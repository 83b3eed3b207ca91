"""The published values of `published.yaml`, beside the rows of a study that have the same set-up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from entrec.report.theory.names import LATENTS
from entrec.theory.settings.identifiability import ContentIsolationRow, Density, LatentRecoveryRow
from entrec.yaml_reader import read_yaml

PUBLISHED = Path(__file__).with_name("published.yaml")
COLUMNS = ("identity", "supervised", "unsupervised")


def published_latents(score: Literal["r2", "mcc"], rows: Mapping[str, LatentRecoveryRow]) -> dict[str, dict[str, str]]:
    """Return what Zimmermann et al. report of `score`, in percent, as texts by row and by one of COLUMNS."""
    found = {}
    for entry in read_yaml(PUBLISHED)["latent_recovery"][score]:
        density = Density(**entry["density"])
        setup = (entry["space"], density, density, entry["output"])
        for name, row in rows.items():
            if (row.space, row.conditional, row.model, row.output) == setup:
                found[name] = {column: f"{mean:.2f} ± {sd:.2f}" for column, (mean, sd) in entry["percent"].items()}
    return found


def published_content(rows: Mapping[str, ContentIsolationRow]) -> dict[tuple[str, str], str]:
    """Return what von Kuegelgen et al. report, as texts by row and by `content` or `style`."""
    found = {}
    for entry in read_yaml(PUBLISHED)["content_isolation"]:
        setup = ContentIsolationRow(**entry["row"])
        for name in (name for name, row in rows.items() if row == setup):
            for latents in LATENTS:
                ridge, sd, linear = entry[latents]
                found[name, latents] = f"{ridge:.2f} ± {sd:.2f} ({linear:.2f})"
    return found
