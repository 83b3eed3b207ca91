"""Backbones: a small residual network for laptops, and timm's ResNets and Vision Transformers.

Every backbone maps images `(n, c, h, w)` to pooled features `(n, num_features)`. State dicts of timm's ResNets fit
torchvision's, and the other way round.
"""

from pathlib import Path
from typing import Protocol, cast

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from entrec.artefacts import write_bytes
from entrec.errors import UserError
from entrec.networks.small_resnet import SmallResNet
from entrec.regular import regular
from entrec.settings import Network


class Builder(Protocol):
    """A function that makes a network; a method may have its own (`Method.make_backbone`)."""

    def __call__(self, network: Network, *, channels: int, size: int | None = None) -> nn.Module:
        """Return a network for images of `channels`, `size` pixels wide."""


def build_backbone(network: Network, *, channels: int, size: int | None = None) -> nn.Module:
    """Return a freshly initialised backbone for images of `channels`; it has the attribute `num_features`.

    Transformers have a position embedding for each patch of an image of `size`; ResNets do not need `size`.
    """
    if network.backbone == "small_resnet":
        return SmallResNet(channels=channels, width=network.width, stem=network.stem)
    if network.transformer:
        from entrec.networks.vit import build_vit  # imported here because it imports timm; see below

        assert size is not None
        return build_vit(network.transformer, network, channels=channels, size=size)
    return _timm_resnet(network, channels=channels)


def num_features(backbone: nn.Module) -> int:
    """Return the width of a backbone's features (timm's name for it)."""
    return cast(int, backbone.num_features)


def _timm_resnet(network: Network, *, channels: int) -> nn.Module:
    # imported here: timm takes longer to import than a demo network takes for an epoch
    from timm.models import resnet

    block, layers = {
        "resnet18": (resnet.BasicBlock, (2, 2, 2, 2)),
        "resnet50": (resnet.Bottleneck, (3, 4, 6, 3)),
    }[network.backbone]
    widths = tuple(network.width * 2**stage for stage in range(4))
    backbone = resnet.ResNet(block, layers, num_classes=0, in_chans=channels, channels=widths)
    if network.stem == "3x3":  # as usual for 32x32 images (SimCLR, appendix B.9)
        backbone.conv1 = nn.Conv2d(channels, backbone.bn1.num_features, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(backbone.conv1.weight, mode="fan_out", nonlinearity="relu")
        backbone.maxpool = nn.Identity()
    return cast(nn.Module, backbone)


def save_backbone(backbone: nn.Module, path: Path) -> None:
    """Write the backbone's weights to `path` as safetensors."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in backbone.state_dict().items()}
    write_bytes(path, save(tensors))


def load_backbone(
    path: Path, network: Network, *, channels: int, size: int | None = None, build: Builder = build_backbone
) -> nn.Module:
    """Return a backbone with the weights of `path`; raises `UserError` if they are missing, damaged or do not fit."""
    backbone = build(network, channels=channels, size=size)
    try:
        backbone.load_state_dict(load_file(regular(path)))
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; run the pretraining that makes it") from error
    except OSError as error:  # a folder, or no permission
        raise UserError(f"{path}: cannot be read ({error}); fix access, then rerun") from error
    except SafetensorError as error:
        raise UserError(
            f"{path}: not an encoder, or damaged ({error}); give encoder.safetensors of the run, or pretrain again"
        ) from error
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{path}: weights of another network than {network} ({reason})") from error
    return backbone
