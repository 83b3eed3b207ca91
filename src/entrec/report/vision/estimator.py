"""Which estimator the diagnostics measured with, in the words that captions share."""

import math

from entrec.study import Study


def estimator(study: Study) -> str:
    """One sentence: what the diagnostics measure with, and what caps or biases it."""
    d = study.diagnostics
    bias = {
        "resubstitution": f"resubstitution: the bound cannot exceed log {d.samples} = {math.log(d.samples):.2f}",
        "leave_one_out": "self term left out: the bound can exceed the true information",
    }[d.estimator]
    return f"Estimator: Joe's with a von Mises-Fisher kernel, κ = {d.kappa:g}, on {d.samples} pairs, {bias}."
