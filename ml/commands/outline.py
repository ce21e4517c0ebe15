"""`python -m ml outline`: networks that outline the lesion: train, measure, and how far their measures move by themselves."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from ml.datasets.outlines import FOLDS, OUTLINE_SET, deal_folds, load_outlined_pixels, read_outlined_images
from ml.evaluation.outlines import (
    Overlap,
    format_table,
    measure_shots,
    read_overlaps,
    score_image,
    summarise_overlaps,
    summarise_shots,
    write_overlaps,
    write_shots,
)
from ml.evaluation.stored_predictions import RESULTS
from ml.outlines.outliner import Outliner, mark_drawn
from ml.outlines.specification import OutlineSpecification
from ml.research.report.outlines import replace_figures, write_card
from ml.serving.device import configure_devices
from ml.training.backbones import describe_weights, find_weights
from ml.training.outline_networks import BACKBONE, OUTLINE_ARCHITECTURES
from ml.training.outlines import OutlinePlan, Start, build_trainee, find_probabilities, train_outliner
from ml.training.release import save_network

FOLDER = Path("var/training/outlines")
OUTLINE_RESULTS = RESULTS / "outlines"
_USUAL = OutlinePlan("unet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parts = parser.add_subparsers(title="parts", required=True)
    train = parts.add_parser(
        "train", help="five folds of lesions, then with --all one network on every image"
    )
    train.set_defaults(part=_train)
    train.add_argument("--architecture", required=True, choices=OUTLINE_ARCHITECTURES)
    train.add_argument("--epochs", type=int, default=_USUAL.epochs)
    train.add_argument("--side", type=int, default=_USUAL.side, help="of the input, pixels")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--folds", type=int, nargs="*", default=list(range(FOLDS)), help="which (default all)")
    train.add_argument("--all", action="store_true", help="also train the one to ship")
    train.add_argument("--folder", type=Path, default=FOLDER, help="checkpoints and out-of-fold answers")
    evaluate = parts.add_parser(
        "evaluate", help="Dice and Jaccard of the held-out images, from their answers"
    )
    evaluate.set_defaults(part=_evaluate)
    evaluate.add_argument(
        "--folder", type=Path, default=FOLDER, help="of the trainings; without, from --results"
    )
    evaluate.add_argument("--results", type=Path, default=OUTLINE_RESULTS)
    evaluate.add_argument("--update", type=Path, help="a document whose table of outlines is written anew")
    evaluate.add_argument("--rounds", type=int, default=2000, help="of the bootstrap")
    ship = parts.add_parser("ship", help="write the network trained on every image, with its card")
    ship.set_defaults(part=_ship)
    ship.add_argument("--architecture", default="unet", choices=OUTLINE_ARCHITECTURES)
    ship.add_argument("--side", type=int, default=_USUAL.side)
    ship.add_argument("--version", required=True)
    ship.add_argument("--folder", type=Path, default=FOLDER)
    ship.add_argument("--results", type=Path, default=OUTLINE_RESULTS)
    ship.add_argument("--output", type=Path, default=Path("ml/weights/outlines"))
    repeat = parts.add_parser("repeat", help="how far each measure moves between shots of one lesion")
    repeat.set_defaults(part=_repeat)
    repeat.add_argument("--network", type=Path, default=Path("ml/weights/outlines/unet.json"))
    repeat.add_argument("--results", type=Path, default=OUTLINE_RESULTS)


def run(options: argparse.Namespace) -> int:
    """Run the part that was named; returns the exit status."""
    status: int = options.part(options)
    return status


def _train(options: argparse.Namespace) -> int:
    weights = find_weights(BACKBONE)
    plan = OutlinePlan(
        options.architecture,
        side=options.side,
        epochs=options.epochs,
        seed=options.seed,
        weights=describe_weights(weights),
    )
    images = read_outlined_images()
    folds = deal_folds(images)
    pixels, masks = load_outlined_pixels(images, plan.side)
    print(f"{plan.architecture}: {len(images)} images on {configure_devices()}, {plan.weights}", flush=True)
    network = build_trainee(plan, weights)
    start = Start(network)
    for fold in [*options.folds, *([None] if options.all else [])]:
        name = "all" if fold is None else f"fold-{fold}"
        folder = options.folder / plan.architecture / name
        learned = np.ones(len(images), bool) if fold is None else folds != fold
        started = time.process_time()
        start.restore()
        progress = train_outliner(plan, network, pixels[learned], masks[learned], folder)
        loss, seconds = progress.history[-1]["loss"], time.process_time() - started
        print(f"{name}: loss {loss:.3f} after {plan.epochs} epochs, {seconds:.0f} CPU s", flush=True)
        if fold is None:
            network.save_weights(folder / "trained.weights.h5")
            continue
        held_out = np.flatnonzero(~learned)
        found = find_probabilities(network, pixels[held_out])
        np.savez_compressed(
            folder / "held-out.npz",
            images=np.array([images[index].image_id for index in held_out]),
            probabilities=np.round(found * 255).astype(np.uint8),
        )
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    figures = {}
    for name in OUTLINE_ARCHITECTURES:
        table = options.results / f"{name}.csv"
        answers = sorted((options.folder / name).glob("fold-*/held-out.npz"))
        if len(answers) == FOLDS:
            write_overlaps(table, _score(answers))
        if table.is_file():
            figures[name] = summarise_overlaps(read_overlaps(table), rounds=options.rounds)
    if not figures:
        raise ValueError(f"Expected {FOLDS} trained folds below {options.folder}, received none.")
    (options.results / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(format_table(figures))
    if options.update:
        repeated = json.loads((options.results / "repeatability.json").read_text("utf-8"))
        text = replace_figures(options.update.read_text("utf-8"), figures, repeated)
        options.update.write_text(text, "utf-8")
    return 0


def _score(answers: list[Path]) -> list[Overlap]:
    images = {image.image_id: image for image in read_outlined_images()}
    dealt = dict(zip(images, deal_folds(list(images.values())), strict=True))
    rows = []
    for path in answers:
        with np.load(path, allow_pickle=False) as held_out:
            for name, found in zip(held_out["images"], held_out["probabilities"], strict=True):
                key = str(name)
                rows.append(score_image(images[key], int(dealt[key]), found.astype(np.float32) / 255))
    return rows


def _ship(options: argparse.Namespace) -> int:
    configure_devices()
    trained = options.folder / options.architecture / "all" / "trained.weights.h5"
    network = OUTLINE_ARCHITECTURES[options.architecture](options.side, None)
    network.load_weights(trained)
    options.output.mkdir(parents=True, exist_ok=True)
    file = options.output / f"{options.architecture}.h5"
    figures = json.loads((options.results / "figures.json").read_text("utf-8"))[options.architecture]
    specification = OutlineSpecification(
        name=f"{options.architecture}-mobilenetv2-0.35",
        version=options.version,
        file=file.name,
        sha256=save_network(network, file),
        architecture=options.architecture,
        parameters=network.count_params(),
        input_height=options.side,
        input_width=options.side,
        scaling="raw",
        licence="MIT; trained on CC0 images of the ISIC 2017 challenge from ImageNet weights of Keras (Apache-2.0)",
        metrics={"cross_validation": figures},
        training={
            "data": OUTLINE_SET,
            "images": len(read_outlined_images()),
            "plan": OutlinePlan(
                options.architecture, side=options.side, weights=describe_weights(find_weights(BACKBONE))
            ).to_dict(),
        },
    )
    outliner = Outliner(specification, file)
    specification.metrics["repeatability"] = _measure_repeatability(outliner, options.results)
    specification.metrics["milliseconds"] = _time(outliner)
    specification.training["references"] = {"drawn": mark_drawn(outliner)}
    specification.save(file.with_suffix(".json"))
    file.with_suffix(".md").write_text(write_card(specification), "utf-8")
    print(f"{file}: {file.stat().st_size:,} bytes, {specification.metrics['milliseconds']} ms a picture")
    return 0


def _repeat(options: argparse.Namespace) -> int:
    specification = OutlineSpecification.load(options.network)
    outliner = Outliner(specification, options.network.with_name(specification.file))
    print(json.dumps(_measure_repeatability(outliner, options.results), indent=2))
    return 0


def _measure_repeatability(outliner: Outliner, results: Path) -> dict[str, Any]:
    shots = measure_shots(outliner)
    write_shots(results / "repeatability.csv", shots)
    figures = summarise_shots(shots)
    (results / "repeatability.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return figures


def _time(outliner: Outliner, rounds: int = 20) -> float:
    """Return the median milliseconds of the network alone, one picture at a time, as the machine is now."""
    picture = np.full((1, *outliner.specification.input_size, 3), 150, dtype=np.uint8)
    seconds = []
    for _ in range(rounds + 3):
        started = time.perf_counter()
        outliner.find_probabilities(picture)
        seconds.append(time.perf_counter() - started)
    return round(float(np.median(seconds[3:])) * 1000, 1)
