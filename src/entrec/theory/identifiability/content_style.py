"""The process of content and style (von Kuegelgen et al. 2021, arXiv:2106.04619, section 5.1).

Content c ~ N(0, content covariance) is the same in both views. Style s given c is N(shift + coupling c, style
covariance). In the second view each coordinate of style changes with probability `change`; the changed coordinates A
are drawn from N(s_A, Sigma_A). Adding masked noise of N(0, Sigma) does this, since Sigma_A is the covariance of its
coordinates A.

The authors' release (ysharma1126/ssl_identifiability) draws content with the covariance of style, and draws mixing and
covariances again when it evaluates. Here the process is kept in a file, whose digest stands in the encoder's file.
"""

from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from entrec.artefacts import sha256
from entrec.errors import UserError
from entrec.theory.identifiability.learners import Pairs
from entrec.theory.identifiability.mixing import Mixing, draw_mixing
from entrec.theory.identifiability.streams import stream
from entrec.theory.identifiability.tensor_files import read_tensors, write_tensors
from entrec.theory.settings.identifiability import ContentIsolation, ContentIsolationRow

COVARIANCES = ("content", "style", "changes")


class ContentStyle(nn.Module):
    """The process as a function of lower triangular square roots of its covariances.

    The latents (k, content + style) have content first.
    """

    content_root: Tensor
    style_root: Tensor
    changes_root: Tensor
    shift: Tensor
    coupling: Tensor

    def __init__(self, parts: dict[str, Tensor], mixing: Mixing, *, change: float, seed: int) -> None:
        super().__init__()
        for name in ("content_root", "style_root", "changes_root", "shift", "coupling"):
            self.register_buffer(name, parts[name])
        self.mixing, self.change, self.seed = mixing, change, seed

    @property
    def content(self) -> int:
        """The number of content latents."""
        return len(self.content_root)

    @property
    def style(self) -> int:
        """The number of style latents."""
        return len(self.style_root)

    def forward(self, k: int, generator: Generator) -> Pairs:
        """Draw `k` pairs on the generator's device, which is that of the process; latents (k, content + style)."""
        noise = [torch.randn(k, n, generator=generator, device=generator.device) for n in (self.content, self.style)]
        c = noise[0] @ self.content_root.T
        s = self.shift + c @ self.coupling.T + noise[1] @ self.style_root.T
        move, chance = (
            sampler(k, self.style, generator=generator, device=s.device) for sampler in (torch.randn, torch.rand)
        )
        changed = s + (move @ self.changes_root.T) * (chance < self.change)
        z1, z2 = torch.cat([c, s], dim=1), torch.cat([c, changed], dim=1)
        return Pairs(z1, z2, self.mixing(z1), self.mixing(z2))


def draw_content_style(settings: ContentIsolation, row: ContentIsolationRow, *, seed: int) -> ContentStyle:
    """Return the process of `seed`, which is the same on every device."""
    nc, ns = settings.content, settings.style
    generator = stream("process", seed=seed, device=torch.device("cpu"))
    roots = {
        f"{name}_root": wishart_root(n, generator=generator) if row.statistical else torch.eye(n)
        for name, n in zip(COVARIANCES, (nc, ns, ns), strict=True)
    }
    shift, coupling = (torch.randn(size, generator=generator) * row.causal for size in ((ns,), (ns, nc)))
    mixing = draw_mixing(settings.dimension, settings.network, seed=seed)
    return ContentStyle({**roots, "shift": shift, "coupling": coupling}, mixing, change=row.change, seed=seed)


def wishart_root(n: int, *, generator: Generator) -> Tensor:
    """Draw a lower triangular L (n, n); L L^T has the Wishart distribution with n degrees of freedom and scale I."""
    normals = torch.randn(n, n, generator=generator, dtype=torch.float64)
    return torch.linalg.cholesky(normals @ normals.T).float()


def save_process(process: ContentStyle, path: Path) -> str:
    """Write the process to `path` and return the digest of the file."""
    about = {"change": process.change, "seed": process.seed, "slope": process.mixing.slope}
    return write_tensors(path, process.state_dict(), about)


def load_process(path: Path, *, digest: str) -> ContentStyle:
    """Return the process in `path`; raises `UserError` if the file is damaged or has another digest than `digest`."""
    parts, about = read_tensors(path)
    found = sha256(path)
    if found != digest:
        raise UserError(
            f"{path}: process {found[:12]} is not that of the encoder, {digest[:12]}; use the file of the encoder's run"
        )
    mixing = Mixing(parts.pop("mixing.weights"), slope=about["slope"])
    return ContentStyle(parts, mixing, change=about["change"], seed=about["seed"])
