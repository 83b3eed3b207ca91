"""The paper's quantities, measured in the same way for every method during training."""

import torch
from torch import Tensor

from entrec.information.entrec import continuous_entropy, discrete_entropy, discrete_reconstruction
from entrec.information.geometry import alignment, effective_rank, uniformity
from entrec.information.kernels import VMFKernel
from entrec.information.reconstruction import vmf_reconstruction
from entrec.methods.method import StepOutput
from entrec.networks.heads import on_sphere
from entrec.settings import Diagnostics

UNIFORMITY_T = 2.0  # Wang & Isola, arXiv:2005.10242, section 4.1.2


@torch.no_grad()
def measure(outcome: StepOutput, diagnostics: Diagnostics) -> dict[str, float]:
    """Return entropy, reconstruction and bound in nats, and the geometry, of the first `samples` pairs of a step.

    It is empty where there are no pairs. The number of samples is the study's, not that of the batch, so that runs with
    different batch sizes are comparable. With resubstitution the bound cannot exceed log `samples`; with leave-one-out
    it can exceed the true information. Raises `InvalidEmbeddings` for embeddings that are not finite.
    """
    if outcome.embeddings is None:
        return {}
    z1, z2 = (on_sphere(z[: diagnostics.samples]) for z in outcome.embeddings)
    both = torch.cat([z1, z2])
    measured = {
        **_information(z1, z2, diagnostics),
        "effective_rank": effective_rank(both),
        "uniformity": (uniformity(z1, t=UNIFORMITY_T) + uniformity(z2, t=UNIFORMITY_T)) / 2,
        "alignment": alignment(z1, z2),
    }
    if outcome.logits is not None:
        logits1, logits2 = (logits[: diagnostics.samples] for logits in outcome.logits)
        measured["discrete_entropy"] = discrete_entropy(logits1, logits2)
        measured["discrete_reconstruction"] = discrete_reconstruction(logits1, logits2)
    values: list[float] = torch.stack(list(measured.values())).tolist()  # synchronises with the device once
    return dict(zip(measured, values, strict=True))


def _information(z1: Tensor, z2: Tensor, diagnostics: Diagnostics) -> dict[str, Tensor]:
    leave_one_out = diagnostics.estimator == "leave_one_out"
    entropy = continuous_entropy(z1, z2, kernel=VMFKernel(diagnostics.kappa), leave_one_out=leave_one_out)
    reconstruction = vmf_reconstruction(z1, z2, kappa=diagnostics.kappa)
    return {"entropy": entropy, "reconstruction": reconstruction, "bound": entropy + reconstruction}
