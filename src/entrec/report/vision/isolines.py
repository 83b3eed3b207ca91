"""Dotted lines of constant entropy + reconstruction in the information plane, each with its name beside it."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entrec.report.theme import INK

NAME_WIDTH = 58  # of a name such as `bound −12`, in points
STRETCHES = 9  # places along a line where its name may stand


@dataclass(frozen=True)
class Frame:
    """The plane: the ranges of its axes (nats) and its size on the page (points)."""

    reconstruction: tuple[float, float]
    entropy: tuple[float, float]
    width: float
    height: float

    def place(self, reconstruction: Any, entropy: Any) -> NDArray[np.float64]:
        """Return positions on the page (n, 2), from the lower left corner."""
        across = (np.asarray(reconstruction) - self.reconstruction[0]) / np.ptp(self.reconstruction) * self.width
        up = (np.asarray(entropy) - self.entropy[0]) / np.ptp(self.entropy) * self.height
        return np.stack([across, up], axis=-1)


def isolines(frame: Frame, paths: list[pd.DataFrame], x: alt.X, y: alt.Y) -> list[Any]:
    """Return layers of lines and names; a name stands where it is farthest from the `paths` that the figure draws."""
    drawn = np.concatenate([_dense(frame.place(path["reconstruction"], path["entropy"])) for path in paths])
    lines, names = [], []
    for bound in _levels(frame):
        left = max(frame.reconstruction[0], bound - frame.entropy[1])
        right = min(frame.reconstruction[1], bound - frame.entropy[0])
        ends = frame.place([left, right], [bound - left, bound - right])
        length = float(np.linalg.norm(ends[1] - ends[0]))
        if length > 1.5 * NAME_WIDTH:  # the corners' stubs would only clutter
            lines += [{"reconstruction": r, "entropy": bound - r, "bound": bound} for r in (left, right)]
            middle = left + (right - left) * _emptiest(ends, length, drawn)
            text = f"bound {bound:.3g}".replace("-", "−")
            names.append({"reconstruction": middle, "entropy": bound - middle, "text": text})
    if not lines:
        return []
    dotted = alt.Chart(pd.DataFrame(lines)).mark_line(strokeDash=[1, 4], strokeWidth=1.25, color=INK, opacity=0.55)
    # all lines fall at one angle on the page: a name turned by it runs beside its line and touches none
    fall = math.atan2(frame.height / np.ptp(frame.entropy), frame.width / np.ptp(frame.reconstruction))
    text = alt.Chart(pd.DataFrame(names)).mark_text(
        baseline="bottom", angle=math.degrees(fall), dy=-2, fontSize=11, color=INK, opacity=0.75
    )
    return [dotted.encode(x, y, detail="bound:N"), text.encode(x, y, text="text:N")]


def _levels(frame: Frame) -> list[float]:
    """Return round values of the bound inside the frame."""
    low = frame.reconstruction[0] + frame.entropy[0]
    high = frame.reconstruction[1] + frame.entropy[1]
    step = _round_step((high - low) / 8)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _emptiest(ends: NDArray[np.float64], length: float, drawn: NDArray[np.float64]) -> float:
    """Return where along a line its name is farthest from what is `drawn`, as a fraction of the line."""
    half = 0.55 * NAME_WIDTH / length
    places = np.linspace(half, 1 - half, STRETCHES)
    along = np.linspace(-half, half, 7)  # a name is as long as a row of points
    direction = (ends[1] - ends[0]) / length
    above = np.array([-direction[1], direction[0]]) * 8  # names stand on their line
    points = ends[0] + (places[:, None] + along)[..., None] * (ends[1] - ends[0]) + above  # (places, along, 2)
    distances = np.linalg.norm(points[:, :, None] - drawn, axis=-1).min(axis=(1, 2))
    return float(places[int(np.argmax(np.minimum(distances, NAME_WIDTH)))])


def _dense(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points along a path, a few on every piece of it."""
    pieces = [np.linspace(a, b, 12) for a, b in pairwise(corners)]
    return np.concatenate([corners, *pieces])


def _round_step(width: float) -> float:
    """Return the smallest number from 1, 2 or 5 times a power of ten that is at least `width`."""
    power = float(10 ** math.floor(math.log10(width)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width)
