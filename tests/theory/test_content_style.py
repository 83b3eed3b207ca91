"""The process of content and style: its moments, what the views share, and the file that keeps it."""

import pytest
import torch
from tests.conftest import generator
from tests.theory.conftest import inverse

from entrec.errors import UserError
from entrec.theory.identifiability.content_style import draw_content_style, load_process, save_process, wishart_root
from entrec.theory.settings.estimators import EntRec
from entrec.theory.settings.identifiability import (
    AlignEntropy,
    ContentIsolation,
    ContentIsolationRow,
    KernelRidge,
    Network,
    Training,
)


@pytest.fixture(scope="module")
def settings():
    return ContentIsolation(
        dimension=5,
        content=2,
        style=3,
        network=Network(layers=3, slope=0.2, draws=100, hidden=(16,), encoder_slope=0.2),
        training=Training(batch_size=16, steps=8, lr=1e-2, precision="float32", trace_every=4, trace_points=40),
        points=60,
        kernel_ridge=KernelRidge(gammas=(0.1,), alphas=(0.1,)),
        temperature=1.0,
        align_entropy=AlignEntropy(bandwidth=0.2, weight=3.0),
        entrec_cont=EntRec(kernel_kappa=10.0, kappa=10.0),
        categories=4,
        seeds=(0,),
        rows={"plain": ContentIsolationRow(change=1.0, statistical=False, causal=False)},
    )


def drawn(settings, *, change=0.75, statistical=True, causal=True, seed=0):
    row = ContentIsolationRow(change=change, statistical=statistical, causal=causal)
    return draw_content_style(settings, row, seed=seed)


def moments(z):
    return z.mean(dim=0), torch.cov(z.T)


def close(found, expected, *, by=0.05):
    """Within a share of the largest entry, or of 1."""
    return ((found - expected).abs().max() / expected.abs().max().clamp(min=1)) < by


@pytest.mark.parametrize("change", [0.3, 0.75, 1.0])
def test_content_is_shared_and_each_style_coordinate_changes_with_its_probability(settings, change):
    z1, z2, _, _ = drawn(settings, change=change)(20_000, generator())
    assert torch.equal(z1[:, :2], z2[:, :2])
    share = (z1[:, 2:] != z2[:, 2:]).float().mean(dim=0)
    assert share.tolist() == pytest.approx([change] * 3, abs=0.02)


def test_coordinates_change_independently_of_each_other(settings):
    z1, z2, _, _ = drawn(settings, change=0.5)(20_000, generator())
    changed = (z1[:, 2:] != z2[:, 2:]).float()
    assert close(torch.cov(changed.T), 0.25 * torch.eye(3), by=0.01)


def test_content_has_its_own_covariance_and_style_the_causal_one(settings):
    process = drawn(settings)
    z, _, _, _ = process(200_000, generator())
    content_root, style_root = process.content_root, process.style_root
    of_content, of_style = content_root @ content_root.T, style_root @ style_root.T
    mean, covariance = moments(z)
    assert close(mean[:2], torch.zeros(2), by=0.02)
    assert close(mean[2:], process.shift)
    assert close(covariance[:2, :2], of_content)
    assert close(covariance[2:, :2], process.coupling @ of_content)
    assert close(covariance[2:, 2:], of_style + process.coupling @ of_content @ process.coupling.T)


def test_what_changes_together_is_drawn_from_its_part_of_the_covariance(settings):
    process = drawn(settings)
    z1, z2, _, _ = process(200_000, generator())
    moved = (z2 - z1)[:, 2:]
    covariance = process.changes_root @ process.changes_root.T
    only = [0, 2]
    rows = (moved[:, 0] != 0) & (moved[:, 1] == 0) & (moved[:, 2] != 0)
    mean, found = moments(moved[rows][:, only])
    assert close(mean, torch.zeros(2), by=0.05)
    assert close(found, covariance[only][:, only])


def test_without_dependence_all_latents_are_standard_and_apart(settings):
    z1, z2, _, _ = drawn(settings, statistical=False, causal=False, change=1.0)(100_000, generator())
    for z, expected in ((z1, torch.eye(5)), ((z2 - z1)[:, 2:], torch.eye(3))):
        mean, covariance = moments(z)
        assert close(mean, torch.zeros(len(mean)), by=0.02)
        assert close(covariance, expected, by=0.03)


def test_statistical_dependence_alone_leaves_style_apart_from_content(settings):
    process = drawn(settings, causal=False)
    assert not process.shift.any()
    assert not process.coupling.any()
    assert not torch.allclose(process.style_root, process.changes_root)


def test_the_wishart_draw_has_n_times_the_identity_as_its_mean():
    g = generator()
    roots = torch.stack([wishart_root(3, generator=g) for _ in range(4000)])
    assert close((roots @ roots.mT).mean(dim=0), 3 * torch.eye(3))
    assert torch.equal(roots, roots.tril())


def test_observations_are_the_mixing_of_all_latents(settings):
    process = drawn(settings)
    z1, z2, x1, x2 = process(10, generator())
    for z, x in ((z1, x1), (z2, x2)):
        assert z.shape == x.shape == (10, 5)
        assert torch.allclose(inverse(process.mixing, x), z, atol=1e-3)


def test_the_file_gives_the_process_back_bit_for_bit(settings, tmp_path):
    process, path = drawn(settings), tmp_path / "process.safetensors"
    again = load_process(path, digest=save_process(process, path))
    assert (again.change, again.seed, again.mixing.slope) == (0.75, 0, 0.2)
    for before, after in zip(process(10, generator()), again(10, generator()), strict=True):
        assert torch.equal(before, after)


def test_the_process_of_another_run_is_refused_in_one_line(settings, tmp_path):
    mine, other = tmp_path / "mine.safetensors", tmp_path / "other.safetensors"
    digest = save_process(drawn(settings), mine)
    save_process(drawn(settings, seed=1), other)
    with pytest.raises(
        UserError, match=r"other.safetensors: process .* is not that of the encoder, .*; use the file"
    ) as caught:
        load_process(other, digest=digest)
    assert "\n" not in str(caught.value)


def test_one_process_has_one_digest_wherever_it_is_written(settings, tmp_path):
    digests = {save_process(drawn(settings), tmp_path / f"{i}.safetensors") for i in range(5)}
    assert len(digests) == 1
    digests |= {save_process(drawn(settings, change=0.5), tmp_path / "another.safetensors")}
    assert len(digests) == 2


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path):
    path = tmp_path / "process.safetensors"
    with pytest.raises(UserError, match=r"process.safetensors: missing"):
        load_process(path, digest="")
    path.write_bytes(b"not tensors at all")
    with pytest.raises(UserError, match=r"process.safetensors: damaged or foreign"):
        load_process(path, digest="")
