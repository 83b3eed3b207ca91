"""The rules that decide C1 and C4 to C7, each a pure function of the values of single runs beside its sentence.

Differences are compared with a margin that was fixed before any run. What the seeds leave open is inconclusive: the
rules look at bounds, never at estimates. Only the paper's own methods decide. Accuracies are in percent.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from entrec.methods.registry import METHODS
from entrec.report.bounds import CONFIDENCE, Bounds, contrast_bounds
from entrec.report.claims import Status
from entrec.report.mean_sd import MeanSD, decimal, points

Runs = Mapping[str, Mapping[int, float]]  # a value for each method and seed
Contrast = dict[tuple[str, str], float]  # weights of the settings `swept` and `main` of methods

# Of points of accuracy: a smaller difference counts as none. Twice what the paper's own single runs leave open, where
# SimCLR loses 3.1 points at a batch size of 2048 and 2.5 at 1024
MARGIN = 1.0
ENTREC = ("entrec_cont", "entrec_disc")
BOUNDS = (
    f"Bounds are one-sided t-bounds of {100 * CONFIDENCE:.0f} % over the seeds, with the deviation of single runs "
    "pooled over the methods, and differences are taken within the seeds that the runs share"
)
SHARED_OUT = f"{BOUNDS}; they hold for all differences together (Bonferroni)."
LIMITS = (
    " A method that is no better than the untrained network, or no worse than the supervised one, has no room to "
    "differ: with such a method the claim is inconclusive."
)
NO_BOUNDS = "There are too few seeds for bounds."


@dataclass(frozen=True)
class Outcome:
    """What a rule makes of a study, and the numbers in whole sentences."""

    status: Status
    sentence: str


RISING = (
    "for each of the paper’s methods in the headline setting, the bound ends higher than it began: the claim is "
    "reproduced if the lower bound of the rise is above 0 for every method, and not reproduced if the upper bound is "
    f"below 0 for some method. Bounds are one-sided t-bounds of {100 * CONFIDENCE:.0f} % over the seeds, with the "
    "deviation pooled over the methods; they hold for all methods together (Bonferroni). That entropy and "
    "reconstruction add up to the bound is how the bound is computed, and needs no rule."
)


def rising(first: Runs, last: Runs) -> Outcome:
    """Decide C1 from the first and the last measurement of the bound, in nats."""
    rises = {m: {seed: last[m][seed] - value for seed, value in by_seed.items()} for m, by_seed in first.items()}
    found = contrast_bounds(rises, {method: {method: 1.0} for method in rises}, paired=False, comparisons=len(rises))
    paths = (f"{METHODS[m].title} {decimal(_mean(first[m]), 2)} → {decimal(_mean(last[m]), 2)}" for m in rises)
    rose = sum(_mean(rise) > 0 for rise in rises.values())
    sentence = (
        f"The bound was measured for {len(rises)} methods and rose for {rose} of them, in the mean over seeds (nats, "
        f"first → last measurement: {', '.join(paths)})."
    )
    if not found:
        return Outcome("inconclusive", f"{sentence} {NO_BOUNDS}")
    listed = (f"{METHODS[m].title} {decimal(one.low, 2)} to {decimal(one.high, 2)}" for m, one in found.items())
    holds, fails = all(one.low > 0 for one in found.values()), any(one.high < 0 for one in found.values())
    return Outcome(_status(holds, fails), f"{sentence} Bounds of the rise: {', '.join(listed)}.")


def parity_rule(quantity: str) -> str:
    """Return the sentence of `parity` for an accuracy."""
    return (
        f"EntRecCont’s {quantity} is compared with the mean of the paper’s other methods but EntRecDisc. The claim is "
        f"reproduced if the lower bound of the difference is above −{MARGIN:g} point, and not reproduced if the upper "
        f"bound is below −{MARGIN:g} point. {BOUNDS}.{LIMITS}"
    )


def parity(accuracies: Runs) -> Outcome:
    """Decide C4 and C5: EntRecCont against the mean of the other methods."""
    own, others = ENTREC[0], [method for method in accuracies if method not in ENTREC]
    if own not in accuracies or not others:
        return Outcome("not run", "The rule needs EntRecCont and another of the paper’s methods.")
    runs = {method: accuracies[method] for method in (own, *others)}
    contrast = {own: 1.0} | dict.fromkeys(others, -1 / len(others))
    found = contrast_bounds(runs, {"difference": contrast}, paired=True, comparisons=1).get("difference")
    average = statistics.fmean(_mean(accuracies[method]) for method in others)
    sentence = (
        f"{METHODS[own].title} reaches {MeanSD.of(accuracies[own].values()).text()} %, and the mean of "
        f"{_titles(others)} is {average:.1f} %."
    )
    if found is None:
        difference = points(_mean(accuracies[own]) - average)
        return Outcome("inconclusive", f"{sentence} The difference is {difference} points. {NO_BOUNDS}")
    status = _status(found.low > -MARGIN, found.high < -MARGIN)
    return Outcome(status, f"{sentence} The difference with its bounds, in points, is {found.text}.")


ROBUSTNESS = (
    "Δ is the change of accuracy from the headline setting to the smallest batch size. The claim is reproduced if, in "
    f"the lower bounds, no EntRec method’s Δ is {MARGIN:g} point or more below that of another of the paper’s methods, "
    f"and each EntRec method’s Δ is more than {MARGIN:g} point above that of some other. It is not reproduced if, in "
    f"the upper bounds, some EntRec method’s Δ is more than {MARGIN:g} point below that of another, or at most "
    f"{MARGIN:g} point above that of every other. {SHARED_OUT}{LIMITS}"
)


def robustness(main: Runs, smallest: Runs) -> Outcome:
    """Decide C6 from accuracies in the headline setting and at the smallest batch size."""
    own, others = _split(smallest)
    if not own or not others:
        return Outcome("not run", "The rule needs an EntRec method and another of the paper’s methods.")
    found = _bounds_of_changes(main, smallest, {(e, o): _of_change(e, [o]) for e in own for o in others})
    sentence = _changes(main, smallest)
    if not found:
        return Outcome("inconclusive", f"{sentence} {NO_BOUNDS}")
    against = [[found[e, o] for o in others] for e in own]
    return Outcome(_leading(against), f"{sentence} {_listed(found)}")


FEWER_EPOCHS = (
    "Δ is the change of accuracy from the headline setting to the fewest epochs. The claim is reproduced if, in the "
    f"lower bounds, no EntRec method’s Δ is {MARGIN:g} point or more below the mean Δ of the paper’s other methods "
    f"without DINO, DINO’s Δ is not {MARGIN:g} point or more below that of any other, and it is more than {MARGIN:g} "
    "point above that of some other. It is not reproduced if, in the upper bounds, one of these differences is more "
    f"than {MARGIN:g} point below 0, or DINO’s Δ is at most {MARGIN:g} point above that of every other. "
    f"{SHARED_OUT}{LIMITS}"
)


def fewer_epochs(main: Runs, fewest: Runs) -> Outcome:
    """Decide C7 from accuracies in the headline setting and after the fewest epochs."""
    own, others = _split(fewest)
    usual = [method for method in others if method != "dino"]
    if not own or not usual or "dino" not in fewest:
        return Outcome("not run", "The rule needs an EntRec method, DINO and another of the paper’s methods.")
    contrasts = {(e, f"the mean of {_titles(usual)}"): _of_change(e, usual) for e in own}
    contrasts |= {("dino", m): _of_change("dino", [m]) for m in (*usual, *own)}
    found = _bounds_of_changes(main, fewest, contrasts)
    sentence = _changes(main, fewest)
    if not found:
        return Outcome("inconclusive", f"{sentence} {NO_BOUNDS}")
    of_dino = [one for (method, _), one in found.items() if method == "dino"]
    alike = [one for (method, _), one in found.items() if method != "dino"]
    leads, fails = _leading([of_dino]), any(one.high < -MARGIN for one in alike)
    holds = leads == "reproduced" and all(one.low > -MARGIN for one in alike)
    return Outcome(_status(holds, fails or leads == "not reproduced"), f"{sentence} {_listed(found)}")


def within_limits(outcome: Outcome, accuracies: Runs, baselines: Runs) -> Outcome:
    """Return the outcome, inconclusive where a method of `accuracies` is at the level of one of the `baselines`."""
    flags = []
    for baseline, words, sign in (
        ("untrained", "No better than the untrained network", 1),
        ("supervised", "No worse than the supervised network", -1),
    ):
        if baseline in baselines and outcome.status != "not run":
            level = _mean(baselines[baseline])
            reached = [m for m, by_seed in accuracies.items() if sign * (level - _mean(by_seed)) >= 0]
            flags += [f"{words} ({level:.1f} %): {_titles(reached)}."] if reached else []
    return replace(outcome, status="inconclusive", sentence=" ".join([outcome.sentence, *flags])) if flags else outcome


def _status(holds: bool, fails: bool) -> Status:
    return "reproduced" if holds else "not reproduced" if fails else "inconclusive"


def _leading(against: Sequence[Sequence[Bounds]]) -> Status:
    """Return whether each of several methods is nowhere behind and somewhere ahead, each by its differences."""
    nowhere_behind = all(one.low > -MARGIN for differences in against for one in differences)
    somewhere_ahead = all(any(one.low > MARGIN for one in differences) for differences in against)
    behind = any(one.high < -MARGIN for differences in against for one in differences)
    nowhere_ahead = any(all(one.high <= MARGIN for one in differences) for differences in against)
    return _status(nowhere_behind and somewhere_ahead, behind or nowhere_ahead)


def _split(runs: Runs) -> tuple[list[str], list[str]]:
    return [m for m in runs if m in ENTREC], [m for m in runs if m not in ENTREC]


def _of_change(method: str, others: Sequence[str]) -> Contrast:
    """Return the contrast between the change of a method and the mean change of others."""
    weights = {method: 1.0} | dict.fromkeys(others, -1 / len(others))
    return {(m, setting): sign * w for m, w in weights.items() for setting, sign in (("swept", 1), ("main", -1))}


def _bounds_of_changes(
    main: Runs, swept: Runs, contrasts: Mapping[tuple[str, str], Contrast]
) -> dict[tuple[str, str], Bounds]:
    cells = {(method, "swept"): by_seed for method, by_seed in swept.items()}
    cells |= {(method, "main"): main[method] for method in swept}
    return contrast_bounds(cells, contrasts, paired=True, comparisons=len(contrasts))


def _changes(main: Runs, swept: Runs) -> str:
    """Return the mean Δ of every method over the seeds of both settings."""
    found = {
        method: statistics.fmean(value - main[method][seed] for seed, value in by_seed.items())
        for method, by_seed in swept.items()
    }
    return f"Δ in points: {', '.join(f'{points(value)} for {METHODS[m].title}' for m, value in found.items())}."


def _listed(found: Mapping[tuple[str, str], Bounds]) -> str:
    pairs = (f"{METHODS[m].title} less {_title(other)} {one.text}" for (m, other), one in found.items())
    return f"Differences of Δ with their bounds: {', '.join(pairs)}."


def _title(method: str) -> str:
    return METHODS[method].title if method in METHODS else method


def _titles(methods: Iterable[str]) -> str:
    return ", ".join(METHODS[method].title for method in methods)


def _mean(by_seed: Mapping[int, float]) -> float:
    return statistics.fmean(by_seed.values())
