"""`python -m ml crossvalidate`: a plan judged on lesions it has not seen, inside the train split."""

import argparse
from pathlib import Path

import numpy as np

from ml.commands.plan_options import add_plan_options, read_plan, read_views
from ml.datasets.records import find_data_root
from ml.serving.device import configure_devices, find_backend
from ml.training.crossvalidation import HeldOut, assign_folds, run_fold, summarise, write_results
from ml.training.data import load_training_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--name", required=True, help="of the recipe: names its results")
    parser.add_argument("--description", default="", help="what is tried, for the report's table")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", type=int, nargs="+", help="hold out only these folds, to compare cheaply")
    parser.add_argument("--folder", type=Path, default=Path("var/training/cross-validation"))
    parser.add_argument("--results", type=Path, default=Path("ml/results/cross-validation"))
    add_plan_options(parser)


def run(options: argparse.Namespace) -> int:
    """Train and judge the folds, writing what is known after each; returns the exit status."""
    plan, weights = read_plan(options)
    views = read_views(options)
    data = load_training_data(options.data_sets, plan.input_size, left_out=options.leave_out)
    folds = assign_folds(data.records, options.folds, seed=0)
    chosen = options.only or list(range(options.folds))
    print(f"{options.name}: {len(data.records)} images of {find_data_root().parent} on {configure_devices()}")
    results: list[HeldOut] = []
    for fold in chosen:
        print(f"Fold {fold}, {int(np.sum(folds == fold))} images held out")
        folder = options.folder / options.name
        results.append(run_fold(plan, data, folds, fold, folder, views=views, weights=weights))
        summary = {
            "recipe": options.name,
            "description": options.description,
            "plan": plan.to_dict(),
            "data_sets": list(options.data_sets),
            "left_out": list(options.leave_out),
            "views": list(views),
            "device": configure_devices(),
            "backend": find_backend(),
            "folds": options.folds,
            "held_out": [result.fold for result in results],
            **summarise(data, results, sum(result.progress.seconds for result in results)),
        }
        write_results(options.results, options.name, summary, data, results)
        print(", ".join(f"{key} {value}" for key, value in summary["figures"].items()))
    print(f"Written: {options.results / options.name}.json and .csv")
    return 0
