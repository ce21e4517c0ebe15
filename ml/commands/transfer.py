"""`python -m ml transfer`: a network that travels, from images to a `.h5` file, its ground and its specification."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.commands.sources import add_transfer_options, read_transfer_plan
from ml.datasets.records import PAPER_SET, ImageRecord, find_data_root, read_records
from ml.datasets.sources import (
    SOURCED_SETS,
    SourcedImage,
    count_images,
    read_repeated_lesions,
    read_sourced_images,
)
from ml.digests import digest_bytes
from ml.evaluation.stored_predictions import RESULTS
from ml.serving.device import configure_devices
from ml.serving.specification import LEFT_OUT, ModelSpecification
from ml.training.activations import FEATURES, Activations, cache_activations
from ml.training.fitting import fit_left_out
from ml.training.gate_fitting import fit_ground
from ml.training.left_out_sources import read_left_out
from ml.training.release import (
    describe_licence,
    describe_versions,
    finish_transfer,
    round_fields,
    save_network,
)
from ml.training.run import find_scaling
from ml.training.transfer import TransferPlan, extract_features, fit_probe_alone, tune_upper

if TYPE_CHECKING:
    import keras


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--recipe", required=True, help="name of its left-out figures, by `sources --with-rows`"
    )
    parser.add_argument("--name", help="of the network (default the architecture's)")
    parser.add_argument("--version", required=True, help="version of the network")
    parser.add_argument("--output", type=Path, help="default ml/weights/ARCHITECTURE.h5")
    parser.add_argument("--folder", type=Path, default=Path("var/training/transfer"), help="checkpoints")
    parser.add_argument("--cache", type=Path, default=Path("var/training/activations"))
    parser.add_argument("--results", type=Path, default=RESULTS / "left-out-sources")
    parser.add_argument("--without-test", action="store_true", help="leave the test images alone")
    add_transfer_options(parser)


def run(options: argparse.Namespace) -> int:
    """Train on every source, calibrate on the left-out ones, write the files; returns the exit status."""
    plan, weights = read_transfer_plan(options)
    output = options.output or Path("ml/weights") / f"{plan.architecture}.h5"
    device = configure_devices()
    left_out = read_left_out(options.results / f"{options.recipe}.csv")
    images = read_sourced_images()
    print(f"{plan.architecture}: {len(images)} images, {count_images(images)}, on {device}", flush=True)
    data = find_data_root("")
    kept = cache_activations(plan.cache, images, plan.copies, options.cache, data=data, weights=weights)
    network, features, history = _train(plan, images, kept, options, weights)
    sha256 = save_network(network, output)
    ground = fit_ground(features, [image.source for image in images]).to_bytes()
    ground_path = output.with_suffix(".ground.npz")
    ground_path.write_bytes(ground)
    name = options.name or plan.architecture
    calibration, policy = fit_left_out(left_out, version=f"{name}-{options.version}-left-out-sources")
    draft = ModelSpecification(
        name=name,
        version=options.version,
        file=output.name,
        sha256=sha256,
        architecture=plan.architecture,
        parameters=network.count_params(),
        input_height=plan.input_size,
        input_width=plan.input_size,
        scaling=find_scaling(plan.architecture),
        classes=("benign", "malignant"),
        calibration=calibration.to_dict(),
        policy=policy.to_dict(),
        licence=describe_licence(SOURCED_SETS),
        ground={"layer": FEATURES, "file": ground_path.name, "sha256": digest_bytes(ground)},
        training={
            "data": list(SOURCED_SETS),
            "sources": {source: list(counts) for source, counts in count_images(images).items()},
            "split": "train split only; chosen by leaving out each source, and lesions whole",
            "training_images": len(images),
            "validation_images": 0,
            "calibrated_on": f"{LEFT_OUT}{options.recipe}.csv",
            "recipe": options.recipe,
            "transfer_plan": plan.to_dict(),
            "seed": plan.seed,
            "epochs": plan.epochs,
            "history": [round_fields(row) for row in history],
            "versions": describe_versions(),
            "device": device,
        },
    )
    finish_transfer(draft, find_data_root(), {} if options.without_test else list_test_parts(), output)
    return 0


def _train(
    plan: TransferPlan,
    images: Sequence[SourcedImage],
    kept: Activations,
    options: argparse.Namespace,
    weights: Path | None,
) -> "tuple[keras.Model, NDArray[np.float32], list[dict[str, float]]]":
    """Return the network of all images, its features of them as they are (n, d), and what the epochs said."""
    learned = np.arange(len(images))
    if not plan.epochs:
        network = fit_probe_alone(plan, images, kept, learned, weights=weights)
        return network, kept.features[0].astype(np.float32), []
    tuned = tune_upper(
        plan,
        images,
        kept,
        learned,
        options.folder / options.recipe,
        weights=weights,
        after_epoch=lambda epoch: print(f"Epoch {epoch} of {plan.epochs}", flush=True),
    )
    tuned.set_mix(plan.mix)
    return tuned.whole, extract_features(tuned, kept.cut[0]), tuned.progress.history


def list_test_parts() -> dict[str, Sequence[ImageRecord]]:
    """Return the paper's test images: those whose lesion is nowhere in train first."""
    records = [record for record in read_records(find_data_root()) if record.split == "test"]
    repeated = read_repeated_lesions()[PAPER_SET]
    clean = [record for record in records if record.clean]
    return {
        "test_unseen": [record for record in clean if record.path not in repeated],
        "test_clean": clean,
        "test": records,
    }
