"""Fashion-MNIST: the package's and the downloaded files are read as they are, damaged ones are refused."""

import gzip
import struct
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision.datasets

from entrec.data.sources import fashion_mnist
from entrec.errors import UserError


def idx(array: np.ndarray, *, magic: int | None = None) -> bytes:
    """The array in the format of the MNIST family: a big-endian header, then the bytes."""
    return (
        struct.pack(f">I{array.ndim}I", magic or 0x0800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()
    )


def write_gzip(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content))
    return path


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of 20 training and 10 test images in place of the Debian package's."""
    pixels = np.random.default_rng(0)
    for split, count in [("train", 20), ("t10k", 10)]:
        write_gzip(tmp_path / f"{split}-images-idx3-ubyte.gz", idx(pixels.integers(256, size=(count, 28, 28))))
        write_gzip(tmp_path / f"{split}-labels-idx1-ubyte.gz", idx(np.arange(count) % 10))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path)
    return tmp_path


@pytest.fixture
def no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the Debian package, and its user's cache, which is empty."""
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "absent")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "entrec"


def test_the_official_test_split_comes_last_and_pixels_are_as_stored(spec, debian):
    source = fashion_mnist.load(spec)
    pixels = np.random.default_rng(0)
    assert np.array_equal(source.images[:20, ..., 0], pixels.integers(256, size=(20, 28, 28)))
    assert np.array_equal(source.images[20:, ..., 0], pixels.integers(256, size=(10, 28, 28)))
    assert (source.images.dtype, source.labels.dtype) == (np.uint8, np.int64)
    assert source.official_test.tolist() == [False] * 20 + [True] * 10
    assert source.labels.tolist() == [*range(10)] * 3


@pytest.mark.skipif(not fashion_mnist.DEBIAN.is_dir(), reason="needs the Debian package dataset-fashion-mnist")
def test_debians_package_holds_seventy_thousand_images_in_even_classes(spec):
    source = fashion_mnist.load(spec)
    assert source.images.shape == (70000, 28, 28, 1)
    assert np.bincount(source.labels[source.official_test]).tolist() == [1000] * 10
    assert np.bincount(source.labels[~source.official_test]).tolist() == [6000] * 10


@pytest.mark.parametrize("damage", ["cut", "html", "gone"])
def test_a_file_that_cannot_be_unpacked_is_named(spec, debian, damage):
    path = debian / "t10k-images-idx3-ubyte.gz"
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[:-100] if damage == "cut" else b"<html>404</html>")
    with pytest.raises(
        UserError, match=r"t10k-images-idx3-ubyte.gz: missing or damaged \(.*\); reinstall the package"
    ) as error:
        fashion_mnist.load(spec)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("cut", [1, 28, 28 * 28 * 20 + 8, 28 * 28 * 20 + 10])
def test_fewer_bytes_than_the_header_says_are_refused(spec, debian, cut):
    write_gzip(debian / "train-images-idx3-ubyte.gz", idx(np.zeros((20, 28, 28)))[:-cut])
    with pytest.raises(UserError, match=rf"^{debian}: damaged \(.*\); reinstall the package dataset-fashion-mnist$"):
        fashion_mnist.load(spec)


def test_another_type_of_numbers_is_refused(spec, debian):
    write_gzip(debian / "train-images-idx3-ubyte.gz", idx(np.zeros((20, 28, 28)), magic=0x0D03))
    with pytest.raises(UserError, match=rf"^{debian}: damaged"):
        fashion_mnist.load(spec)


@pytest.mark.parametrize("labels", [np.arange(19) % 10, np.full(20, 10)])
def test_labels_that_do_not_fit_the_images_are_refused(spec, debian, labels):
    write_gzip(debian / "train-labels-idx1-ubyte.gz", idx(labels))
    with pytest.raises(UserError, match=r"(19|20) labels up to .* for 20 images of 10 classes; delete or reinstall"):
        fashion_mnist.load(spec)


@pytest.mark.parametrize("fault", [URLError("no route to host"), RuntimeError("Error downloading x:\nlong story")])
def test_without_package_and_network_the_package_is_named(spec, no_package, monkeypatch, fault):
    def unreachable(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", unreachable)
    with pytest.raises(UserError, match="install the Debian package dataset-fashion-mnist") as error:
        fashion_mnist.load(spec)
    assert "\n" not in str(error.value)


def test_downloaded_files_are_read_from_the_users_cache(spec, debian, no_package, monkeypatch):
    def fetch(self: torchvision.datasets.FashionMNIST) -> None:
        Path(self.raw_folder).mkdir(parents=True, exist_ok=True)
        for path in debian.glob("*.gz"):
            (Path(self.raw_folder) / path.stem).write_bytes(gzip.decompress(path.read_bytes()))

    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "download", fetch)
    assert len(fashion_mnist.load(spec).images) == 30
    assert len(list((no_package / "FashionMNIST" / "raw").iterdir())) == 4
