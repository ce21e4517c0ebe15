"""Running a baseline: one fit after the other, each stored when it is done, so that a stopped run goes on."""

import csv
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.datasets.image_sets import SetImage
from ml.datasets.records import LABELS
from ml.datasets.sources import HoldOut, SourcedImage
from ml.evaluation.metrics import Interval, bootstrap_lesions, measure_auc, measure_wilson
from ml.imaging.inputs import scale_pixels
from ml.research.baselines.alexnet import AlexNetPlan, extract_features, train_alexnet
from ml.research.baselines.classifiers import FittedClassifier, fit_linear, fit_perceptron, fit_svm
from ml.research.baselines.material import (
    PAPER,
    Fit,
    Material,
    ProcessorClock,
    cache_frozen,
    cache_handmade,
    fix_random_weights,
    join_features,
    list_fits,
    load_square,
    measure_handmade,
)
from ml.research.baselines.systems import ALEXNET, LINEAR, SVM, BaselineSystem
from ml.serving.device import configure_devices
from ml.training.activations import compile_lower, split_network
from ml.training.backbones import BACKBONES, describe_weights
from ml.training.checkpoints import CheckpointError
from ml.training.left_out_sources import Judged, summarise_hold_outs
from ml.training.release import describe_versions
from ml.training.run import find_scaling

if TYPE_CHECKING:
    import keras

COLUMNS: Final = ("path", "label", "lesion", "tags", "score")
FROM_SCRATCH: Final = "trained from scratch"
_TIMED: Final = 32
# Figures of the paper's split and how long one picture takes, measured when that fit is done.
_MEASURED: Final = "measured.json"


@dataclass(frozen=True, slots=True)
class BaselinePlan:
    """What decides a baseline's figures: system, start of its network, input side in pixels, AlexNet's training.

    `start` is `trained from scratch`, or `ml.training.backbones.describe_weights` of the frozen backbone, or empty
    without a network. `images` tells the lists of images apart.
    """

    system: BaselineSystem
    start: str
    input_size: int
    alexnet: AlexNetPlan | None
    images: str

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON object; what doesn't decide a figure is left out."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for told in ("title", "claimed", "random_size"):
            del values["system"][told]
        return values


@dataclass(frozen=True, slots=True)
class FitResult:
    """One fit: a score in [0, 1] of each judged image, float64 (m,), 0.5 the system's own cut.

    `seconds`: processor time of the training, features not counted; `parameters`: numbers kept by the classifier,
    and by AlexNet too where it was trained for this fit.
    """

    name: str
    scores: NDArray[np.float64]
    seconds: float
    parameters: int


def plan_baseline(
    system: BaselineSystem, material: Material, weights: Path | None, alexnet: AlexNetPlan
) -> BaselinePlan | None:
    """Return the plan of `system`, None where its network would need a file of weights and none is given."""
    if system.network == ALEXNET:
        return BaselinePlan(system, FROM_SCRATCH, alexnet.input_size, alexnet, material.digest)
    if not system.network:
        return BaselinePlan(system, "", 0, None, material.digest)
    if weights is None and not system.random_size:
        return None
    side = system.random_size if weights is None else BACKBONES[system.network].input_size
    return BaselinePlan(system, describe_weights(weights), side, None, material.digest)


def run_baseline(
    plan: BaselinePlan,
    material: Material,
    kinds: Sequence[str],
    *,
    folder: Path,
    cache: Path,
    results: Path,
    weights: Path | None,
    rounds: int = 2000,
    tell: Callable[[str], None] = print,
) -> None:
    """Fit and judge `plan` on the fits of `kinds` (`paper`, `sources`, `lesions`) that `folder` lacks.

    After each, `results` gets NAME.json and NAME.csv of what is done. `cache` holds features; `rounds` of the bootstrap. Raises
    `ml.datasets.records.DataError`, and `ml.training.checkpoints.CheckpointError` where `folder` holds the results of
    another plan.
    """
    configure_devices()
    fits = list_fits(material)
    place = folder / plan.system.name
    done = {fit.name: found for fit in fits if (found := _read_result(place, fit, plan)) is not None}
    wanted = [fit for fit in fits if fit.name not in done and fit.kind in kinds]
    bench: _Bench | None = None
    for fit in wanted:
        bench = bench or _Bench(plan, material, cache, place, weights)
        done[fit.name] = bench.judge(fit)
        if fit.name == PAPER:
            figures = measure_tests(material.tests, done[PAPER].scores, rounds=rounds)
            write_json(place / _MEASURED, {**bench.measure_speed(fit), "figures": figures})
        _write_result(place, done[fit.name], plan)
        shutil.rmtree(place / fit.name, ignore_errors=True)  # AlexNet's checkpoint
        _write_tables(results, plan, material, fits=fits, done=done, place=place)
        tell(f"{plan.system.name}, {fit.name}: {done[fit.name].seconds:.0f} s")
    if done and not wanted:
        _write_tables(results, plan, material, fits=fits, done=done, place=place)


class _Bench:
    """A system with its features at hand, ready to be fitted again and again."""

    def __init__(
        self, plan: BaselinePlan, material: Material, cache: Path, place: Path, weights: Path | None
    ) -> None:
        self._plan, self._material, self._place, self._weights = plan, material, place, weights
        self._labels = material.labels
        system, images = plan.system, material.images
        self._handmade = np.zeros((len(images), 0), np.float32)
        if system.handmade:
            self._handmade = join_features(cache_handmade(images, cache / "handmade"), system.handmade)
        self._deep = self._pixels = None
        if system.network == ALEXNET:
            self._pixels = load_square(images, plan.input_size)
        elif system.network:
            frozen = cache_frozen(system.network, plan.input_size, material, cache, weights)
            self._deep = frozen.astype(np.float32)
        self._last: tuple[FittedClassifier, Any] | None = None

    def judge(self, fit: Fit) -> FitResult:
        network, deep, seconds = self._train(fit)
        clock = ProcessorClock()
        features = self._handmade if deep is None else np.concatenate([deep, self._handmade], axis=1)
        width = 0 if deep is None else deep.shape[1]
        classifier = self._classify(features[fit.learned], self._labels[fit.learned], fit.weights, width)
        self._last = (classifier, network)
        scores = classifier.score(features[fit.judged])
        parameters = classifier.parameters + (0 if network is None else int(network.count_params()))
        return FitResult(fit.name, scores, seconds + clock.read(), parameters)

    def _train(self, fit: Fit) -> "tuple[keras.Model | None, NDArray[np.float32] | None, float]":
        """Return AlexNet trained for this fit, the deep features of all images it needs, and its seconds."""
        if self._pixels is None or self._plan.alexnet is None:
            return None, self._deep, 0.0
        folder = self._place / fit.name
        learned = self._pixels[fit.learned], self._labels[fit.learned]
        network, seconds = train_alexnet(self._plan.alexnet, *learned, fit.weights, folder)
        used = np.concatenate([fit.learned, fit.judged])
        found = extract_features(network, self._pixels[used])
        deep = np.zeros((len(self._labels), found.shape[1]), np.float32)
        deep[used] = found
        return network, deep, seconds

    def _classify(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.int64],
        weights: NDArray[np.float64],
        deep: int,
    ) -> FittedClassifier:
        kind = self._plan.system.classifier
        if kind == SVM:
            return fit_svm(features, labels, weights, deep=deep)
        if kind == LINEAR:
            return fit_linear(features, labels, weights)
        return fit_perceptron(features, labels, weights)

    def measure_speed(self, fit: Fit) -> dict[str, float]:
        """Return processor milliseconds an image from the file to the score, and the frozen network's numbers."""
        if self._last is None:
            raise ValueError("Expected a fit before its speed is measured, received none.")
        classifier, network = self._last
        some = [self._material.images[index] for index in fit.judged[:_TIMED].tolist()]
        system, side, parameters = self._plan.system, self._plan.input_size, 0
        run: Callable[[NDArray[np.uint8]], NDArray[np.float32]] | None = None
        if network is not None:
            run = partial(extract_features, network)
        elif system.network:
            run, parameters = _open_frozen(system.network, side, self._weights)
        if run is not None:
            run(load_square(some, side))  # compiled once, before the clock starts
        clock = ProcessorClock()
        parts = []
        if run is not None:
            parts.append(run(load_square(some, side)))
        if system.handmade:
            pixels = load_square(some, 224)
            parts += [measure_handmade(kind, list(pixels)) for kind in system.handmade]
        classifier.score(np.concatenate(parts, axis=1))
        return {"milliseconds": round(1000 * clock.read() / len(some), 2), "frozen_parameters": parameters}


def _open_frozen(
    architecture: str, side: int, weights: Path | None
) -> tuple[Callable[[NDArray[np.uint8]], NDArray[np.float32]], int]:
    fix_random_weights(weights)
    _, _, lower = split_network(architecture, side, "", weights)
    compiled = compile_lower(lower, side)[False]
    scaling = find_scaling(architecture)

    def run(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = np.zeros((_TIMED, side, side, 3), dtype=np.uint8)
        batch[: len(pixels)] = pixels
        return np.asarray(compiled(scale_pixels(batch, scaling))[0], dtype=np.float32)[: len(pixels)]

    return run, int(lower.count_params())


# --- What is kept of each fit


def _write_result(place: Path, result: FitResult, plan: BaselinePlan) -> None:
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{result.name}.npz"
    draft = path.with_suffix(".partial")
    note = np.frombuffer(json.dumps(plan.to_dict()).encode(), dtype=np.uint8)
    with draft.open("wb") as stream:
        np.savez(
            stream,
            allow_pickle=False,
            plan=note,
            scores=result.scores,
            seconds=np.array(result.seconds),
            parameters=np.array(result.parameters),
        )
    draft.replace(path)


def _read_result(place: Path, fit: Fit, plan: BaselinePlan) -> FitResult | None:
    path = place / f"{fit.name}.npz"
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        made_by = json.loads(stored["plan"].tobytes())
        if made_by != plan.to_dict():
            changed = sorted(key for key, value in plan.to_dict().items() if made_by.get(key) != value)
            raise CheckpointError(
                f"Expected {path} of the same plan, received one with another {', '.join(changed) or 'plan'}. "
                f"Choose another folder with --folder, or remove {place}."
            )
        return FitResult(fit.name, stored["scores"], float(stored["seconds"]), int(stored["parameters"]))


# --- What the report reads


def _write_tables(
    results: Path,
    plan: BaselinePlan,
    material: Material,
    *,
    fits: Sequence[Fit],
    done: Mapping[str, FitResult],
    place: Path,
) -> None:
    measured = json.loads((place / _MEASURED).read_text()) if (place / _MEASURED).is_file() else {}
    held = [
        _as_judged(fit, done[fit.name], material.training)
        for fit in fits
        if fit.name in done and fit.name != PAPER
    ]
    record: dict[str, Any] = {
        "name": plan.system.name,
        "start": plan.start,
        "input_size": plan.input_size,
        "alexnet": plan.alexnet.to_dict() if plan.alexnet else None,
        "milliseconds": measured.get("milliseconds"),
        "parameters": None,
        "seconds": {name: round(result.seconds, 1) for name, result in done.items()},
        "missing": [fit.name for fit in fits if fit.name not in done],
        **summarise_hold_outs(material.training, held, 1.0),
        "made_with": {"device": configure_devices(), **describe_versions()},
    }
    if PAPER in done:
        record["parameters"] = done[PAPER].parameters + int(measured.get("frozen_parameters", 0))
        record["figures"] = measured.get("figures", {})
        _write_scores(results / f"{plan.system.name}.csv", material.tests, done[PAPER].scores)
    write_json(results / f"{plan.system.name}.json", record)


def measure_tests(
    tests: Sequence[SetImage], scores: NDArray[np.float64], *, rounds: int = 2000
) -> dict[str, dict[str, Any]]:
    """Return AUC and accuracy at 0.5, each {value, low, high}, on the images `unseen` and `clean`, and on all (`test`).

    AUC with lesions drawn anew within each class; accuracy with Wilson's interval. A part of one class is left out.
    """
    found = {}
    y = np.array([image.label == LABELS[1] for image in tests])
    for name in ("unseen", "clean", "test"):
        own = np.array([name == "test" or name in image.tags.split() for image in tests])
        if len(set(y[own].tolist())) < 2:
            continue
        lesions = [image.lesion for image, kept in zip(tests, own, strict=True) if kept]
        bounds = bootstrap_lesions({"auc": measure_auc}, scores[own], y[own], lesions, rounds=rounds)
        right = (scores[own] >= 0.5) == y[own]
        found[name] = {
            "images": int(own.sum()),
            "auc": box(measure_auc(scores[own], y[own]), bounds["auc"]),
            "accuracy": box(float(right.mean()), measure_wilson(int(right.sum()), right.size)),
        }
    return found


def box(value: float, interval: Interval) -> dict[str, float]:
    """Return a figure and its 95 % interval as they are stored."""
    return {"value": round(value, 5), "low": round(interval[0], 5), "high": round(interval[1], 5)}


def _as_judged(fit: Fit, result: FitResult, training: Sequence[SourcedImage]) -> Judged:
    """Return the result as `ml.training.left_out_sources` has them, so that both are summed up by the same code."""
    judged = np.zeros(len(training), dtype=bool)
    judged[fit.judged] = True
    held_out = np.ones(len(training), dtype=bool)
    held_out[fit.learned] = False
    return Judged(HoldOut(fit.name, held_out, judged), {1.0: result.scores}, result.seconds)


def _write_scores(path: Path, tests: Sequence[SetImage], scores: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    with draft.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for image, score in zip(tests, scores.tolist(), strict=True):
            writer.writerow((image.path, image.label, image.lesion, image.tags, f"{score:.6g}"))
    draft.replace(path)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write `values` to `path`, whole or not at all; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    draft.write_text(json.dumps(dict(values), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
