"""One colour and one shape per method, the same in every figure of every study."""

import altair as alt

from entrec.methods.registry import METHODS
from entrec.report.theme import COLOURS, GREY, SHAPES, scales

_TRAINED = [name for name, entry in METHODS.items() if not entry.baseline]


def colour(method: str) -> str:
    """Return the colour of a method by its place in the registry; baselines are grey."""
    return COLOURS[_TRAINED.index(method) % len(COLOURS)] if method in _TRAINED else GREY


def shape(method: str) -> str:
    """Return the shape of a method's points, so that no two methods share both colour and shape."""
    if method not in _TRAINED:
        return "stroke"
    place = _TRAINED.index(method)
    return SHAPES[(place + place // len(COLOURS)) % len(SHAPES)]


def method_scales(methods: list[str]) -> tuple[alt.Color, alt.Shape]:
    """Return the colour and shape encodings of methods by the column `title`."""
    return scales("title", {METHODS[method].title: (colour(method), shape(method)) for method in methods})
