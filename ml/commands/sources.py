"""`python -m ml sources`: leave-one-source-out cross-validation of a transfer recipe, beside that by lesion."""

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from ml.datasets.records import find_data_root
from ml.datasets.sources import (
    SOURCED_SETS,
    count_images,
    drop_seen,
    list_lesion_hold_outs,
    list_source_hold_outs,
    read_sourced_images,
)
from ml.evaluation.stored_predictions import RESULTS
from ml.serving.device import configure_devices, find_backend
from ml.training.activations import cache_activations
from ml.training.backbones import BACKBONES, describe_weights, find_weights
from ml.training.left_out_sources import Judged, judge_hold_out, summarise_hold_outs, write_left_out
from ml.training.transfer import TransferPlan


def add_transfer_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a transfer plan, the same for every command that takes one."""
    parser.add_argument(
        "--weights", type=Path, help="file that the backbone starts from (default: ImageNet's)"
    )
    group = parser.add_argument_group("the plan")
    group.add_argument("--architecture", default="efficientnetv2-b0", choices=sorted(BACKBONES))
    for item in fields(TransferPlan):
        if item.name in ("architecture", "weights"):
            continue
        option = f"--{item.name.replace('_', '-')}"
        kind: Any = type(item.default)
        group.add_argument(option, type=kind, default=item.default, help=f"default {item.default!r}")


def read_transfer_plan(options: argparse.Namespace) -> tuple[TransferPlan, Path | None]:
    """Return the plan that the options ask for and the file of weights it starts from."""
    weights = options.weights or find_weights(options.architecture)
    values = {
        item.name: getattr(options, item.name) for item in fields(TransferPlan) if item.name != "weights"
    }
    return TransferPlan(**values, weights=describe_weights(weights)), weights


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
    parser.add_argument("--folder", type=Path, default=Path("var/training/sources"), help="checkpoints")
    parser.add_argument("--cache", type=Path, default=Path("var/training/activations"))
    parser.add_argument("--results", type=Path, default=RESULTS / "left-out-sources")
    parser.add_argument(
        "--with-rows", action="store_true", help="store each image's figure and distance, to fit a policy on"
    )
    add_transfer_options(parser)


def run(options: argparse.Namespace) -> int:
    """Learn without each hold-out in turn and judge it, writing what is known after each; returns 0."""
    plan, weights = read_transfer_plan(options)
    device = configure_devices()
    images = read_sourced_images()
    hold_outs = drop_seen(
        list_source_hold_outs(images) + list_lesion_hold_outs(images), images, options.start_saw
    )
    known = [hold_out.name for hold_out in hold_outs]
    if unknown := [name for name in options.only or () if name not in known]:
        raise ValueError(f"Expected hold-outs among {', '.join(known)}, received {unknown[0]!r}.")
    chosen = [each for each in hold_outs if not options.only or each.name in options.only]
    print(f"{options.name}: {len(images)} images, {count_images(images)}, on {device}", flush=True)
    kept = cache_activations(
        plan.cache, images, plan.copies, options.cache, data=find_data_root(""), weights=weights
    )
    results: list[Judged] = []
    for hold_out in chosen:
        folder = options.folder / options.name / hold_out.name
        judged = judge_hold_out(
            plan, images, kept, hold_out, folder, weights=weights, with_ground=options.with_rows
        )
        results.append(judged)
        by_mix = {
            str(mix): summarise_hold_outs(images, results, mix) for mix in results[0].by_mix if plan.epochs
        }
        record = {
            "recipe": options.name,
            "description": options.description,
            "plan": plan.to_dict(),
            "data_sets": list(SOURCED_SETS),
            "start_saw": list(options.start_saw),
            "counts": {name: list(pair) for name, pair in count_images(images).items()},
            "device": device,
            "backend": find_backend(),
            "seconds": round(sum(result.seconds for result in results)),
            **summarise_hold_outs(images, results, plan.mix),
            "by_mix": by_mix,
        }
        mix = plan.mix if options.with_rows else None
        write_left_out(options.results, options.name, record, images, results, mix=mix)
        told = {
            mix: _tell(record if not plan.epochs else by_mix[mix], hold_out.name) for mix in by_mix or ("",)
        }
        print(f"{hold_out.name}: {told}, {judged.seconds:.0f} s", flush=True)
    told = {
        mix: {key: found.get(key) for key in ("mean", "worst", "lesions")} for mix, found in by_mix.items()
    }
    print(json.dumps(told or {key: record.get(key) for key in ("mean", "worst", "lesions")}), flush=True)
    return 0


def _tell(summary: dict[str, Any], name: str) -> Any:
    return summary["by_source"].get(name, summary.get("lesions", {})).get("auc")
