"""The rules that claims C2 and C3 are judged by, beside the sentences that state them on the page.

What a small study does not reach is not held against the bound: a case decides only where its own objective, or one
that the theory was proved for, gets there with the same network and the same steps.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from entrec.report.claims import Status, Verdict
from entrec.report.mean_sd import MeanSD
from entrec.report.theory.identifiability_names import (
    content_isolation_title,
    full_title,
    representation_name,
    steps_of,
)
from entrec.report.theory.names import quantity
from entrec.report.theory.verdicts import ruled
from entrec.theory.identifiability.settings import ContentIsolation, LatentRecovery, LatentRecoveryRow

Reading = Literal["holds", "fails", "not reached"]
FORMS = ("entrec_resubstitution", "entrec_leave_one_out")
SHARE = 0.9  # of the way from the untrained to the supervised encoder
POINT = 0.01  # of R2: what is too little to be learnt
CONTENT = 0.95  # R2 of content that counts as all of it; what is published is 0.98 and more
LEAK = 0.05  # of R2 of style: what kernel ridge finds by chance, or a small network leaves
PROVED = ("info_nce", "align_entropy")  # objectives of von Kuegelgen et al.


@dataclass(frozen=True)
class Case:
    """One row and method, and how the rule reads it."""

    row: str
    method: str
    reading: Reading


def conditions_hold(row: LatentRecoveryRow) -> bool:
    """Whether a row is one that the theorems speak of: even latents, their own space, their own density."""
    return row.space != "unbounded" and row.output == row.space and row.model == row.conditional


def latents_rule() -> str:
    """How C2 is judged."""
    return (
        "in the rows whose latents are even on the sphere or in the box and whose objective has their space and "
        f"density, both forms of EntRec, mean over seeds, go at least {100 * SHARE:.0f} % of the way in held-out R² "
        "from the untrained to the supervised encoder. A form that does not, where the other form or InfoNCE does, "
        "contradicts it; where none of the three does, or the supervised encoder is no more than "
        f"{100 * POINT:.0f} point above the untrained one, the case is not reached and decides nothing. At least half "
        "of the cases must hold. In the box EntRec’s density is not cut off at the walls as the pairs’ is, so its "
        "bound is not tight there. The other rows are shown and not judged, and so are correlations, since the claim "
        "allows any affine map."
    )


def content_rule() -> str:
    """How C3 is judged."""
    return (
        "in every setting of dependence, what EntRecCont encodes, mean over seeds, tells content with an R² (kernel "
        f"ridge) of at least {CONTENT:g}, and tells style no better than content itself does with the same seed: by at "
        f"most {LEAK:g} in the mean, and {2 * LEAK:g} with any seed. Where that fails for EntRecCont and for the two "
        "objectives of the theory’s own paper, InfoNCE and alignment with entropy, the setting is not reached and "
        "decides nothing; at least half must hold. EntRecDisc is shown and not judged: categories that are even "
        "and certain maximise its bound, and they need not tell all of content."
    )


def latents_verdict(settings: LatentRecovery, scores: pd.DataFrame) -> Verdict:
    """C2, from the rows of `table_latent_recovery`."""
    claim = ruled("C2", latents_rule(), ("table_latent_recovery", "latent_recovery", "latent_recovery_training"))
    spreads = _spreads(scores, "r2", 100)
    rows = {name: full_title(row) for name, row in settings.rows.items() if conditions_hold(row)}
    cases = [Case(row, form, _recovers(spreads, row, form)) for row in rows for form in FORMS]
    if not cases:
        return Verdict(claim, "not run", "No row meets the conditions of the theorems.")
    told = (
        f"{rows[row]}: {spreads[row, 'untrained'].text()}, {spreads[row, 'supervised'].text()}; "
        f"{spreads[row, 'info_nce'].text()}, {', '.join(spreads[row, form].text() for form in FORMS)}"
        for row in rows
    )
    sentence = (
        f"EntRec recovers the latents in {_counted(cases)}{_named(cases, rows)}. Held-out R² in %, mean ± standard "
        "deviation over seeds, of the encoder untrained and supervised; of InfoNCE, EntRec with its self term and "
        f"leave-one-out: {' | '.join(told)}."
    )
    return Verdict(claim, _status(cases), sentence, _extent(settings))


def content_verdict(settings: ContentIsolation, scores: pd.DataFrame) -> Verdict:
    """C3, from the rows of `table_content_style`."""
    claim = ruled("C3", content_rule(), ("table_content_style", "content_style"))
    content, style = (
        _spreads(scores[scores["latents"] == latents], "kernel_ridge", 1) for latents in ("content", "style")
    )
    rows = {name: content_isolation_title(row) for name, row in settings.rows.items()}
    cases = []
    above = _style_above_oracle(scores)
    for row in rows:
        isolated = {name: isolates(content[row, name], above[row, name]) for name in ("entrec_cont", *PROVED)}
        reading: Reading = "holds" if isolated["entrec_cont"] else "fails" if any(isolated.values()) else "not reached"
        cases.append(Case(row, "entrec_cont", reading))
    told = (
        f"{rows[row]}: {content[row, 'entrec_cont'].text(decimals=2)}; "
        f"{style[row, 'entrec_cont'].text(decimals=2)} of {style[row, 'oracle'].text(decimals=2)}"
        for row in rows
    )
    sentence = (
        f"EntRecCont isolates content in {_counted(cases)}{_named(cases, rows)}. R², mean ± standard deviation over "
        f"seeds, of content; of style, and what content itself tells of it: {' | '.join(told)}."
    )
    return Verdict(claim, _status(cases), sentence, _extent(settings))


def isolates(content: MeanSD, above: Sequence[float]) -> bool:
    """Whether R2 of content, and R2 of style `above` that of true content, by seed, mean that content is isolated."""
    return content.mean >= CONTENT and statistics.fmean(above) <= LEAK and max(above) <= 2 * LEAK


def batch_sentence(rows: pd.DataFrame) -> str:
    """What the sweep over batch sizes says beside C6, from the rows of `table_latent_recovery_batch`."""
    smallest, largest = rows["batch_size"].min(), rows["batch_size"].max()
    parts = []
    for method, group in rows.groupby("method", sort=False):
        ends = (MeanSD.of(100 * group.loc[group["batch_size"] == k, "r2"]).text() for k in (largest, smallest))
        parts.append(f"{representation_name(str(method))} {' → '.join(ends)}")
    return (
        f"From batches of {largest} to batches of {smallest}, held-out R² goes (in %, "
        f"{quantity(rows['seed'].nunique(), 'seed')}): {'; '.join(parts)}. This is no verdict on C6, which speaks of "
        "ImageNet: it shows what the batch size does to each bound where nothing but the latents is to be found."
    )


def _recovers(spreads: Mapping[tuple[str, str], MeanSD], row: str, form: str) -> Reading:
    low, high = (spreads[row, name].mean for name in ("untrained", "supervised"))
    if high - low <= 100 * POINT:
        return "not reached"  # the network has nothing to learn in this row
    enough = low + SHARE * (high - low)
    if spreads[row, form].mean >= enough:
        return "holds"
    reached = any(spreads[row, name].mean >= enough for name in ("info_nce", *FORMS))
    return "fails" if reached else "not reached"


def _style_above_oracle(scores: pd.DataFrame) -> dict[tuple[str, str], list[float]]:
    """By row and representation: R2 of style less the oracle's, which has the same process, seed by seed."""
    style = scores[scores["latents"] == "style"]
    oracle = style.loc[style["representation"] == "oracle", ["row", "seed", "kernel_ridge"]]
    pairs = style.merge(oracle, on=["row", "seed"], suffixes=("", "_oracle"))
    above = pairs["kernel_ridge"] - pairs["kernel_ridge_oracle"]
    groups = above.groupby([pairs["row"], pairs["representation"]])
    return {(str(row), str(name)): list(group) for (row, name), group in groups}


def _spreads(scores: pd.DataFrame, column: str, scale: float) -> dict[tuple[str, str], MeanSD]:
    groups = scores.groupby(["row", "representation"], sort=False)
    return {(str(row), str(name)): MeanSD.of(scale * group[column]) for (row, name), group in groups}


def _status(cases: Sequence[Case]) -> Status:
    readings = [case.reading for case in cases]
    if "fails" in readings:
        return "not reproduced"
    return "reproduced" if 2 * readings.count("holds") >= len(cases) else "not run"


def _counted(cases: Sequence[Case]) -> str:
    holds, fails, rest = (sum(case.reading == of for case in cases) for of in ("holds", "fails", "not reached"))
    return f"{holds} of {quantity(len(cases), 'case')}; {fails} contradict it, {rest} are not reached at this size"


def _named(cases: Sequence[Case], titles: Mapping[str, str]) -> str:
    """Cases that do not hold, in brackets."""
    parts = []
    for reading, words in (("fails", "contradicting"), ("not reached", "not reached")):
        own = [case for case in cases if case.reading == reading]
        named = " | ".join(f"{titles[case.row]} by {representation_name(case.method)}" for case in own)
        parts += [f"{words}: {named}"] if named else []
    return f" ({'; '.join(parts)})" if parts else ""


def _extent(own: LatentRecovery | ContentIsolation) -> str:
    hidden = ", ".join(map(str, own.network.hidden))
    return (
        f"This speaks of encoders with hidden layers of {hidden}, trained for {steps_of(own)} "
        f"steps in batches of {own.training.batch_size}; the originals have up to 500 units and train 300,000 steps in "
        "batches of 6,144. A claim about maxima can be contradicted here only by what a reference objective reaches."
    )
