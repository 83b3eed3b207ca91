"""Score raw pixels by the study's linear protocol, which shows how hard the dataset is without any network.

python benchmarks/raw_pixels.py --study params/demo.yaml --data data/demo/digits
"""

import argparse
from pathlib import Path

import torch

from entrec.data.prepared import Prepared, open_prepared
from entrec.data.splits import SplitName
from entrec.data.views import centre
from entrec.evaluation.linear import evaluate_linear
from entrec.evaluation.splits import Split, Splits
from entrec.results import LinearAccuracies
from entrec.study import Study, load_study


def main() -> None:
    """Print the test accuracy in percent and the L2 strength that the validation split chose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the prepared dataset's folder")
    arguments = parser.parse_args()
    study, prepared = load_study(arguments.study), open_prepared(arguments.data)
    scores = score(study, prepared)
    print(f"{prepared.name}: {100 * scores.test:.1f} % on raw pixels, L2 {scores.l2:g}")


def score(study: Study, prepared: Prepared) -> LinearAccuracies:
    """Return the accuracies of a linear classifier of the pixels, 0 to 255."""

    def pixels(split: SplitName) -> Split:
        rows = prepared.indices(split)
        values = 255 * centre(prepared.images.read(rows), prepared.size, torch.device("cpu"))
        return Split(values.flatten(1), torch.from_numpy(prepared.labels[rows]))

    splits = Splits(pixels("train"), pixels("validation"), pixels("test"))
    return evaluate_linear(splits, classes=len(prepared.classes), linear=study.evaluation.linear, seed=0)


if __name__ == "__main__":
    main()
