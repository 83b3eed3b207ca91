"""How much of its space an embedding uses."""

import torch
from torch import Tensor

from entrec.information.precision import full_precision


@full_precision
def effective_rank(embeddings: Tensor) -> Tensor:
    """exp of the entropy of the normalised singular values of centred `embeddings` (k, d); 1 to d.

    Roy & Vetterli (EUSIPCO 2007). Returns 0 when all embeddings are the same.
    """
    singular = torch.linalg.svdvals((embeddings - embeddings.mean(dim=0)).float())
    total = singular.sum()
    if total == 0:
        return total
    return torch.special.entr(singular / total).sum().exp()
