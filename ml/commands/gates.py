"""`python -m ml gates`: fit the quality gate and the domain gate on the train split, measure both."""

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml import gate_fitting as fitting
from ml.data import ImageRecord, find_data_root, read_records
from ml.device import configure_devices
from ml.digests import digest_bytes
from ml.domain import extract_features
from ml.gate_measuring import count_refusals, measure_degraded, measure_sets, read_working
from ml.gate_pictures import crop_photographs, list_images
from ml.gate_specification import GateSpecification, find_gates_folder, find_refusals
from ml.gates import Gates, GateVerdict
from ml.quality import measure_quality, shrink

VERSION = "gates-1.1.0"
LICENCE = (
    "CC BY-NC 4.0 for the statistics and limits, fitted on ISIC Archive and HAM10000 images, to be "
    "attributed. The network holds Keras's ImageNet weights of MobileNetV2 0.35 (Apache-2.0), unchanged."
)
_WEIGHTS = "mobilenet_v2_0.35_224_no_top.h5"
_SEED = 20
NOTES = (
    "All figures are taken at 224×224; limits come from the train split and ham10000-extra-train only.",
    (
        "The domain limit is half way, by ratio, between the 99th percentile of training images held out "
        "by lesion (as they are and varied) and the 5th percentile of 90 crops of three everyday "
        "photographs that are in no reported set."
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
    (
        "The first limits, of the unvaried training images alone (sharpness 0.553, bright share 0.034), "
        "refused 36 of 200 isic2017-segmentation and 94 of 324 isic-archive-mixed images as blurred and "
        "3 and 43 as too bright. They were softened once, by varied training images and the floor of a "
        "tenth for the bright share; so the refusals on those two sets are not blind. No limit was chosen "
        "on the 660 or on the out-of-distribution images."
    ),
    (
        "Sharpness is also taken of the image softened by a pixel, since the edges of JPEG's blocks pass for "
        "detail."
    ),
    (
        "The copies in isic-archive-mixed are 384 pixels on the long side: too_small there is the copy's "
        "fault, see refused_but_for_size."
    ),
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
    print(f"Gates on {configure_devices()}")
    records = [r for r in read_records(options.data / "fanconi-isic") if r.split == "train"]
    extra = list_images(options.data / "ham10000-extra-train" / "train")
    paths = [options.data / "fanconi-isic" / record.path for record in records] + extra
    pixels = read_working(paths)
    folder = find_gates_folder(options.output)
    if not options.measure_only:
        fit_gates(pixels, assign_folds(records, extra), options.imagenet, folder)
    gates = Gates.load(options.output)
    sets, areas = measure_sets(gates, options.data)
    spoilt, spoilt_areas = measure_degraded(gates, pixels)
    rows = [gates.specification.fit["train"], *sets, *spoilt]
    results = {
        "version": gates.specification.version,
        "limits": gates.specification.limits,
        "sets": rows,
        "auroc": [*areas, *spoilt_areas],
        "intervals": "95 %: Wilson for shares, 500 bootstrap rounds for AUROC",
        "notes": list(NOTES),
    }
    write_json(options.results, results)
    for row in rows:
        print(f"{row['name']:45}{row['refused']:5} of {row['images']:5}  {row['by_code']}")
    for row in (*areas, *spoilt_areas):
        print(
            f"{row['gate']:8} {row['against']:36} {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        )
    return 0


def fit_gates(
    pixels: NDArray[np.uint8], folds: NDArray[np.int64], imagenet: Path, folder: Path
) -> GateSpecification:
    """Fit both gates on uint8 (n, 224, 224, 3) and write their three files to `folder`."""
    network = fitting.build_network(imagenet)
    generator = np.random.default_rng(_SEED)
    varied = [fitting.vary_image(image, generator) for image in tqdm(pixels, desc="Varying", leave=False)]
    features, others = (_extract(network, part) for part in (pixels, np.array(varied)))
    held_out = fitting.measure_held_out(features, others, folds)
    statistics = fitting.fit_statistics(np.concatenate([features, others]))
    photographs = np.array([shrink(crop) for crop in crop_photographs(_SEED)])
    far = statistics.measure(extract_features(network, photographs))
    figures, softer = (
        [measure_quality(image, image) for image in tqdm(part, desc="Quality", leave=False)]
        for part in (pixels, varied)
    )
    limits = {
        **fitting.fit_quality_limits(figures, softer),
        "domain_distance_most": fitting.place_limit(np.concatenate(held_out), far),
    }
    verdicts = [_judge(row, distance, limits) for row, distance in zip(figures, held_out[0], strict=True)]
    data = statistics.to_bytes()
    sha256 = fitting.save_network(network, folder / "gates.h5")
    (folder / "gates.npz").write_bytes(data)
    specification = GateSpecification(
        version=VERSION,
        licence=LICENCE,
        limits=limits,
        domain={
            "network": "gates.h5",
            "network_sha256": sha256,
            "statistics": "gates.npz",
            "statistics_sha256": digest_bytes(data),
        },
        fit={
            "images": len(pixels),
            "folds": fitting.FOLDS,
            "components": fitting.COMPONENTS,
            "seed": _SEED,
            "quality_shares": fitting.QUALITY_SHARES,
            "distance_99_held_out": round(float(np.quantile(held_out[0], 0.99)), 4),
            "distance_99_held_out_varied": round(float(np.quantile(held_out[1], 0.99)), 4),
            "distance_05_photographs": round(float(np.quantile(far, 0.05)), 4),
            "photographs_refused": round(float((far > limits["domain_distance_most"]).mean()), 4),
            "train": count_refusals(
                "train (distance held out by lesion)", "dermoscopy", verdicts, files=len(verdicts)
            ),
        },
    )
    write_json(folder / "gates.json", specification.to_dict())
    return specification


def assign_folds(records: list[ImageRecord], extra: list[Path]) -> NDArray[np.int64]:
    """Return the fold of every image, 0 to 4, by the hash of its lesion's name."""
    names = [record.group for record in records] + [path.name for path in extra]
    digests = (hashlib.sha256(name.encode()).hexdigest() for name in names)
    return np.array([int(digest, 16) % fitting.FOLDS for digest in digests], dtype=np.int64)


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write `data` to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    draft.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)


def _judge(figures: dict[str, float], distance: float, limits: dict[str, float]) -> GateVerdict:
    measured = {**figures, "domain_distance": round(float(distance), 4), **limits}
    return GateVerdict(VERSION, measured, find_refusals(measured))


def _extract(network: Any, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    parts = range(0, len(pixels), 64)
    progress = tqdm(parts, desc="Features", unit="batch", leave=False)
    return np.concatenate([extract_features(network, pixels[start : start + 64]) for start in progress])
