"""Ten colour photographs that ship inside scikit-image and scikit-learn."""

from PIL import Image

from entrec.data.decoding import decoded
from entrec.data.packaged import packaged_file

# name: package, file, licence as the package states it
PHOTOGRAPHS = {
    "astronaut": ("skimage", "data/astronaut.png", "public domain (NASA)"),
    "cat": ("skimage", "data/chelsea.png", "CC0 (Stefan van der Walt)"),
    "china": ("sklearn", "datasets/images/china.jpg", "CC BY 2.0 (danielbuechele)"),
    "coffee": ("skimage", "data/coffee.png", "CC0 (Rachel Michetti)"),
    "flower": ("sklearn", "datasets/images/flower.jpg", "CC BY 2.0 (vultilion)"),
    "galaxies": ("skimage", "data/hubble_deep_field.jpg", "public domain (NASA)"),
    "motorcycle": ("skimage", "data/motorcycle_left.png", "not stated (Middlebury stereo benchmark 2014)"),
    "retina": ("skimage", "data/retina.jpg", "CC0 (Häggström 2014)"),
    "rocket": ("skimage", "data/rocket.jpg", "public domain (SpaceX)"),
    "tissue": ("skimage", "data/ihc.png", "no known copyright restrictions"),
}


def photograph(name: str) -> Image.Image:
    """Return the photograph in colour; raises `UserError` when its package does not hold it."""
    package, file, _ = PHOTOGRAPHS[name]
    return decoded(packaged_file(package, file).read_bytes()).image.convert("RGB")
