"""Entropy, reconstruction and their sum, measured alike for every method while it trains."""

import torch
from torch.nn import functional as F

from entrec.information.entropy import kernel_entropy, leave_one_out_entropy, plug_in_entropy
from entrec.information.reconstruction import vmf_reconstruction
from entrec.information.spread import effective_rank
from entrec.methods.step import Step
from entrec.settings import Diagnostics


@torch.no_grad()
def measure(outcome: Step, diagnostics: Diagnostics) -> dict[str, float]:
    """Nats (and the effective rank) of the first `samples` pairs of a step; empty where there are no pairs.

    The number of samples is the study's, not the batch's, so that runs of other batch sizes compare.
    """
    if outcome.embeddings is None:
        return {}
    z1, z2 = (F.normalize(z[: diagnostics.samples].detach().float(), dim=1) for z in outcome.embeddings)
    estimate = leave_one_out_entropy if diagnostics.estimator == "leave_one_out" else kernel_entropy
    entropy = (estimate(z1, kappa=diagnostics.kappa) + estimate(z2, kappa=diagnostics.kappa)) / 2
    reconstruction = vmf_reconstruction(z1, z2, kappa=diagnostics.kappa)
    measured = {
        "entropy": float(entropy),
        "reconstruction": float(reconstruction),
        "bound": float(entropy + reconstruction),
        "effective_rank": float(effective_rank(torch.cat([z1, z2]))),
    }
    if outcome.logits is not None:
        measured["discrete_entropy"] = float(plug_in_entropy(outcome.logits.detach().softmax(dim=1)))
    return measured
