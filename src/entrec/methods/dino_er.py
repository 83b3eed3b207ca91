"""DINO + ER: DINO's networks trained with the discrete EntRec bound (Rodríguez-Gálvez et al., arXiv:2307.10907).

The reconstruction term is DINO's cross-entropy without the centre. The entropy takes over the centre's purpose, to keep
all prototypes in use: it is the plug-in entropy of the student's mean softmax over each global view, because the
teacher's has no gradient. The authors released no training code; we do not know whether they take the entropy of the
student or of the teacher, nor at which temperature. The deviations from DINO's release are those of `dino`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from entrec.collectives import batch_mean, gather
from entrec.information.entropy import plug_in_entropy
from entrec.methods.dino import Prototypes, teacher_temperature_at
from entrec.methods.ema import ema_copy, momentum_at, update_ema_copy
from entrec.methods.method import Method, StepOutput
from entrec.methods.multi_crop import swapped_cross_entropies
from entrec.methods.registry import DINOERSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class DINOER(Method):
    """A student (backbone, projector, normalised prototypes) and a teacher, an EMA copy of it, without a centre."""

    views = 2
    weights = {"entropy_term": -1.0, "reconstruction_term": -1.0}
    teacher_temperature: Tensor

    def __init__(self, backbone: nn.Module, settings: DINOERSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector)
        self.prototypes = Prototypes(settings.projector[-1], settings.prototypes)
        self.teacher = ema_copy(nn.Sequential(self.backbone, self.projector, self.prototypes))
        self.settings = settings
        self.register_buffer("teacher_temperature", torch.tensor(teacher_temperature_at(0.0, settings)))

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z = [self.projector(self.backbone(view)) for view in views]
        with torch.no_grad():
            t = [(self.teacher(view) / self.teacher_temperature).softmax(dim=1) for view in views[: self.views]]
        s = (self.prototypes(torch.cat(z)) / self.settings.student_temperature).split(len(labels))
        losses = swapped_cross_entropies(s, t)
        entropies = [plug_in_entropy(batch_mean(one.softmax(dim=1))[None]) for one in s[: self.views]]
        terms = {"entropy_term": torch.stack(entropies).mean(), "reconstruction_term": -gather(losses).mean()}
        return StepOutput(terms, (gather(on_sphere(z[0])), gather(on_sphere(z[1]))), logits=(s[0], s[1]))

    def after_step(self, progress: float) -> None:
        """Update the teacher and its temperature."""
        student = nn.Sequential(self.backbone, self.projector, self.prototypes)
        update_ema_copy(self.teacher, student, momentum=momentum_at(self.settings.momentum, progress))
        self.teacher_temperature.fill_(teacher_temperature_at(progress, self.settings))
