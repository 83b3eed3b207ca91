"""The settings of the estimator study (claim C8): `estimators` of `params/theory.yaml`.

The classes check themselves. They have no defaults, so that every number stands in the study file only.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from entrec.settings import KAPPAS, Distinct, Grid, Kappa, Name, Natural, Positive, Seed, Several, Width, settings
from entrec.strict import Fault, check, refuse, unknown
from entrec.theory.registry import ENTROPY_ESTIMATORS


def _growing(sizes: tuple[int, ...]) -> tuple[int, ...]:
    for i, (before, after) in enumerate(itertools.pairwise(sizes), start=1):
        if after <= before:
            refuse([Fault(str(i), f"{after} after {before}", "sizes that increase")])
    return sizes


def _estimator(estimator: str) -> str:
    if estimator not in ENTROPY_ESTIMATORS:
        refuse([unknown("", estimator, ENTROPY_ESTIMATORS, what="estimator")])
    return estimator


BANDWIDTHS = (1e-3, 1e3)  # of Gaussian kernels
Sizes = Annotated[tuple[Several, ...], Field(min_length=1)]
GrowingSizes = Annotated[Sizes, AfterValidator(_growing)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), Distinct]
Widths = Annotated[tuple[Width, ...], Field(min_length=1)]


def one_for_each(samples: Sequence[int], repeats: Sequence[int]) -> Iterator[Fault]:
    """Yield a fault unless there are as many `repeats` as `samples`."""
    if len(samples) != len(repeats):
        yield Fault("repeats", f"{len(repeats)} numbers for {len(samples)} sample sizes", "one for each")


@settings
class Smile:
    """The settings of SMILE: log density ratios are clipped to the range from -`clip` to `clip` nats."""

    clip: Positive


@settings
class EntRec:
    """The settings of EntRec on the sphere.

    `kernel_kappa` is the concentration of the entropy estimate's kernel, `kappa` that of the reconstruction density.
    """

    kernel_kappa: Kappa
    kappa: Kappa


@settings
class EntRecDiscrete:
    """The settings of EntRec with a categorical surrogate of so many `categories`."""

    categories: Several


@settings
class Gaussian:
    """The benchmark of bounds on correlated Gaussians, y = rho x + sqrt(1 - rho^2) e in R^`dimension`.

    `information`: the levels of true information, in nats, which one run goes through in turn.
    `steps`: optimiser steps at each level.
    `trace_block`: how many steps are summarised by one mean and standard deviation of the trace.
    `evaluation_batches`: fresh batches that are scored without updates after each level.
    `critic`: `separable` is <f(x), g(y)> with `embedding` coordinates, `joint` is one network on (x, y).
    `hidden`: widths of the networks' hidden layers.
    `embedding`: coordinates of a separable critic, and the dimension of the space around EntRec's sphere.
    `lr`: learning rate of Adam.
    """

    dimension: Natural
    batch_size: Several
    information: Annotated[Grid, Distinct]
    steps: Natural
    trace_block: Several
    evaluation_batches: Several
    critic: Literal["separable", "joint"]
    hidden: Widths
    embedding: Several
    lr: Positive
    seeds: Seeds
    smile: Smile
    entrec_resubstitution: EntRec
    entrec_leave_one_out: EntRec
    entrec_discrete: EntRecDiscrete

    @check
    def _whole_blocks(self) -> Iterator[Fault]:
        """Yield blocks of the trace that do not fill a level."""
        if self.steps % self.trace_block:
            yield Fault("trace_block", f"{self.trace_block} does not divide steps", f"divisors of {self.steps}")


@settings
class Sphere:
    """Estimates of the information between vMF pairs at their true latents.

    `kappa`: concentrations of the pairs, by dimension of the space around the sphere.
    `samples`: sample sizes; `repeats`: how many samples of each size are drawn.
    `neighbours`: the nearest-neighbour estimate of entropy uses the distance to the neighbour of this rank.
    `neighbours_up_to`: the largest sample size for that estimate, which is slow.
    """

    kappa: Annotated[dict[Several, Annotated[tuple[Kappa, ...], Field(min_length=1), Distinct]], Field(min_length=1)]
    samples: GrowingSizes
    repeats: Sizes
    neighbours: Natural
    neighbours_up_to: Natural
    seed: Seed

    @check
    def _repeats(self) -> Iterator[Fault]:
        """Yield repeats that are not one number for each sample size."""
        yield from one_for_each(self.samples, self.repeats)

    @check
    def _enough_neighbours(self) -> Iterator[Fault]:
        """Yield a neighbour that the smallest sample does not have."""
        smallest = min(self.samples)
        if self.neighbours >= smallest:
            yield Fault("neighbours", f"{self.neighbours} in samples of {smallest}", f"up to {smallest - 1}")


@settings
class RateCase:
    """One entropy estimator on data of known entropy.

    `data`: `gaussian` is N(0, I) in R^`dimension` with a Gaussian kernel of bandwidth `width`; `sphere` is uniform on
    the unit sphere in R^`dimension` with a vMF kernel of concentration `width`; `dirichlet` is soft assignments to
    `dimension` categories, and has no kernel: its `width` is null.
    `fit_from`: the smallest sample size that slopes are fitted to, since the theorems are about large samples.
    `widths`: kernels that are tried at the largest sample size, to see how the bias grows as they narrow.
    """

    data: Literal["gaussian", "sphere", "dirichlet"]
    estimator: Annotated[str, AfterValidator(_estimator)]
    dimension: Several
    width: Positive | None
    fit_from: Natural
    widths: Annotated[tuple[Positive, ...], Distinct]

    @check
    def _estimator_fits_data(self) -> Iterator[Fault]:
        """Yield estimators and kernels that the data does not have: only soft assignments have no kernel."""
        discrete = self.data == "dirichlet"
        if discrete != (self.estimator == "plug_in_entropy"):
            allowed = "plug_in_entropy with dirichlet, and no other pair with either"
            yield Fault("estimator", f"{self.estimator!r} with data {self.data!r}", allowed)
        if discrete != (self.width is None):
            yield Fault("width", f"{self.width!r} with data {self.data!r}", "null for dirichlet, a number otherwise")
        if self.widths and (discrete or len(self.widths) < 3):
            yield Fault("widths", f"{list(self.widths)}", "none, or at least three, and none for dirichlet")

    @check
    def _widths_in_range(self) -> Iterator[Fault]:
        """Yield kernels whose width is out of range."""
        low, high = BANDWIDTHS if self.data == "gaussian" else KAPPAS
        for key, width in {"width": self.width, **{f"widths.{i}": w for i, w in enumerate(self.widths)}}.items():
            if width is not None and not low <= width <= high:
                yield Fault(key, f"{width:g} with data {self.data!r}", f"{low:g} to {high:g}")


@settings
class Rates:
    """The convergence of entropy estimates: sample sizes, how many samples of each size are drawn, and the cases."""

    samples: GrowingSizes
    repeats: Sizes
    seed: Seed
    cases: Annotated[dict[Name, RateCase], Field(min_length=1)]

    @check
    def _repeats(self) -> Iterator[Fault]:
        """Yield repeats that are not one number for each sample size."""
        yield from one_for_each(self.samples, self.repeats)

    @check
    def _enough_sizes(self) -> Iterator[Fault]:
        """Yield cases whose slopes would be fitted to fewer than four sample sizes."""
        for name, case in self.cases.items():
            if sum(k >= case.fit_from for k in self.samples) < 4:
                problem = f"{case.fit_from} leaves fewer than four of the samples {list(self.samples)}"
                yield Fault(f"cases.{name}.fit_from", problem, "smaller sizes")


@settings
class Estimators:
    """The estimator study (claim C8): the benchmark of bounds, the vMF pairs, and the rates of convergence."""

    gaussian: Gaussian
    sphere: Sphere
    rates: Rates
