"""`python -m ml evaluate`: a folder of images through a registered network."""

import argparse
from collections import Counter
from pathlib import Path

from ml.commands.table import format_figures
from ml.data import LABELS
from ml.evaluation import ScoredImage, find_images, score_images, write_predictions
from ml.metrics import measure_all
from ml.policy import ThresholdPolicy
from ml.prediction import Predictor
from ml.specification import ModelSpecification


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--model", type=Path, required=True, help="the .h5 file; its .json beside it")
    parser.add_argument(
        "--images", type=Path, required=True, help="folder with benign/ and malignant/, or flat"
    )
    parser.add_argument("--output", type=Path, help="write each prediction to this CSV file")
    parser.add_argument("--bootstrap", type=int, default=2000, help="rounds for AUC and ECE (default 2000)")


def run(options: argparse.Namespace) -> int:
    """Score the folder, write the CSV and print the figures; returns the exit status."""
    entries = find_images(options.images)
    specification = ModelSpecification.load(options.model.with_suffix(".json"))
    predictor = Predictor(specification, options.model)
    print(f"{specification.name} {specification.version} on {predictor.device}")
    rows = list(score_images(predictor, options.images, entries))
    if options.output is not None:
        write_predictions(options.output, rows)
        print(f"{len(rows)} predictions written to {options.output}")
    counts = Counter(row.outcome for row in rows)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    print_figures(rows, ThresholdPolicy.from_dict(specification.policy), options.bootstrap)
    return 0


def print_figures(rows: list[ScoredImage], policy: ThresholdPolicy, rounds: int) -> None:
    """Print the figures of the labelled rows, or why there are none."""
    scored = [
        (row.calibrated_probability, LABELS.index(row.label))
        for row in rows
        if row.label and row.calibrated_probability is not None
    ]
    labels = [label for _, label in scored]
    if set(labels) != {0, 1}:
        print("No figures: they need images of both classes, in benign/ and malignant/.")
        return
    figures = measure_all([p for p, _ in scored], labels, policy, rounds=rounds)
    print(format_figures({"value (95 % interval)": figures}))
