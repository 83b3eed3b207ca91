"""The bounds that the estimator study compares, in the order of its tables.

Imports no torch: rules, tables and figures read it too.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """How tables name a bound, and what keeps its value from the truth."""

    title: str
    capped_by: str


BOUNDS = {
    "barber_agakov": Bound("Barber–Agakov", "the fit of q(y|x); needs H(Y)"),
    "tuba": Bound("TUBA", "variance, which grows as exp(2I)"),
    "nwj": Bound("NWJ", "variance, which grows as exp(2I)"),
    "js": Bound("JS, read by NWJ", "variance, which grows as exp(2I)"),
    "smile": Bound("SMILE", "nothing; clipping can lift it above the truth"),
    "info_nce": Bound("InfoNCE", "log k"),
    "entrec_resubstitution": Bound("EntRec, resubstitution", "log k"),
    "entrec_leave_one_out": Bound("EntRec, leave-one-out", "kappa; may exceed the truth"),
    "entrec_discrete": Bound("EntRec, discrete", "log k and log categories"),
}
