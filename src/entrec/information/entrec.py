"""EntRec's terms as means over the two branches (the paper, eqs. 4 and 7); training maximises entropy + reconstruction.

The continuous reconstruction is `reconstruction.vmf_reconstruction`, which is symmetric in the branches. Values are in
nats, with exact constants; biases and errors raised are those of `entropy` and `reconstruction`. Two deviations from
the release at apple/ml-entropy-reconstruction f523f11: its continuous entropy has a wrong constant, which cancels in
the gradient; its discrete entropies are not plug-in estimates.
"""

from torch import Tensor
from torch.nn import functional as F

from entrec.information.entropy import kernel_entropy, leave_one_out_entropy, plug_in_entropy
from entrec.information.kernels import Kernel
from entrec.information.reconstruction import categorical_reconstruction


def continuous_entropy(z1: Tensor, z2: Tensor, *, kernel: Kernel, leave_one_out: bool) -> Tensor:
    """Return the mean kernel entropy of the branches `z1`, `z2` (k, d), by leave-one-out or by resubstitution."""
    estimate = leave_one_out_entropy if leave_one_out else kernel_entropy
    return (estimate(z1, kernel=kernel) + estimate(z2, kernel=kernel)) / 2


def discrete_entropy(logits1: Tensor, logits2: Tensor) -> Tensor:
    """Return the mean plug-in entropy of the branches' softmax; logits (k, categories) each."""
    return (plug_in_entropy(F.softmax(logits1, dim=1)) + plug_in_entropy(F.softmax(logits2, dim=1))) / 2


def discrete_reconstruction(logits1: Tensor, logits2: Tensor) -> Tensor:
    """Return the mean of the categorical reconstructions in both directions; logits (k, categories) each."""
    return (categorical_reconstruction(logits1, logits2) + categorical_reconstruction(logits2, logits1)) / 2
