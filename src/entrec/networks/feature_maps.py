"""The local features of a backbone's last two stages, and its pooled features."""

from typing import Any, cast

from torch import Tensor, nn

from entrec.errors import UserError
from entrec.networks.small_resnet import SmallResNet, pooled


def feature_maps(backbone: nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the maps (n, c, h, w) of the last two stages and the pooled features, bit for bit `backbone(images)`.

    Raises `UserError` for a backbone that is not a ResNet.
    """
    if isinstance(backbone, SmallResNet):
        *_, fine, coarse = backbone.maps(images)
        return fine, coarse, pooled(coarse)
    resnet = _as_timm_resnet(backbone)
    coarse, (fine,) = resnet.forward_intermediates(images, indices=[-2])
    return fine, coarse, resnet.forward_head(coarse)


def map_channels(backbone: nn.Module) -> tuple[int, int]:
    """Return the channels of the two maps of `feature_maps`; raises `UserError` as it does."""
    if isinstance(backbone, SmallResNet):
        return backbone.num_features // 2, backbone.num_features
    fine, coarse = (stage["num_chs"] for stage in _as_timm_resnet(backbone).feature_info[-2:])
    return fine, coarse


def _as_timm_resnet(backbone: nn.Module) -> Any:
    # recognised by its attributes: importing timm for its class takes seconds
    if not all(hasattr(backbone, name) for name in ("layer4", "forward_intermediates", "forward_head")):
        raise UserError(f"{type(backbone).__name__}: no maps of local features; choose a ResNet as the backbone")
    return cast(Any, backbone)
