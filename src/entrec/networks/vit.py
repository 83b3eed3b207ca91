"""Vision Transformers (Dosovitskiy et al., arXiv:2010.11929) of timm, as DINO uses them (arXiv:2104.14294).

The features are the class token after the last norm. For images of another size than the network was made for, such
as DINO's local crops and transfer datasets, the position embeddings are interpolated to their grid. Deviations from
DINO's release: the interpolation is timm's, antialiased, and the student has no stochastic depth.
"""

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.information.precision import full_precision
from entrec.settings import Network, Transformer


def build_vit(shape: Transformer, network: Network, *, channels: int, size: int) -> nn.Module:
    """Return a freshly initialised Transformer for images of `size` pixels; it accepts any size of whole patches."""
    return ClassToken(
        img_size=size,
        patch_size=network.patch,
        in_chans=channels,
        num_classes=0,
        embed_dim=network.width,
        depth=shape.depth,
        num_heads=shape.heads,
        dynamic_img_size=True,
    )


class ClassToken(VisionTransformer):  # type: ignore[misc]  # timm has no types
    """timm's Transformer, with the same names of weights; only the interpolation of position embeddings differs.

    timm calls torch's interpolation, whose gradient is not deterministic on GPUs; here its matrix is applied.
    """

    def _pos_embed(self, x: Tensor) -> Tensor:
        """Return patches (n, h, w, d) with the class token in front and position embeddings added: (n, 1 + h w, d)."""
        position = self.pos_embed
        if (own := self.patch_embed.grid_size) != (grid := (x.shape[1], x.shape[2])):
            matrix = interpolation(own, grid, like=position)
            position = torch.cat([position[:, :1], moved(position[:, 1:], matrix)], dim=1)
        return torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(1, 2)], dim=1) + position


@full_precision
def moved(position: Tensor, matrix: Tensor) -> Tensor:
    """Return position embeddings (1, cells, d) at the cells of another grid."""
    return matrix @ position


@torch.no_grad()
def interpolation(old: tuple[int, int], new: tuple[int, int], *, like: Tensor) -> Tensor:
    """Return the matrix (cells of `new`, cells of `old`) of an antialiased bicubic resize between two grids."""
    cells = torch.eye(old[0] * old[1], dtype=like.dtype, device=like.device).unflatten(1, old)
    return F.interpolate(cells.unsqueeze(1), size=new, mode="bicubic", antialias=True).flatten(1).T
