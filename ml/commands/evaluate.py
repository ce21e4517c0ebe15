"""`python -m ml evaluate`: a folder of images, or the labelled sets, through a registered network."""

import argparse
from collections import Counter
from pathlib import Path

from ml.datasets.image_sets import SETS
from ml.datasets.records import LABELS
from ml.evaluation.metrics import format_figures, measure_all
from ml.evaluation.scoring import ScoredImage, find_images, score_images, write_predictions
from ml.evaluation.sets import evaluate_sets, refresh_tags
from ml.evaluation.stored_predictions import CONSISTENCY, RESULTS
from ml.serving.policy import DecisionPolicy
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
SET_NAMES = (*SETS, CONSISTENCY)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--model", type=Path, help="the .h5 file; its .json beside it")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--images", type=Path, help="folder with benign/ and malignant/, or flat")
    what.add_argument(
        "--sets", nargs="+", metavar="SET", help=f"all, or some of {', '.join(SET_NAMES)}; results are kept"
    )
    parser.add_argument("--output", type=Path, help="with --images: write each prediction to this CSV file")
    parser.add_argument("--bootstrap", type=int, default=2000, help="rounds for AUC and ECE (default 2000)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="with --sets: folder of stored results")
    parser.add_argument("--keep-as", help="with --sets and --model: name of the folder of its predictions")


def run(options: argparse.Namespace) -> int:
    """Score the folder or the sets, keep the predictions; returns the exit status."""
    return _run_sets(options) if options.sets else _run_folder(options)


def _run_sets(options: argparse.Namespace) -> int:
    names = SET_NAMES if options.sets == ["all"] else tuple(options.sets)
    unknown = [name for name in names if name not in SET_NAMES]
    if unknown:
        raise ValueError(f"Expected all or a set among {', '.join(SET_NAMES)}, received {unknown[0]!r}.")
    if options.keep_as and not options.model:
        raise ValueError("Expected --model beside --keep-as, received none.")
    specifications = [options.model.with_suffix(".json")] if options.model else sorted(WEIGHTS.glob("*.json"))
    for path in specifications:
        specification = ModelSpecification.load(path)
        model = options.model or path.parent / specification.file
        folder = options.results / "predictions" / (options.keep_as or specification.name)
        print(f"{specification.name} {specification.version}: {', '.join(names)}")
        scored = evaluate_sets(specification, model, names, folder)
        print(f"{len(scored)} scored now, {len(names) - len(scored)} were stored already, in {folder}")
    for folder in sorted((options.results / "predictions").iterdir()):
        if changed := refresh_tags(folder, names):
            print(f"{folder.name}: what is known of the images written anew in {', '.join(changed)}")
    return 0


def _run_folder(options: argparse.Namespace) -> int:
    if options.model is None:
        raise ValueError("Expected --model beside --images, received none.")
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
    print_figures(rows, DecisionPolicy.from_dict(specification.policy), options.bootstrap)
    return 0


def print_figures(rows: list[ScoredImage], policy: DecisionPolicy, rounds: int) -> None:
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
