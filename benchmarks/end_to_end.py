"""SimCLR's training against the same in lightly: network, batch, images, augmentation and optimiser are the same.

Lightly's side is what its documentation shows: its transform in a dataset of PIL images, torch's DataLoader without
workers (as both sides have one thread), its projection head and its loss.
"""

import itertools
from collections.abc import Iterator

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.measuring import Ratio, at_least, in_turn, median_ratio
from benchmarks.studies import SIMCLR, Case, demo_network, resnet18, small_network
from benchmarks.training_step import real_steps
from benchmarks.views import lightly_transform
from entrec.data.prepared import Prepared
from entrec.methods.registry import SimCLRSettings
from entrec.networks.backbones import build_backbone, num_features
from entrec.training.device import make_deterministic, pick_device
from entrec.training.pretrain import build_batches, build_state


def ratios() -> Iterator[Ratio]:
    """Yield the images per second of training relative to lightly's."""
    make_deterministic(pick_device(), threads=1)
    for case, target in ((demo_network(SIMCLR), 4.0), (small_network(), 2.5), (resnet18(64), 1.1)):
        yield at_least(target, f"speed of SimCLR's training over lightly's: {case.name}", ours_over_lightly(case))


def ours_over_lightly(case: Case) -> float:
    """Return the median ratio of the speeds."""
    device, run = pick_device(), case.run("simclr")
    state = build_state(case.study, run, case.data, device=device)
    batches = build_batches(case.study, run, case.data, device=device)
    theirs = Lightly(case)
    times = in_turn(
        {
            "ours": lambda: real_steps(state, batches, case.study, case.steps),
            "lightly": lambda: theirs.train(case.steps),
        },
        rounds=5,
    )
    return median_ratio(times["lightly"], times["ours"])


class Lightly:
    """The training loop of lightly's example of SimCLR."""

    def __init__(self, case: Case) -> None:
        settings = case.study.method("simclr")
        assert isinstance(settings, SimCLRSettings)
        self.device = pick_device()
        self.autocast = case.study.training.precision == "bfloat16"
        backbone = build_backbone(case.study.network, channels=case.data.channels, size=case.data.size)
        hidden, out = settings.projector
        head = SimCLRProjectionHead(num_features(backbone), hidden, out)
        self.layout = torch.channels_last if case.study.training.channels_last else torch.contiguous_format
        self.model = nn.Sequential(backbone, head).to(self.device, memory_format=self.layout)  # type: ignore[call-overload]
        self.loss = NTXentLoss(temperature=settings.temperature)
        optimiser = settings.optimiser
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=optimiser.lr, weight_decay=optimiser.weight_decay
        )
        loader = DataLoader(PilImages(case.data), batch_size=case.batch_size, shuffle=True, drop_last=True)
        self.batches = itertools.chain.from_iterable(itertools.repeat(loader))

    def train(self, steps: int) -> None:
        """Take `steps` steps."""
        for (view1, view2), _ in itertools.islice(self.batches, steps):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
                z1, z2 = (self.model(view.to(self.device, memory_format=self.layout)) for view in (view1, view2))
                loss = self.loss(z1, z2)
            loss.backward()
            self.optimiser.step()
            self.optimiser.zero_grad()


class PilImages(Dataset[tuple[list[Tensor], int]]):
    """The images of `data` in memory as PIL has them, with lightly's transform."""

    def __init__(self, data: Prepared) -> None:
        array = data.images.array  # type: ignore[attr-defined]
        self.images = [Image.fromarray(image.squeeze()) for image in array]
        self.labels = data.labels.tolist()
        self.transform = lightly_transform(data)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[list[Tensor], int]:
        return self.transform(self.images[index]), self.labels[index]
