"""One colour and one shape per method, the same in every figure of every study.

Colours are Okabe and Ito's (2008), told apart with the common colour deficiencies and legible on white
and on near-black; the shapes carry the same distinction where there is no colour.
"""

from entrec.methods.registry import METHODS

COLOURS = ("#0072b2", "#56b4e9", "#e69f00", "#cc79a7", "#d55e00", "#009e73", "#8c6bb1", "#a6761d")
SHAPES = ("circle", "square", "triangle-up", "triangle-down", "diamond", "cross", "triangle-left", "triangle-right")
GREY = "#888888"

_TRAINED = [name for name, entry in METHODS.items() if not entry.baseline]


def colour(method: str) -> str:
    """The colour of a method by its place in the registry; baselines are grey."""
    return COLOURS[_TRAINED.index(method) % len(COLOURS)] if method in _TRAINED else GREY


def shape(method: str) -> str:
    """The shape of a method's points."""
    if method not in _TRAINED:
        return "stroke"
    place = _TRAINED.index(method)
    return SHAPES[(place + place // len(COLOURS)) % len(SHAPES)]  # no two methods share both


# bounds and estimators of the theory study: EntRec's in the colours of EntRec, the others in InfoNCE's or their own
ESTIMATOR_COLOURS = {
    "entrec_resubstitution": "#d55e00",
    "entrec_leave_one_out": "#e69f00",
    "entrec_discrete": "#009e73",
    "info_nce": "#0072b2",
    "nearest_neighbours": "#8c6bb1",
}
ESTIMATOR_SHAPES = {
    "entrec_resubstitution": "diamond",
    "entrec_leave_one_out": "triangle-up",
    "info_nce": "circle",
    "nearest_neighbours": "square",
}
# what the studies of latents and of content train
RECOVERY_COLOURS = {
    "supervised": GREY,
    "info_nce": ESTIMATOR_COLOURS["info_nce"],
    "entrec_resubstitution": ESTIMATOR_COLOURS["entrec_resubstitution"],
    "entrec_leave_one_out": ESTIMATOR_COLOURS["entrec_leave_one_out"],
}
RECOVERY_SHAPES = {name: ESTIMATOR_SHAPES.get(name, "square") for name in RECOVERY_COLOURS}
LATENT_COLOURS = {"content": "#0072b2", "style": "#d55e00"}
LATENT_SHAPES = {"content": "circle", "style": "diamond"}
ERROR_COLOURS = {"squared bias": "#d55e00", "variance": "#0072b2", "mean squared error": "#8c6bb1"}
ERROR_SHAPES = {"squared bias": "diamond", "variance": "circle", "mean squared error": "square"}
