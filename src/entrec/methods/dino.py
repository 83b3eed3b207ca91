"""DINO (Caron et al., arXiv:2104.14294), with two global views and any number of local crops.

This follows the release at facebookresearch/dino 7c446df. The teacher's outputs are centred, then sharpened. The
student's output for every crop is trained on the teacher's output for each other global view, and the loss is the mean
over those pairs. The centre is the running mean of the teacher's logits for both global views; a batch updates it after
it was used for that batch.

Deviations: the head has batch norm and ReLU (the release: GELU, and batch norm only as an option); every crop goes
through the networks by itself (the release: all crops of one size together, which changes batch norm); gradients are
not clipped; the last layer is not frozen in the first epoch; weight decay is constant; the teacher's temperature
changes every step instead of every epoch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from entrec.collectives import batch_mean, gather
from entrec.methods.ema import ema_copy, momentum_at, update_ema_copy
from entrec.methods.method import Method, StepOutput
from entrec.methods.multi_crop import swapped_cross_entropies
from entrec.methods.registry import DINOERSettings, DINOSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import cosines, mlp, on_sphere


class DINO(Method):
    """A student (backbone, projector, normalised prototypes) and a teacher, which is an EMA copy of it."""

    views = 2
    weights = {"distillation": 1.0}
    centre: Tensor
    batch_centre: Tensor
    teacher_temperature: Tensor

    def __init__(self, backbone: nn.Module, settings: DINOSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector)
        self.prototypes = Prototypes(settings.projector[-1], settings.prototypes)
        self.teacher = ema_copy(nn.Sequential(self.backbone, self.projector, self.prototypes))
        self.settings = settings
        self.register_buffer("centre", torch.zeros(settings.prototypes))
        self.register_buffer("batch_centre", torch.zeros(settings.prototypes))
        self.register_buffer("teacher_temperature", torch.tensor(teacher_temperature_at(0.0, settings)))

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z = [self.projector(self.backbone(view)) for view in views]
        with torch.no_grad():
            t = [self.teacher(view) for view in views[: self.views]]
            self.batch_centre.copy_(batch_mean(torch.cat(t)))
        s = (self.prototypes(torch.cat(z)) / self.settings.student_temperature).split(len(labels))
        losses = swapped_cross_entropies(s, [self._sharpened(one).softmax(dim=1) for one in t])
        terms = {"distillation": gather(losses).mean()}
        return StepOutput(terms, (gather(on_sphere(z[0])), gather(on_sphere(z[1]))), logits=(s[0], s[1]))

    def _sharpened(self, teacher: Tensor) -> Tensor:
        return (teacher - self.centre) / self.teacher_temperature

    def after_step(self, progress: float) -> None:
        """Update the teacher, the centre and the teacher's temperature."""
        student = nn.Sequential(self.backbone, self.projector, self.prototypes)
        update_ema_copy(self.teacher, student, momentum=momentum_at(self.settings.momentum, progress))
        self.centre.lerp_(self.batch_centre, 1 - self.settings.centre_momentum)
        self.teacher_temperature.fill_(teacher_temperature_at(progress, self.settings))


class Prototypes(nn.Module):
    """A layer that returns cosines (k, prototypes) of `z` (k, d): the release's weight norm, its gain fixed at 1."""

    def __init__(self, inputs: int, prototypes: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(nn.init.trunc_normal_(torch.empty(prototypes, inputs), std=0.02))

    def forward(self, z: Tensor) -> Tensor:
        return cosines(on_sphere(z), on_sphere(self.directions))


def teacher_temperature_at(progress: float, settings: DINOERSettings) -> float:
    """Return the teacher's temperature: it rises linearly over the first `warmup_fraction` of training, then stays."""
    low, high = settings.warmup_teacher_temperature, settings.teacher_temperature
    if progress >= settings.warmup_fraction:
        return high
    return low + (high - low) * progress / settings.warmup_fraction
