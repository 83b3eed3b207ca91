"""Fashion-MNIST's files: read as they are, refused when damaged, fetched only when absent."""

import gzip
import struct
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision.datasets

from entrec.data import fashion_mnist
from entrec.data.idx import read_idx
from entrec.errors import UserError


def write_idx(path: Path, array: np.ndarray, *, magic: int | None = None, cut: int = 0) -> Path:
    header = struct.pack(f">I{array.ndim}I", magic or 0x0800 + array.ndim, *array.shape)
    content = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content[: len(content) - cut]))
    return path


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of 20 training and 10 test images in place of the Debian package's."""
    pixels = np.random.default_rng(0)
    for part, count in [("train", 20), ("t10k", 10)]:
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", pixels.integers(256, size=(count, 28, 28)))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path)
    return tmp_path


def test_an_array_survives_the_format(tmp_path):
    array = np.random.default_rng(0).integers(256, size=(3, 4, 5)).astype(np.uint8)
    assert np.array_equal(read_idx(write_idx(tmp_path / "a.gz", array), dimensions=3), array)


def test_the_official_test_part_comes_last(spec, debian):
    source = fashion_mnist.load(spec)
    assert source.images.shape == (30, 28, 28, 1)
    assert source.official_test.tolist() == [False] * 20 + [True] * 10
    assert source.labels.tolist() == [*range(10)] * 3


@pytest.mark.skipif(not fashion_mnist.DEBIAN.is_dir(), reason="needs the Debian package dataset-fashion-mnist")
def test_debians_package_holds_seventy_thousand_images_in_even_classes(spec):
    source = fashion_mnist.load(spec)
    assert source.images.shape == (70000, 28, 28, 1)
    assert np.bincount(source.labels[source.official_test]).tolist() == [1000] * 10
    assert np.bincount(source.labels[~source.official_test]).tolist() == [6000] * 10


def test_a_file_cut_short_inside_gzip_is_named(spec, debian):
    path = debian / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte.gz: truncated or not gzip"):
        fashion_mnist.load(spec)


def test_a_file_that_is_not_gzip_is_named(spec, debian):
    (debian / "train-labels-idx1-ubyte.gz").write_text("<html>404</html>")
    with pytest.raises(UserError, match=r"train-labels-idx1-ubyte.gz: truncated or not gzip"):
        fashion_mnist.load(spec)


@pytest.mark.parametrize("cut", [1, 28, 28 * 28 * 20 + 8, 28 * 28 * 20 + 10])
def test_a_file_with_fewer_bytes_than_its_header_says_is_named(spec, debian, cut):
    path = write_idx(debian / "train-images-idx3-ubyte.gz", np.zeros((20, 28, 28)), cut=cut)
    with pytest.raises(UserError, match=f"{path}: holds"):
        fashion_mnist.load(spec)


def test_another_magic_number_is_refused(spec, debian):
    write_idx(debian / "train-images-idx3-ubyte.gz", np.zeros((20, 28, 28)), magic=0x0D03)
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte.gz: starts with 00000d03, not IDX's 00000803"):
        fashion_mnist.load(spec)


def test_a_missing_file_is_named(spec, debian):
    (debian / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte.gz: missing"):
        fashion_mnist.load(spec)


@pytest.mark.parametrize("labels", [np.arange(19) % 10, np.full(20, 10)])
def test_labels_that_do_not_fit_the_images_are_refused(spec, debian, labels):
    write_idx(debian / "train-labels-idx1-ubyte.gz", labels)
    with pytest.raises(UserError, match=r"train-labels-idx1-ubyte.gz: (19|20) labels up to"):
        fashion_mnist.load(spec)


@pytest.mark.parametrize("fault", [URLError("no route to host"), RuntimeError("Error downloading x:\nlong story")])
def test_without_package_and_network_the_package_is_named(spec, tmp_path, monkeypatch, fault):
    def unreachable(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "absent")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", unreachable)
    with pytest.raises(UserError, match="install the Debian package dataset-fashion-mnist") as error:
        fashion_mnist.load(spec)
    assert "\n" not in str(error.value)


def test_downloaded_files_are_read_from_the_users_cache(spec, debian, tmp_path, monkeypatch):
    def fetched(root: str, *, download: bool) -> None:
        raw = Path(root) / "FashionMNIST" / "raw"
        raw.mkdir(parents=True)
        for path in debian.glob("*.gz"):
            path.rename(raw / path.name)

    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "absent")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", fetched)
    assert len(fashion_mnist.load(spec).images) == 30
