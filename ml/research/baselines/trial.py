"""Trial of image improvement: what a stage before a trained network changes, on the same images with and without it."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.datasets.records import LABELS, DataError, find_data_root
from ml.datasets.sources import ARCHIVES_SET, SourcedImage
from ml.digests import digest_bytes
from ml.evaluation.metrics import Interval, bootstrap_lesions, measure_auc
from ml.imaging.decoding import decode_image, to_array
from ml.imaging.views import IDENTITY
from ml.research.baselines.improvement import STAGES
from ml.research.baselines.material import Material, ProcessorClock
from ml.research.baselines.runs import box, write_json
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification

PLAIN: Final = "plain"
NETWORKS: Final = ("paper-cnn-1", "paper-cnn-2", "efficientnetv2-b0")
NAME: Final = "improvement"
COLUMNS: Final = ("data_set", "path", "label", "source", "lesion", "tags")
# Of each source and class of the archives, the first by SHA-256: chosen without looking at any picture.
EACH: Final = 100
_BATCH: Final = 32
_SIDE: Final = 224


@dataclass(frozen=True, slots=True)
class TrialImage:
    """One image of the trial: `source` is empty for the paper's test images, whose `tags` say which are clean and unseen."""

    data_set: str
    path: str
    sha256: str
    label: int
    source: str
    lesion: str
    tags: str


def list_trial_images(material: Material, *, each: int = EACH) -> list[TrialImage]:
    """Return the paper's test images, then up to `each` of either class of each source of extra-train-2.

    No shipped network has learned from that set: its sources are left out, as in `python -m ml sources`.
    """
    tests = [
        TrialImage(place.data_set, place.path, place.sha256, place.label, "", image.lesion, image.tags)
        for image, place in zip(material.tests, material.images[len(material.training) :], strict=True)
    ]
    archives = sorted(
        (image for image in material.training if image.data_set == ARCHIVES_SET),
        key=lambda image: image.sha256,
    )
    chosen: list[SourcedImage] = []
    for source in sorted({image.source for image in archives}):
        for label in (0, 1):
            chosen += [image for image in archives if (image.source, image.label) == (source, label)][:each]
    return tests + [
        TrialImage(image.data_set, image.path, image.sha256, image.label, image.source, image.group, "")
        for image in chosen
    ]


def run_trial(
    images: Sequence[TrialImage],
    weights: Path,
    *,
    folder: Path,
    results: Path,
    rounds: int = 2000,
    tell: Callable[[str], None] = print,
) -> None:
    """Score `images` by each network in `weights`, plain and after each of STAGES, as far as `folder` lacks it.

    The default network in one view of its four. `results` gets improvement.json and improvement.csv after each step;
    `rounds` of the bootstrap.
    Raises DataError for a missing image, `ml.serving.prediction.PredictionError`.
    """
    place = folder / NAME
    place.mkdir(parents=True, exist_ok=True)
    improved: dict[str, _Improved] = {}
    found: dict[str, NDArray[np.float64]] = {}
    record: dict[str, Any] = {
        "images": len(images),
        "views": 1,
        "networks": {},
        "milliseconds": {},
        "gains": [],
    }
    for name in NETWORKS:
        path = weights / f"{name}.json"
        if not path.is_file():
            continue
        specification = replace(ModelSpecification.load(path), views=(IDENTITY,))
        record["networks"][name] = specification.version
        predictor: Predictor | None = None
        for stage in (PLAIN, *STAGES):
            kept = place / f"{_name_step(images, specification, stage)}.npz"
            if not kept.is_file():
                predictor = predictor or Predictor(specification, weights / specification.file)
                if stage not in improved:
                    improved[stage] = _improve(images, stage)
                scores = _score(improved[stage], predictor)
                before = found.get(f"{name}:{PLAIN}")
                gains = [] if before is None else measure_gains(images, before, scores, rounds=rounds)
                _keep_step(kept, scores, improved[stage].milliseconds, gains)
                tell(f"{name}, {stage}: scored")
            with np.load(kept, allow_pickle=False) as stored:
                found[f"{name}:{stage}"] = stored["scores"]
                if stage != PLAIN:
                    record["milliseconds"].setdefault(stage, round(float(stored["milliseconds"]), 2))
                    told = json.loads(stored["gains"].tobytes())
                    record["gains"] += [{"network": name, "stage": stage, **row} for row in told]
            _write_scores(results / f"{NAME}.csv", images, found)
            write_json(results / f"{NAME}.json", record)


def _name_step(images: Sequence[TrialImage], specification: ModelSpecification, stage: str) -> str:
    listed = "".join(image.sha256 for image in images)
    return f"{specification.name}-{stage}-{digest_bytes(f'{specification.sha256}{listed}'.encode())[:12]}"


@dataclass(frozen=True, slots=True)
class _Improved:
    """Pictures after one stage, uint8 RGB of 224 pixels each, and processor milliseconds that it took for one."""

    pictures: list[NDArray[np.uint8]]
    milliseconds: float


def _improve(images: Sequence[TrialImage], stage: str) -> _Improved:
    root = find_data_root("")
    pictures, spent = [], 0.0
    for image in tqdm(images, desc=stage, unit="image", mininterval=10):
        pixels = _read_pixels(root, image)
        if stage != PLAIN:
            clock = ProcessorClock()
            pixels = STAGES[stage][1](pixels)
            spent += clock.read()
        pictures.append(pixels)
    return _Improved(pictures, 1000 * spent / len(images))


def _score(improved: _Improved, predictor: Predictor) -> NDArray[np.float64]:
    size, pictures = predictor.specification.input_size, improved.pictures
    scores = []
    for start in tqdm(range(0, len(pictures), _BATCH), desc="Scoring", unit="batch", mininterval=10):
        batch = [to_array(Image.fromarray(pixels), size) for pixels in pictures[start : start + _BATCH]]
        count = len(batch)
        batch += batch[:1] * (_BATCH - count)  # one shape, compiled once
        scores.append(predictor.predict(batch)[:count])
    return np.concatenate(scores)


def _keep_step(
    path: Path, scores: NDArray[np.float64], milliseconds: float, gains: Sequence[Mapping[str, Any]]
) -> None:
    note = np.frombuffer(json.dumps(list(gains)).encode(), dtype=np.uint8)
    draft = path.with_suffix(".partial")
    with draft.open("wb") as stream:
        np.savez(stream, allow_pickle=False, scores=scores, milliseconds=np.array(milliseconds), gains=note)
    draft.replace(path)


def _read_pixels(root: Path, image: TrialImage) -> NDArray[np.uint8]:
    """Return the decoded picture, of 224 pixels: the stages' own sizes are told for that."""
    try:
        data = (root / image.data_set / image.path).read_bytes()
    except OSError as error:
        raise DataError(f"Expected the image {image.path}, received: {error}.") from error
    if (received := digest_bytes(data)) != image.sha256:
        raise DataError(f"{image.path}: expected SHA-256 {image.sha256}, received {received}.")
    return to_array(decode_image(data), (_SIDE, _SIDE))


def _write_scores(path: Path, images: Sequence[TrialImage], found: Mapping[str, NDArray[np.float64]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    with draft.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow((*COLUMNS, *found))
        for index, image in enumerate(images):
            cells = (image.data_set, image.path, LABELS[image.label], image.source, image.lesion, image.tags)
            writer.writerow((*cells, *(f"{scores[index]:.6g}" for scores in found.values())))
    draft.replace(path)


# --- What a stage changes


def measure_gains(
    images: Sequence[TrialImage],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    *,
    rounds: int = 2000,
) -> list[dict[str, Any]]:
    """Return what a stage changes of a network's AUC, part by part, of scores float64 (n,) without and with it.

    Rows of `part` (unseen, clean, test, or a source), `images`, `plain` (the AUC without) and `gain` {value, low, high}.
    A part of one class is left out.
    """
    y = np.array([bool(image.label) for image in images])
    rows = []
    for part, own in _split_parts(images).items():
        if len(set(y[own].tolist())) < 2:
            continue
        lesions = [image.lesion for image, kept in zip(images, own, strict=True) if kept]
        value, interval = measure_gain(before[own], after[own], y[own], lesions, rounds=rounds)
        plain = round(measure_auc(before[own], y[own]), 5)
        rows.append({"part": part, "images": int(own.sum()), "plain": plain, "gain": box(value, interval)})
    return rows


def _split_parts(images: Sequence[TrialImage]) -> dict[str, NDArray[np.bool_]]:
    sources = np.array([image.source for image in images])
    tests = sources == ""
    parts = {
        name: tests & np.array([name in image.tags.split() for image in images])
        for name in ("unseen", "clean")
    }
    return {
        **parts,
        "test": tests,
        **{name: sources == name for name in sorted(set(sources[~tests].tolist()))},
    }


def measure_gain(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    y: NDArray[np.bool_],
    lesions: Sequence[str],
    *,
    rounds: int = 2000,
) -> tuple[float, Interval]:
    """Return how much the AUC rises from `before` to `after` and the 95 % interval of that difference.

    Scores of the same images, float64 (n,), labels and lesions, n each. A paired bootstrap: the same lesions are drawn
    for both. Raises `ml.evaluation.metrics.MetricsError` when a class is missing.
    """

    def gain(drawn: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
        places = drawn.astype(np.int64)
        return measure_auc(after[places], positive) - measure_auc(before[places], positive)

    places = np.arange(len(y), dtype=np.float64)
    return gain(places, y), bootstrap_lesions({"gain": gain}, places, y, lesions, rounds=rounds)["gain"]
