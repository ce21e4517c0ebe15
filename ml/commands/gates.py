"""`python -m ml gates`: fit the quality gate and the domain gate on the train split, measure both."""

import argparse
import csv
import hashlib
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.datasets.records import find_data_root, read_records
from ml.digests import digest_file
from ml.evaluation.gates.copies import choose_margins, measure_copies
from ml.evaluation.gates.measuring import (
    DEGRADED_IMAGES,
    count_refusals,
    measure_blurred,
    measure_degraded,
    measure_sets,
    read_working,
    spread,
)
from ml.evaluation.gates.pictures import (
    CLOSE_UP_SETS,
    TRAINING_SETS,
    blur_and_compress,
    blur_evenly,
    crop_photographs,
    list_images,
)
from ml.gates.domain import DomainStatistics, KindStatistics, write_parts
from ml.gates.network import FeatureNetwork
from ml.gates.quality import shrink
from ml.gates.specification import CHANGING, DOMAIN_FILES, GateSpecification, find_gates_folder
from ml.gates.verdict import Gates, GateVerdict, look_at, propose_kind
from ml.training import gate_fitting as fitting

VERSION = "gates-2.0.0"
LICENCE = (
    "CC BY-NC 4.0 for the statistics and limits, fitted on ISIC Archive and HAM10000 images, to be "
    "attributed; what tells kinds also on PAD-UFES-20 (CC BY 4.0). The network holds Keras's ImageNet weights of MobileNetV2 0.35 (Apache-2.0), unchanged."
)
_WEIGHTS = "mobilenet_v2_0.35_224_no_top.h5"
_SEED = 20
NOTES = (
    (
        "All figures are taken at 224×224. Limits and distance come from the training images of "
        "fanconi-isic, ham10000-extra-train and extra-train-2 alone (MSK and UDA of the last are the archive "
        "of isic2017-segmentation, other lesions)."
    ),
    (
        "Which figures are taken was chosen with the pictures of isic2017-segmentation and isic-archive-mixed "
        "in view that the former gates refused: their sharpness fell with the soft edge of a round field, "
        "and the white mask round a field passed for glare. Refusals on those two sets are therefore not blind, "
        "and the rule of the domain limit was settled after one of the full-size originals (distance 2.37) "
        "had been seen refused. No limit was computed on them, on the 660 or on the out-of-distribution images."
    ),
    (
        "The least sharpness is the smallest that refuses 98.5 % of training images blurred by a Gaussian "
        "of 2 pixels of the 224 (2.6 of 288), half of them saved as JPEG 75 afterwards."
    ),
    (
        "The domain limit is the 5th percentile of 90 crops of three everyday photographs that are in no "
        "reported set: as far as 95 % of those are still refused, since dermoscopy of other hospitals lies "
        "beyond that of the training images."
    ),
    (
        "Clinical close-ups of lesions look much like dermoscopy: most are not refused, so the domain gate "
        "does not replace a declared capture kind."
    ),
    (
        "False refusals by skin tone: not assessed, nearly all images are of light skin. So that dark skin "
        "is not taken for a dark picture, the least brightness is 50 at most, below what the training "
        "images would give."
    ),
    "Where a set holds reduced copies, the size of the original counts for too_small.",
    "Images that cannot be decoded never reach the gates; they are counted as undecodable.",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    root = Path(os.environ.get("DERMAPORT_WEIGHTS") or find_data_root().parents[1] / "weights")
    parser.add_argument("--data", type=Path, default=find_data_root().parent, help="folder of image sets")
    parser.add_argument("--imagenet", type=Path, default=root / _WEIGHTS, help="MobileNetV2 0.35, no head")
    parser.add_argument("--output", type=Path, help="weights folder (default the shipped one)")
    parser.add_argument("--results", type=Path, default=Path("ml/results/gates.json"))
    parser.add_argument("--measure-only", action="store_true", help="measure the gates as they are")


def run(options: argparse.Namespace) -> int:
    """Fit unless told not to, measure, write the results; returns the exit status."""
    paths = [path for folder in TRAINING_SETS for path in list_images(options.data / folder)]
    if options.measure_only:
        paths = [paths[place] for place in spread(len(paths), DEGRADED_IMAGES)]
    pixels = read_working(paths)
    folder = find_gates_folder(options.output)
    if not options.measure_only:
        if options.imagenet.is_file():
            fitting.save_network(fitting.build_network(options.imagenet), folder)
        fit_gates(pixels, assign_folds(paths, read_groups(options.data)), options.data, folder)
    gates = Gates.load(options.output)
    sets, areas = measure_sets(gates, options.data)
    spoilt, spoilt_areas = measure_degraded(gates, pixels)
    record = gates.specification.fit
    rows = [record["train"], *sets, *measure_blurred(gates, options.data), *spoilt]
    results = {
        "version": gates.specification.version,
        "limits": gates.specification.limits,
        "margins": gates.specification.margins,
        "copies": record["copies"],
        "kinds": record["kinds"],
        "sets": rows,
        "auroc": [*areas, *spoilt_areas],
        "intervals": "95 %: Wilson for shares, 500 bootstrap rounds for AUROC",
        "notes": list(NOTES),
    }
    write_json(options.results, results)
    for row in rows:
        print(f"{row['name']:64}{row['refused']:5} of {row['images']:5}  {row['by_code']}")
    for row in (*areas, *spoilt_areas):
        print(
            f"{row['gate']:8} {row['against']:36} {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        )
    return 0


def fit_gates(
    pixels: NDArray[np.uint8], folds: NDArray[np.int64], data: Path, folder: Path
) -> GateSpecification:
    """Fit both gates on uint8 (n, 224, 224, 3) and write their statistics and limits to `folder`.

    `folder` holds the network already; `data` the image sets, for kinds and margins.
    """
    network = load_network_files(folder)
    generator = np.random.default_rng(_SEED)
    varied = np.array(
        [fitting.vary_image(image, generator) for image in tqdm(pixels, desc="Varying", leave=False)]
    )
    features, others = (network.extract(part) for part in (pixels, varied))
    held_out = fitting.measure_held_out(features, others, folds)
    statistics = fitting.fit_statistics(np.concatenate([features, others]))
    far = statistics.measure(network.extract([shrink(crop) for crop in crop_photographs(_SEED)]))
    figures, softer = (
        [look_at(image).figures for image in tqdm(part, desc="Quality", leave=False)]
        for part in (pixels, varied)
    )
    limits = {
        **fitting.fit_quality_limits(figures, softer, measure_blur(pixels)),
        "domain_distance_most": fitting.place_limit(np.concatenate(held_out), far),
    }
    verdicts = [_judge(row, distance, limits) for row, distance in zip(figures, held_out[0], strict=True)]
    kinds, proposals = fit_kinds(network, statistics, features, data, limits["domain_distance_most"])
    (folder / "gates.npz").write_bytes(write_parts(statistics, kinds))
    specification = GateSpecification(
        version=VERSION,
        licence=LICENCE,
        limits=limits,
        margins=dict.fromkeys(CHANGING, 0.0),
        domain=describe_files(folder),
        fit={
            "images": len(pixels),
            "folds": fitting.FOLDS,
            "components": fitting.COMPONENTS,
            "seed": _SEED,
            "quality_shares": fitting.QUALITY_SHARES,
            "blur": fitting.BLUR,
            "blurred_share": fitting.BLURRED_SHARE,
            "distance_99_held_out": round(float(np.quantile(held_out[0], 0.99)), 4),
            "distance_99_held_out_varied": round(float(np.quantile(held_out[1], 0.99)), 4),
            "distance_05_photographs": round(float(np.quantile(far, 0.05)), 4),
            "photographs_refused": round(float((far > limits["domain_distance_most"]).mean()), 4),
            "kinds": proposals,
            "train": count_refusals(
                "train (distance held out by lesion)", "dermoscopy", verdicts, files=len(verdicts)
            ),
        },
    )
    write_json(folder / "gates.json", specification.to_dict())
    copies = measure_copies(Gates.load(folder.parent), data, _SEED)
    specification = replace(
        specification,
        margins=choose_margins(copies, limits),
        fit={**specification.fit, "copies": copies},
    )
    write_json(folder / "gates.json", specification.to_dict())
    return specification


def measure_blur(pixels: NDArray[np.uint8]) -> list[float]:
    """Return the sharpness of training images blurred, every second one saved as JPEG 75 afterwards."""
    return [
        look_at((blur_and_compress if place % 2 else blur_evenly)(image, fitting.BLUR)).figures["sharpness"]
        for place, image in enumerate(tqdm(pixels, desc="Blurring", leave=False))
    ]


def fit_kinds(
    network: FeatureNetwork,
    statistics: DomainStatistics,
    features: NDArray[np.float32],
    data: Path,
    distance_most: float,
) -> tuple[KindStatistics, list[dict[str, Any]]]:
    """Fit what tells close-ups on all sets of them; measure each set by a fit on the others.

    Returns the fit on all, and by set how many were proposed as which kind.
    """
    sets = {folder: read_working(list_images(data / folder)) for folder in CLOSE_UP_SETS}
    found = {folder: network.extract(part) for folder, part in sets.items()}
    scaled = {folder: statistics.scale_features(part) for folder, part in found.items()}
    known = statistics.scale_features(features)
    rows = []
    for folder in CLOSE_UP_SETS:
        others = np.concatenate([part for name, part in scaled.items() if name != folder])
        chances = fitting.fit_kinds(known, others).measure(scaled[folder])
        distances = statistics.measure(found[folder])
        kinds = [
            propose_kind(float(distance), float(chance), distance_most)
            for distance, chance in zip(distances, chances, strict=True)
        ]
        rows.append({"name": folder, "images": len(kinds), "kinds": dict(Counter(kinds))})
    return fitting.fit_kinds(known, np.concatenate(list(scaled.values()))), rows


def load_network_files(folder: Path) -> FeatureNetwork:
    """Return the network that lies in `folder`."""
    return FeatureNetwork((folder / "gates.xml").read_bytes(), (folder / "gates.bin").read_bytes())


def describe_files(folder: Path) -> dict[str, str]:
    """Return the specification's `domain`: each file's name and its SHA-256."""
    files = dict(zip(DOMAIN_FILES, ("gates.xml", "gates.bin", "gates.npz"), strict=True))
    digests = {f"{key}_sha256": digest_file(folder / name) for key, name in files.items()}
    return {**files, **digests}


def read_groups(data: Path) -> dict[Path, str]:
    """Return the lesion of each training image, by path, where one is told."""
    folder = data / "fanconi-isic"
    groups = {folder / record.path: record.group for record in read_records(folder)}
    more = data / "extra-train-2"
    with (more / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        groups |= {more / row["path"]: row["group"] for row in csv.DictReader(stream)}
    return groups


def assign_folds(paths: list[Path], groups: dict[Path, str]) -> NDArray[np.int64]:
    """Return the fold of every image, 0 to 4, by the hash of its lesion's name, else its own."""
    digests = (hashlib.sha256(groups.get(path, path.name).encode()).hexdigest() for path in paths)
    return np.array([int(digest, 16) % fitting.FOLDS for digest in digests], dtype=np.int64)


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write `data` to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    draft.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)


def _judge(figures: dict[str, float], distance: float, limits: dict[str, float]) -> GateVerdict:
    measured = {**figures, "domain_distance": round(float(distance), 4), **limits}
    return GateVerdict.of(VERSION, measured)
