"""What the paper looks at, measured alike for every method while it trains."""

import torch
from torch import Tensor

from entrec.information.entropy import kernel_entropy, leave_one_out_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.reconstruction import vmf_reconstruction
from entrec.information.spread import alignment, effective_rank, uniformity
from entrec.methods.entrec_disc import discrete_terms
from entrec.methods.step import Step
from entrec.networks.heads import on_sphere
from entrec.settings import Diagnostics


@torch.no_grad()
def measure(outcome: Step, diagnostics: Diagnostics) -> dict[str, float]:
    """Entropy, reconstruction and bound in nats, and the geometry of the first `samples` pairs of a step.

    Empty where there are no pairs. The number of samples is the study's, not the batch's, so that runs of
    other batch sizes compare. With the self term kept the bound cannot exceed log `samples`; leave-one-out
    can exceed the true information. Raises `InvalidEmbeddings` for embeddings that are not finite.
    """
    if outcome.embeddings is None:
        return {}
    z1, z2 = (on_sphere(z[: diagnostics.samples]) for z in outcome.embeddings)
    both = torch.cat([z1, z2])
    measured = {
        **_information(z1, z2, diagnostics),
        "effective_rank": effective_rank(both),
        "uniformity": (uniformity(z1) + uniformity(z2)) / 2,
        "alignment": alignment(z1, z2),
    }
    if outcome.logits is not None:
        terms = discrete_terms(*(logits[: diagnostics.samples] for logits in outcome.logits))
        measured["discrete_entropy"] = terms["entropy_term"]
        measured["discrete_reconstruction"] = terms["reconstruction_term"]
    values: list[float] = torch.stack(list(measured.values())).tolist()  # one wait for the device
    return dict(zip(measured, values, strict=True))


def _information(z1: Tensor, z2: Tensor, diagnostics: Diagnostics) -> dict[str, Tensor]:
    estimate = leave_one_out_entropy if diagnostics.estimator == "leave_one_out" else kernel_entropy
    kernel = VMFKernel(diagnostics.kappa)
    entropy = (estimate(z1, kernel=kernel) + estimate(z2, kernel=kernel)) / 2
    reconstruction = vmf_reconstruction(z1, z2, kappa=diagnostics.kappa)
    return {"entropy": entropy, "reconstruction": reconstruction, "bound": entropy + reconstruction}
