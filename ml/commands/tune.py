"""`python -m ml tune`: full fine-tuning, judged on sources left out; with `--release`, the network to ship."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from ml.commands.transfer import list_test_parts
from ml.datasets.records import find_data_root
from ml.datasets.sources import (
    SOURCED_SETS,
    HoldOut,
    SourcedImage,
    count_images,
    drop_seen,
    list_lesion_hold_outs,
    list_source_hold_outs,
    read_sourced_images,
)
from ml.digests import digest_bytes
from ml.evaluation.stored_predictions import RESULTS
from ml.serving.device import configure_devices, find_backend
from ml.serving.specification import LEFT_OUT, ModelSpecification
from ml.training.activations import FEATURES
from ml.training.backbones import BACKBONES, describe_weights, find_weights
from ml.training.fitting import fit_left_out
from ml.training.full_tuning import (
    DIAGNOSES,
    MALIGNANT,
    FullTuningPlan,
    Pictures,
    read_pictures,
    run_features,
    tune_whole,
)
from ml.training.gate_fitting import fit_ground
from ml.training.left_out_sources import (
    Judged,
    judge_hold_out_whole,
    read_left_out,
    summarise_hold_outs,
    write_left_out,
)
from ml.training.release import (
    describe_licence,
    describe_versions,
    finish_transfer,
    round_fields,
    save_network,
)
from ml.training.run import find_scaling


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--name", required=True, help="of the recipe: names its results")
    parser.add_argument("--description", default="", help="what is tried, for the report's table")
    parser.add_argument(
        "--start-saw",
        nargs="+",
        default=(),
        choices=SOURCED_SETS,
        help="sets that the start has learned from: their images are not judged",
    )
    parser.add_argument("--only", nargs="+", help="hold out only these: sources, msk+uda, fold-0 to fold-4")
    parser.add_argument("--folder", type=Path, default=Path("var/training/tuning"), help="checkpoints")
    parser.add_argument("--results", type=Path, default=RESULTS / "left-out-sources")
    parser.add_argument(
        "--with-rows", action="store_true", help="store each image's figures and distance, to fit a policy on"
    )
    parser.add_argument("--release", metavar="VERSION", help="learn from every source and write the network")
    parser.add_argument("--network", help="name of the released network (default the architecture's)")
    parser.add_argument("--output", type=Path, help="default ml/weights/ARCHITECTURE.h5")
    parser.add_argument("--without-test", action="store_true", help="leave the test images alone")
    group = parser.add_argument_group("the plan")
    group.add_argument(
        "--weights", type=Path, help="file that the backbone starts from (default: ImageNet's)"
    )
    group.add_argument("--architecture", default="efficientnetv2-b0", choices=sorted(BACKBONES))
    for item in fields(FullTuningPlan):
        if item.name not in ("architecture", "weights"):
            kind: Any = type(item.default)
            option = f"--{item.name.replace('_', '-')}"
            group.add_argument(option, type=kind, default=item.default, help=f"default {item.default!r}")


@dataclass(frozen=True, slots=True)
class _Start:
    """What judging and releasing share."""

    plan: FullTuningPlan
    weights: Path | None
    pictures: Pictures
    device: str


def run(options: argparse.Namespace) -> int:
    """Judge the recipe on each hold-out, or release it; returns the exit status."""
    weights = options.weights or find_weights(options.architecture)
    values = {
        item.name: getattr(options, item.name) for item in fields(FullTuningPlan) if item.name != "weights"
    }
    plan = FullTuningPlan(**values, weights=describe_weights(weights))
    device = configure_devices()
    images = read_sourced_images()
    print(f"{options.name}: {len(images)} images, {count_images(images)}, on {device}", flush=True)
    pictures = read_pictures(images, find_data_root(""), options.folder)
    work = _release if options.release else _judge
    work(options, _Start(plan, weights, pictures, device))
    return 0


def _judge(options: argparse.Namespace, start: _Start) -> None:
    """Learn without each hold-out in turn and judge it, writing what is known after each."""
    images, plan = start.pictures.images, start.plan
    results: list[Judged] = []
    for hold_out in _choose(images, options):
        judged = judge_hold_out_whole(
            plan,
            start.pictures,
            hold_out,
            options.folder / options.name / hold_out.name,
            weights=start.weights,
            with_ground=options.with_rows,
            after_epoch=lambda row: print(row, flush=True),
        )
        results.append(judged)
        by_mix = {str(mix): summarise_hold_outs(images, results, mix) for mix in results[0].by_mix}
        record = {
            "recipe": options.name,
            "description": options.description,
            "plan": plan.to_dict(),
            "data_sets": list(SOURCED_SETS),
            "start_saw": list(options.start_saw),
            "counts": {name: list(pair) for name, pair in count_images(images).items()},
            "device": start.device,
            "backend": find_backend(),
            "seconds": round(sum(result.seconds for result in results)),
            **summarise_hold_outs(images, results, plan.mix),
            "by_mix": by_mix,
        }
        mix = plan.mix if options.with_rows else None
        write_left_out(options.results, options.name, record, images, results, mix=mix)
        told = {key: record.get(key) for key in ("by_source", "mean", "worst", "lesions")}
        print(f"{hold_out.name}: {json.dumps(told)}, {judged.seconds:.0f} s", flush=True)


def _choose(images: Sequence[SourcedImage], options: argparse.Namespace) -> list[HoldOut]:
    hold_outs = drop_seen(
        list_source_hold_outs(images) + list_lesion_hold_outs(images), images, options.start_saw
    )
    known = [hold_out.name for hold_out in hold_outs]
    if unknown := [name for name in options.only or () if name not in known]:
        raise ValueError(f"Expected hold-outs among {', '.join(known)}, received {unknown[0]!r}.")
    return [each for each in hold_outs if not options.only or each.name in options.only]


def _release(options: argparse.Namespace, start: _Start) -> None:
    """Learn from every source, calibrate on the left-out ones, write network, ground and specification."""
    plan, pictures = start.plan, start.pictures
    images = pictures.images
    output = options.output or Path("ml/weights") / f"{plan.architecture}.h5"
    left_out = read_left_out(options.results / f"{options.name}.csv")
    tuned = tune_whole(
        plan,
        pictures,
        np.arange(len(images)),
        options.folder / options.name / "all",
        weights=start.weights,
        after_epoch=lambda row: print(row, flush=True),
    )
    tuned.set_mix(plan.mix)
    sha256 = save_network(tuned.network, output)
    features = run_features(plan, tuned.network, pictures.pixels)
    ground = fit_ground(features, [image.source for image in images]).to_bytes()
    ground_path = output.with_suffix(".ground.npz")
    ground_path.write_bytes(ground)
    name = options.network or plan.architecture
    calibration, policy = fit_left_out(left_out, version=f"{name}-{options.release}-left-out-sources")
    draft = ModelSpecification(
        name=name,
        version=options.release,
        file=output.name,
        sha256=sha256,
        architecture=plan.architecture,
        parameters=tuned.network.count_params(),
        input_height=plan.input_size,
        input_width=plan.input_size,
        scaling=find_scaling(plan.architecture),
        classes=DIAGNOSES,
        malignant_classes=MALIGNANT,
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
            "calibrated_on": f"{LEFT_OUT}{options.name}.csv",
            "recipe": options.name,
            "tuning_plan": plan.to_dict(),
            "seed": plan.seed,
            "epochs": plan.epochs,
            "history": [round_fields(row) for row in tuned.progress.history],
            "versions": describe_versions(),
            "device": start.device,
        },
    )
    finish_transfer(draft, find_data_root(), {} if options.without_test else list_test_parts(), output)
