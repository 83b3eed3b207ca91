"""The vocabulary of `params/theory.yaml`: frozen dataclasses with ranges, read strictly, without defaults."""

from typing import Annotated, Literal

from pydantic import Field

from entrec.settings import Count, Grid, Natural, Positive, settings

BANDWIDTHS = (1e-3, 1e3)  # of Gaussian kernels
KAPPAS = (1e-6, 1e6)  # of von Mises-Fisher densities
Kappa = Annotated[float, Field(ge=KAPPAS[0], le=KAPPAS[1])]
Several = Annotated[int, Field(ge=2)]
Sizes = Annotated[tuple[Several, ...], Field(min_length=1)]
Widths = Annotated[tuple[Natural, ...], Field(min_length=1)]


@settings
class Smile:
    """SMILE clips log density ratios to plus and minus `clip` nats."""

    clip: Positive


@settings
class EntRec:
    """EntRec on the sphere: `kernel_kappa` of the entropy estimate, `kappa` of the reconstruction density."""

    kernel_kappa: Kappa
    kappa: Kappa


@settings
class EntRecDiscrete:
    """EntRec with a categorical surrogate."""

    categories: Several


@settings
class Gaussian:
    """Correlated Gaussians: y = rho x + sqrt(1 - rho^2) e in R^`dimension`, one run up the stairs of `information`.

    Each level of `information` (nats) has `steps` optimiser steps, whose estimates the trace keeps as mean
    and standard deviation over blocks of `trace_block`, and then `evaluation_batches` fresh batches without updates.
    A `separable` critic is <f(x), g(y)> with `embedding` coordinates, a `joint` one a network on (x, y);
    `embedding` is also the ambient dimension of EntRec's sphere.
    """

    dimension: Natural
    batch_size: Several
    information: Grid
    steps: Natural
    trace_block: Several
    evaluation_batches: Several
    critic: Literal["separable", "joint"]
    hidden: Widths
    embedding: Several
    lr: Positive
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    smile: Smile
    entrec_resubstitution: EntRec
    entrec_leave_one_out: EntRec
    entrec_discrete: EntRecDiscrete


@settings
class Sphere:
    """vMF pairs at their true latents: `kappa` by dimension, `repeats` draws of each of the `samples`.

    `neighbours` is the neighbour that the nearest-neighbour entropy goes by, the check that shares nothing with
    the kernels; it is slow, and done up to samples of `neighbours_up_to`.
    """

    kappa: Annotated[dict[Several, Annotated[tuple[Kappa, ...], Field(min_length=1)]], Field(min_length=1)]
    samples: Sizes
    repeats: Sizes
    neighbours: Natural
    neighbours_up_to: Natural
    seed: Count


@settings
class RateCase:
    """One estimator on data whose entropy is known.

    `gaussian`: N(0, I) in R^`dimension`, Gaussian kernel of bandwidth `width`; `sphere`: uniform on the
    unit sphere in R^`dimension`, vMF kernel of concentration `width`; `dirichlet`: `dimension` categories,
    `width` null. Slopes are fitted to samples of `fit_from` and more, since the theorems speak of many.
    `widths` sweeps the kernel at the largest sample, for how the bias grows with it.
    """

    data: Literal["gaussian", "sphere", "dirichlet"]
    estimator: Literal["kernel_entropy", "leave_one_out_entropy", "plug_in_entropy"]
    dimension: Several
    width: Positive | None
    fit_from: Natural
    widths: tuple[Positive, ...]


@settings
class Rates:
    """Convergence in the number of samples: `repeats` draws of each of the `samples`, for every case."""

    samples: Sizes
    repeats: Sizes
    seed: Count
    cases: Annotated[dict[str, RateCase], Field(min_length=1)]


@settings
class Estimators:
    """The estimator study (claim C8): a benchmark of bounds, known truths on the sphere, rates."""

    gaussian: Gaussian
    sphere: Sphere
    rates: Rates
