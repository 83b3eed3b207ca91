"""How the theory page writes estimators, cases and numbers."""

from entrec.theory.study import TheoryStudy

# of the vMF pairs: title, and a second line for the head of a column
ESTIMATORS = {
    "entrec_resubstitution": ("EntRec", "resubstitution"),
    "entrec_leave_one_out": ("EntRec", "leave-one-out"),
    "info_nce": ("InfoNCE", "true critic"),
    "nearest_neighbours": ("Neighbours", "a check"),
}
ENTROPIES = {
    "kernel_entropy": "resubstitution",
    "leave_one_out_entropy": "leave-one-out",
    "plug_in_entropy": "plug-in",
}


def estimator_name(estimator: str) -> str:
    """Title and second line of an estimator of the vMF pairs in one."""
    title, detail = ESTIMATORS[estimator]
    return f"{title}, {detail}"


def case_title(study: TheoryStudy, setting: str, case: str) -> str:
    """What a case of the rates draws from, and how wide its kernel is: `Gaussian d = 2, h = 0.5`."""
    settings = study.setting(setting).estimators.rates.cases[case]
    d, width = settings.dimension, settings.width
    if settings.data == "dirichlet":
        return f"{d} categories"
    if settings.data == "gaussian":
        return f"Gaussian d = {d}, h = {number(width)}"
    return f"sphere d = {d}, κ = {number(width)}"


def number(value: float | None) -> str:
    """A number of the study as people write it, with a minus sign."""
    return "" if value is None else f"{value:g}".replace("-", "−")


def quantity(count: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def selection(sizes: tuple[int, ...]) -> list[int]:
    """The smallest, the middle and the largest of `sizes`."""
    ordered = sorted(sizes)
    return sorted({ordered[0], ordered[len(ordered) // 2], ordered[-1]})


def listed(values: list[int]) -> str:
    """`64, 1024 and 16384`."""
    *first, last = map(str, values)
    return f"{', '.join(first)} and {last}" if first else last
