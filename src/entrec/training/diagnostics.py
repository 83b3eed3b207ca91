"""Entropy, reconstruction and their sum, measured alike for every method while it trains."""

import torch

from entrec.information.entropy import kernel_entropy, leave_one_out_entropy
from entrec.information.reconstruction import vmf_reconstruction
from entrec.information.spread import effective_rank
from entrec.methods.entrec_disc import discrete_terms
from entrec.methods.step import Step
from entrec.networks.heads import on_sphere
from entrec.settings import Diagnostics


@torch.no_grad()
def measure(outcome: Step, diagnostics: Diagnostics) -> dict[str, float]:
    """Nats (and the effective rank) of the first `samples` pairs of a step; empty where there are no pairs.

    The number of samples is the study's, not the batch's, so that runs of other batch sizes compare. With
    the self term kept the bound cannot exceed log `samples`; leave-one-out can exceed the true information.
    """
    if outcome.embeddings is None:
        return {}
    z1, z2 = (on_sphere(z[: diagnostics.samples]) for z in outcome.embeddings)
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
        terms = discrete_terms(*(logits[: diagnostics.samples] for logits in outcome.logits))
        measured["discrete_entropy"] = float(terms["entropy_term"])
        measured["discrete_reconstruction"] = float(terms["reconstruction_term"])
    return measured
