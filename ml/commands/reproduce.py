"""`python -m ml reproduce`: the paper's two networks trained as it did, its figures beside ours."""

import argparse
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ml.datasets.records import DataError, ImageRecord, find_data_root, load_pixels, read_labels, read_records
from ml.research.reproduction.figures import draw_figures, draw_samples
from ml.research.reproduction.results import RunResult, load_result, save_result
from ml.research.reproduction.runs import EPOCHS, ITERATIONS, NETWORKS, SEEDS, ReproductionRun, list_runs
from ml.research.reproduction.section import describe_reproduction
from ml.research.reproduction.tables import read_tables, write_tables
from ml.research.reproduction.training import train_run
from ml.training.batches import LabelledPixels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--data", type=Path, help="the image set (default fanconi-isic)")
    parser.add_argument("--folder", type=Path, default=Path("var/training/reproduction"), help="checkpoints")
    parser.add_argument("--results", type=Path, default=Path("ml/results/reproduction"))
    parser.add_argument(
        "--pictures",
        type=Path,
        default=Path("var/reproduction"),
        help="where the sheet of sample images goes: not to be published, CC BY-NC",
    )
    parser.add_argument("--architectures", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--iterations", nargs="+", type=int, default=list(ITERATIONS), help="steps an epoch")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--input-size", type=int, default=224, help="pixels (the paper's: 224)")
    parser.add_argument("--restart", action="store_true", help="forget the folder's checkpoints and results")
    parser.add_argument("--draw-only", action="store_true", help="draw the stored results, train nothing")


def run(options: argparse.Namespace) -> int:
    """Train what is not trained yet, write tables and figures; returns the exit status."""
    root = options.data or find_data_root()
    if not options.draw_only:
        _train(options, root)
    stored = read_tables(options.results)
    for path in draw_figures(stored, options.results):
        print(f"{path} drawn")
    if stored.runs:
        print(f"{draw_samples(stored, root, options.pictures)} drawn")
    print(describe_reproduction(options.results))
    return 0


def _train(options: argparse.Namespace, root: Path) -> None:
    runs = list_runs(
        options.architectures,
        options.iterations,
        options.seeds,
        epochs=options.epochs,
        input_size=options.input_size,
    )
    records = read_records(root)
    parts = {name: [r for r in records if r.split == name] for name in ("train", "test")}
    if not all(parts.values()):
        raise DataError(f"Expected train and test images in {root}, received one split only.")
    data = describe_data(root, parts)
    if options.restart:
        for one in runs:
            shutil.rmtree(options.folder / one.name, ignore_errors=True)
    plans = {one.name: one.to_dict() | {"data": data["sha256"]} for one in runs}
    done = {one.name: load_result(options.folder / one.name, one, plans[one.name]) for one in runs}
    if any(done.values()):
        _write(options.results, data, runs, done, parts["test"])
    if all(done.values()):
        print(f"All {len(runs)} runs are trained already.")
        return
    size = (options.input_size, options.input_size)
    loaded = {
        name: LabelledPixels(load_pixels(root, part, size, what=f"Decoding {name}"), read_labels(part))
        for name, part in parts.items()
    }
    with tqdm(total=sum(one.steps for one in runs), unit="step", desc="All runs", position=0) as bar:
        bar.update(sum(one.steps for one in runs if done[one.name]))
        for number, one in enumerate(runs, start=1):
            if done[one.name]:
                continue
            bar.set_description(f"Run {number} of {len(runs)}")
            tqdm.write(f"Run {number} of {len(runs)}: {one.name}")
            count = _Counter(bar, one.iterations)
            folder = options.folder / one.name
            result = train_run(
                one, loaded["train"], loaded["test"], folder, plans[one.name], after_epoch=count
            )
            save_result(folder, result, plans[one.name])
            (folder / "checkpoint.npz").unlink(missing_ok=True)
            done[one.name] = result
            _write(options.results, data, runs, done, parts["test"])


class _Counter:
    """Moves the bar of all runs on by the epochs of one run."""

    def __init__(self, bar: "tqdm[Any]", iterations: int) -> None:
        self._bar, self._iterations, self._seen = bar, iterations, 0

    def __call__(self, epoch: int) -> None:
        self._bar.update((epoch - self._seen) * self._iterations)
        self._seen = epoch


def describe_data(root: Path, parts: dict[str, list[ImageRecord]]) -> dict[str, Any]:
    """Return the set's name, the counts of its `parts` and one digest over all its images."""
    lines = sorted(f"{record.sha256}  {record.path}" for part in parts.values() for record in part)
    return {
        "name": root.name,
        **{f"{name}_images": len(part) for name, part in parts.items()},
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }


def _write(
    folder: Path,
    data: dict[str, Any],
    runs: Sequence[ReproductionRun],
    done: dict[str, RunResult | None],
    records: Sequence[ImageRecord],
) -> None:
    results = [result for one in runs if (result := done[one.name]) is not None]
    write_tables(folder, data, results, [one for one in runs if done[one.name] is None], records)
