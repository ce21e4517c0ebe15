"""`python -m ml signature`: how much of a network's figure comes from the archive and the camera, not the lesion."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.datasets.image_sets import find_set
from ml.datasets.records import deal_groups, find_data_root
from ml.datasets.sources import SourcedImage, read_sourced_images
from ml.evaluation.signature import measure_changes
from ml.evaluation.stored_predictions import RESULTS
from ml.imaging.decoding import to_array
from ml.imaging.inputs import build_input
from ml.network_files.loading import load_network
from ml.serving.calibration import Calibration
from ml.serving.heads import make_floats
from ml.serving.prediction import BATCH_SHAPES, Predictor
from ml.serving.specification import ModelSpecification
from ml.training.activations import FEATURES
from ml.training.probes import measure_signature

WORKING_SIZE = (224, 224)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--model", type=Path, required=True, help="the .h5 file; its .json beside it")
    parser.add_argument("--keep-as", help="name in the results (default: name and version)")
    parser.add_argument("--most", type=int, default=150, help="images of each source and class (default 150)")
    parser.add_argument("--changed", type=int, default=200, help="test images to change (default 200)")
    parser.add_argument("--results", type=Path, default=RESULTS / "signature.json")


def run(options: argparse.Namespace) -> int:
    """Measure both and keep them under the network's name; returns the exit status."""
    specification = ModelSpecification.load(options.model.with_suffix(".json"))
    name = options.keep_as or f"{specification.name} {specification.version}"
    images = choose_images(read_sourced_images(), options.most)
    features = _extract(options.model, specification, images)
    folds = deal_groups([i.group for i in images], [(i.source, i.label) for i in images], 5)
    labels, sources = np.array([i.label for i in images]), [i.source for i in images]
    told = measure_signature(features, labels, sources, folds)
    predictor = Predictor(specification, options.model)
    calibration = Calibration.from_dict(specification.calibration)
    pictures = _read_changed(options.changed)

    def predict(changed: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        return calibration.apply(predictor.predict([_fit(one, specification) for one in changed]))

    record: dict[str, Any] = {
        "sha256": specification.sha256,
        "images": len(images),
        "source_told": told,
        "mean_told": round(float(np.mean(list(told.values()))), 4),
        "changed_images": len(pictures),
        "changes": measure_changes(predict, pictures),
    }
    stored = json.loads(options.results.read_text(encoding="utf-8")) if options.results.is_file() else {}
    text = json.dumps({**stored, name: record}, indent=1, sort_keys=True)
    options.results.write_text(text + "\n", encoding="utf-8")
    print(f"{name}: source told with AUC {record['mean_told']}, change of P {record['changes']['all']}")
    return 0


def choose_images(images: Sequence[SourcedImage], most: int) -> list[SourcedImage]:
    """Return at most `most` images of each source and class, by the order of their SHA-256."""
    kept: dict[tuple[str, int], int] = {}
    chosen = []
    for image in sorted(images, key=lambda each: each.sha256):
        cell = (image.source, image.label)
        if kept.get(cell, 0) < most:
            kept[cell] = kept.get(cell, 0) + 1
            chosen.append(image)
    return chosen


def _extract(
    path: Path, specification: ModelSpecification, images: Sequence[SourcedImage]
) -> NDArray[np.float16]:
    import keras

    network = load_network(path, sha256=specification.sha256, input_size=specification.input_size)
    inner = keras.Model(network.inputs, network.get_layer(FEATURES).output)
    size, root = BATCH_SHAPES[-1], find_data_root("")
    parts = []
    for start in tqdm(range(0, len(images), size), desc="Features", unit="batch", mininterval=10):
        part = images[start : start + size]
        batch = np.zeros((size, *specification.input_size, 3), dtype=np.uint8)
        for place, image in enumerate(part):
            batch[place] = build_input((root / image.key).read_bytes(), specification.input_size)
        values = np.asarray(inner.predict_on_batch(make_floats(batch, specification)))
        parts.append(values[: len(part)].astype(np.float16))
    return np.concatenate(parts)


def _read_changed(most: int) -> list[NDArray[np.uint8]]:
    """Return test images of unseen lesions, both classes alike, in the order of their SHA-256."""
    test = find_set("fanconi-test")
    unseen = [image for image in test.read_images() if "unseen" in image.tags.split()]
    ordered = sorted(unseen, key=lambda image: image.sha256)
    half = most // 2
    chosen = [
        image
        for label in ("benign", "malignant")
        for image in [i for i in ordered if i.label == label][:half]
    ]
    return [build_input((test.find_root() / image.path).read_bytes(), WORKING_SIZE) for image in chosen]


def _fit(pixels: NDArray[np.uint8], specification: ModelSpecification) -> NDArray[np.uint8]:
    if pixels.shape[:2] == specification.input_size:
        return np.ascontiguousarray(pixels)
    return to_array(Image.fromarray(np.ascontiguousarray(pixels)), specification.input_size)
