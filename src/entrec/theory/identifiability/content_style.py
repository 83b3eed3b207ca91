"""Content and style (von Kuegelgen et al. 2021, arXiv:2106.04619, section 5.1): which latents two views share.

Content c ~ N(0, content covariance) is the same in both views. Style s given c is N(shift + coupling c, style
covariance); in the other view each of its coordinates changes with probability `change`, the changed ones A to
N(s_A, Sigma_A). Masked noise of N(0, Sigma) is just that, since Sigma_A is the covariance of its part A.

The release (ysharma1126/ssl_identifiability) draws content with the covariance of style, and builds mixing and
covariances anew when it evaluates. Here one file holds the process, and a model knows the digest of its own.
"""

from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from entrec.errors import UserError
from entrec.theory.identifiability.learners import Pairs
from entrec.theory.identifiability.mixing import Mixing, draw_mixing
from entrec.theory.identifiability.streams import seed_of, stream
from entrec.theory.identifiability.tensor_files import digest_of, read_tensors, write_tensors
from entrec.theory.settings.identifiability import ContentIsolation, ContentIsolationRow

COVARIANCES = ("content", "style", "changes")


class ContentStyle(nn.Module):
    """The process, from the square roots of its covariances, lower triangles; content comes first in the latents."""

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
        """How many latents are content."""
        return len(self.content_root)

    @property
    def style(self) -> int:
        """How many latents are style."""
        return len(self.style_root)

    def forward(self, k: int, generator: Generator) -> Pairs:
        """`k` pairs on the generator's device, where the process is; latents (k, content + style)."""
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
    """The process of `seed`, the same on every device; raises `UserError` unless content and style make up all."""
    network, nc, ns = settings.network, settings.content, settings.style
    generator = stream("process", seed=seed, device=torch.device("cpu"))
    roots = {
        f"{name}_root": wishart_root(n, generator=generator) if row.statistical else torch.eye(n)
        for name, n in zip(COVARIANCES, (nc, ns, ns), strict=True)
    }
    shift, coupling = (torch.randn(size, generator=generator) * row.causal for size in ((ns,), (ns, nc)))
    mixing = draw_mixing(settings.dimension, network, seed=seed_of("mixing", seed=seed))
    return ContentStyle({**roots, "shift": shift, "coupling": coupling}, mixing, change=row.change, seed=seed)


def wishart_root(n: int, *, generator: Generator) -> Tensor:
    """Lower triangle L (n, n) with L L^T from the Wishart distribution with n degrees of freedom and scale I."""
    normals = torch.randn(n, n, generator=generator, dtype=torch.float64)
    return torch.linalg.cholesky(normals @ normals.T).float()


def save_process(process: ContentStyle, path: Path) -> str:
    """Write all that makes the process; the digest by which its models know it."""
    about = {"change": process.change, "seed": process.seed, "slope": process.mixing.slope}
    return write_tensors(path, process.state_dict(), about)


def load_process(path: Path, *, digest: str) -> ContentStyle:
    """The process in `path`; raises `UserError` if the file is damaged, or not that of `digest`."""
    parts, about = read_tensors(path)
    found = digest_of(path)
    if found != digest:
        raise UserError(
            f"{path}: process {found[:12]} is not that of the model, {digest[:12]}; give the file from the model's run"
        )
    mixing = Mixing(parts.pop("mixing.weights"), slope=about["slope"])
    return ContentStyle(parts, mixing, change=about["change"], seed=about["seed"])
