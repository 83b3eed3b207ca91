"""What the study's own linear protocol scores on raw pixels: how hard its dataset is without any network.

python benchmarks/raw_pixels.py --study params/demo.yaml --data data/demo/digits
"""

import argparse
from pathlib import Path

import torch

from entrec.data.prepared import open_prepared
from entrec.evaluation.linear import evaluate_linear
from entrec.evaluation.parts import Part, PartName, Parts
from entrec.params import load_study


def main() -> None:
    """Print the test accuracy in percent and the L2 strength that the validation part chose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the prepared dataset's folder")
    arguments = parser.parse_args()
    study, prepared = load_study(arguments.study), open_prepared(arguments.data)

    def pixels(part: PartName) -> Part:
        rows = prepared.indices(part)
        return Part(torch.from_numpy(prepared.images[rows]).flatten(1).float(), torch.from_numpy(prepared.labels[rows]))

    parts = Parts(pixels("train"), pixels("validation"), pixels("test"))
    scores = evaluate_linear(parts, classes=len(prepared.classes), linear=study.evaluation.linear, seed=0)
    print(f"{prepared.name}: {100 * scores['test']:.1f} % on raw pixels, L2 {scores['l2']:g}")


if __name__ == "__main__":
    main()
