"""The one door to `ml`. Keras is imported inside functions, so the web process never loads it.

The gates need no Keras: worker and web process run the same ones.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from ml.explanation.faithfulness import check_deletion, find_marked
from ml.explanation.heatmap import draw_heatmap
from ml.explanation.hirescam import METHOD, ExplanationError
from ml.gates.verdict import Look, describe_doubt, describe_refusal, look_at
from ml.imaging.decoding import DEFAULT_MAX_PIXELS, decode_image, read_header, to_array
from ml.imaging.errors import UndecodableImageError as UnusableImageError
from ml.network_files.errors import UnsafeModelError as RefusedNetworkError
from ml.serving.calibration import Calibration
from ml.serving.policy import ThresholdPolicy
from ml.serving.specification import ModelSpecification, SpecificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from classifier.models import ModelVersion
    from ml.gates.verdict import Gates, GateVerdict
    from ml.imaging.dicom.facts import DicomFacts
    from ml.serving.prediction import Predictor
    from ml.serving.registration import Declaration, PreparedNetwork

__all__ = [
    "BatchResult",
    "Declaration",
    "ExplainedImage",
    "ExplanationError",
    "ImageCheck",
    "Judgement",
    "Look",
    "ModelSpecification",
    "Prepared",
    "PreparedNetwork",
    "RefusedNetworkError",
    "SpecificationError",
    "UnusableImageError",
    "Verdict",
    "assess",
    "check_image",
    "declare",
    "decode_image",
    "explain",
    "find_gate_problem",
    "load_gates",
    "load_predictor",
    "predict",
    "prepare",
    "prepare_network",
    "read_dicom_facts",
    "read_header",
    "read_specification",
    "shipped_specifications",
    "warm_up",
    "warm_up_gates",
]

LOADED_MODELS = 4


@dataclass(frozen=True)
class Judgement:
    """One image: raw and calibrated P(malignant) in [0, 1], and what the policy makes of it."""

    probability: float
    calibrated_probability: float
    outcome: str


@dataclass(frozen=True)
class BatchResult:
    judgements: list[Judgement]
    device: str
    seconds: float


@dataclass(frozen=True)
class ExplainedImage:
    """A PNG to lie over the picture, and what the map says of itself: names, counts, probabilities."""

    overlay: bytes
    figures: dict[str, Any]


@dataclass(frozen=True)
class Prepared:
    """One image as the network takes it, uint8 (height, width, 3), and what the gates need of it."""

    pixels: np.ndarray[Any, Any]
    look: Look | None


@dataclass(frozen=True)
class Verdict:
    """What the gates found of one image; each refusal as {code, message}, none when it may be judged.

    `kind`: which kind of picture it looks like, a value of `vocabulary.CaptureKind`, or empty.
    """

    version: str
    figures: dict[str, float]
    refusals: list[dict[str, str]]
    kind: str = ""


@dataclass(frozen=True)
class ImageCheck:
    """What the gates say of a picture before it is sent, so that it can still be taken again.

    `state`: `good` when the worker will take it, `refused` when it won't, `doubtful` when a reduced
    copy is too near to a limit to tell. `messages`: each as {code, message}, what is wrong and what to
    do; empty for a good one. `kind` as that of `verdict`: a proposal, empty when nothing is sure.
    `verdict` is that of the very pixels checked.
    """

    state: str
    messages: list[dict[str, str]]
    kind: str
    verdict: Verdict


def prepare(version: ModelVersion, data: bytes, *, with_look: bool = False) -> Prepared:
    """Decode once, for the network and `with_look` also for the gates. Raises UnusableImageError."""
    specification = _specification(version.sha256, version)
    # What intake once accepted stays acceptable, whichever way its limit was moved since.
    most = max(DEFAULT_MAX_PIXELS, settings.DERMAPORT_UPLOAD_MAX_PIXELS)
    image = decode_image(data, max_pixels=most)
    # Only the look is kept: a batch of large photographs would be gigabytes.
    look = look_at(np.asarray(image)) if with_look else None
    return Prepared(to_array(image, specification.input_size), look)


def read_dicom_facts(data: bytes) -> DicomFacts:
    """What the header of a DICOM photograph tells besides its picture. Raises UnusableImageError."""
    from ml.imaging.dicom import facts as dicom_facts

    return dicom_facts.read_dicom_facts(data)


def assess(looks: Sequence[Look]) -> list[Verdict]:
    """What the gates say of each look; the sentences as they are said to people."""
    return [_put_in_words(found) for found in load_gates().decide(looks)]


def check_image(
    image: bytes | Image.Image | np.ndarray[Any, Any], original_size: tuple[int, int] | None = None
) -> ImageCheck:
    """Say of a picture, or of a reduced copy of it, what the worker's gates will say. Runs in any process.

    `image`: a file's bytes, or its upright RGB pixels, decoded. `original_size`: (width, height) of the
    upright picture that this is a copy of; then limits are tightened by how much copies differ. Without
    it, this is the picture itself and the answer is the worker's own: good or refused.

    Raises UnusableImageError for bytes that are no picture, ValueError for a size below 1, and
    GateError or ImportError when the gates can't be loaded.
    """
    if original_size is not None and min(original_size) < 1:
        raise ValueError(f"Expected a size of 1 pixel or more, received {original_size}.")
    pixels = np.asarray(decode_image(image) if isinstance(image, bytes) else image)
    look = look_at(pixels, original_size)
    if original_size is None:
        (verdict,) = assess([look])
        state = "refused" if verdict.refusals else "good"
        return ImageCheck(state, verdict.refusals, verdict.kind, verdict)
    found = load_gates().check(look)
    figures = found.verdict.figures
    messages = [{"code": code, "message": describe_refusal(code, figures)} for code in found.refused]
    # Once it is refused, what else may be wrong helps nobody.
    if not messages:
        messages = [{"code": code, "message": describe_doubt(code, figures)} for code in found.doubted]
    state = "refused" if found.refused else "doubtful" if found.doubted else "good"
    return ImageCheck(state, messages, found.verdict.kind, _put_in_words(found.verdict))


def _put_in_words(found: GateVerdict) -> Verdict:
    return Verdict(
        version=found.version,
        figures=found.figures,
        refusals=[
            {"code": code, "message": describe_refusal(code, found.figures)} for code in found.refusals
        ],
        kind=found.kind,
    )


def find_gate_problem() -> str:
    """What is wrong with the gates' files, in a sentence; empty when each is as specified."""
    from ml.digests import digest_bytes
    from ml.gates.specification import DOMAIN_FILES, GateError, GateSpecification, find_gates_folder

    folder = find_gates_folder()
    try:
        domain = GateSpecification.load(folder / "gates.json").domain
        for name in DOMAIN_FILES:
            expected = domain[f"{name}_sha256"]
            received = digest_bytes((folder / domain[name]).read_bytes())
            if received != expected:
                return f"{domain[name]}: expected sha256 {expected}, received {received}."
    except (GateError, OSError) as error:
        return str(error)
    return ""


@cache
def load_gates() -> Gates:
    """The gates, loaded once in this process. Call it after the fork, as for a network.

    Raises GateError or ImportError; the next call tries again.
    """
    from ml.gates.verdict import Gates

    return Gates.load()


def predict(version: ModelVersion, images: Sequence[np.ndarray[Any, Any]]) -> BatchResult:
    """Judge prepared `images`, each uint8 (height, width, 3), as one batch."""
    specification = _specification(version.sha256, version)
    predictor = load_predictor(version)
    started = time.perf_counter()
    raw = predictor.predict(images)
    seconds = time.perf_counter() - started
    calibrated = Calibration.from_dict(specification.calibration).apply(raw)
    policy = ThresholdPolicy.from_dict(specification.policy)
    return BatchResult(
        judgements=[
            Judgement(float(p), float(c), policy.outcome(float(c)))
            for p, c in zip(raw, calibrated, strict=True)
        ],
        device=predictor.device,
        seconds=seconds,
    )


def explain(version: ModelVersion, pixels: np.ndarray[Any, Any], size: tuple[int, int]) -> ExplainedImage:
    """Explain one prepared image, uint8 (height, width, 3), for a picture of `size`, (width, height).

    The probabilities among the figures are calibrated, as people see them elsewhere. Raises
    ExplanationError for a network without a feature map.
    """
    predictor = load_predictor(version)
    started = time.perf_counter()
    explanation = predictor.explain(pixels)
    deletion = check_deletion(predictor.predict, pixels, explanation)
    raw = np.array([deletion.whole, deletion.without_marked, deletion.without_others])
    calibration = Calibration.from_dict(_specification(version.sha256, version).calibration)
    whole, without_marked, without_others = (float(value) for value in calibration.apply(raw))
    figures = {
        "method": METHOD,
        "layer": explanation.layer,
        "cells": list(explanation.cells.shape),
        "speaks_for": "malignant" if explanation.logit >= 0 else "benign",
        "marked_share": round(float(find_marked(explanation, explanation.size).mean()), 4),
        "whole": whole,
        "without_marked": without_marked,
        "without_others": without_others,
        "is_passed": deletion.is_passed,
        "milliseconds": round((time.perf_counter() - started) * 1000, 1),
    }
    return ExplainedImage(draw_heatmap(explanation, size), figures)


def load_predictor(version: ModelVersion) -> Predictor:
    """The network of `version`, loaded once in this process, by its registered sha256."""
    return _load(version.sha256, _specification(version.sha256, version))


def warm_up(version: ModelVersion) -> None:
    """Load the network of `version` and compile it for every batch shape that will be used."""
    from ml.serving.prediction import BATCH_SHAPES

    largest = next(
        (shape for shape in BATCH_SHAPES if shape >= settings.DERMAPORT_BATCH_SIZE), BATCH_SHAPES[-1]
    )
    load_predictor(version).warm_up([shape for shape in BATCH_SHAPES if shape <= largest])


def warm_up_gates() -> None:
    """Load the gates and run them once, so that the first patient does not wait."""
    load_gates().decide([look_at(np.zeros((1, 1, 3), np.uint8))])


def read_specification(path: Path) -> ModelSpecification:
    """Read a specification file. Raises SpecificationError."""
    return ModelSpecification.load(path)


def shipped_specifications() -> list[ModelSpecification]:
    """The specifications in the models folder, by file name."""
    folder = Path(settings.DERMAPORT_MODELS_DIR)
    return [read_specification(path) for path in sorted(folder.glob("*.json"))]


_parsed: dict[str, ModelSpecification] = {}


def _specification(sha256: str, version: ModelVersion) -> ModelSpecification:
    # A registered version never changes, so its hash is a safe key.
    if sha256 not in _parsed:
        _parsed[sha256] = ModelSpecification.from_dict(version.specification)
    return _parsed[sha256]


_predictors: dict[str, Predictor] = {}


def _load(sha256: str, specification: ModelSpecification) -> Predictor:
    if sha256 not in _predictors:
        from ml.serving.device import configure_devices
        from ml.serving.prediction import Predictor

        configure_devices()
        while len(_predictors) >= LOADED_MODELS:
            _predictors.pop(next(iter(_predictors)))
        path = Path(settings.DERMAPORT_MODELS_DIR) / specification.file
        _predictors[sha256] = Predictor(specification, path)
    return _predictors[sha256]


def declare(*, band: tuple[float, float, float], **facts: Any) -> Declaration:
    """What an owner says of a network file; `band`: refer_low, threshold, refer_high.

    Raises ValueError for a band that is none.
    """
    from ml.serving.registration import UNCALIBRATED, Declaration

    low, threshold, high = band
    known = (UNCALIBRATED.refer_low, UNCALIBRATED.threshold, UNCALIBRATED.refer_high)
    policy = UNCALIBRATED if band == known else ThresholdPolicy("declared-uncalibrated", threshold, low, high)
    return Declaration(policy=policy, **facts)


def prepare_network(path: str, declared: Declaration) -> PreparedNetwork:
    """Scan, convert and try out a network file. Raises RefusedNetworkError and ValueError."""
    from ml.serving import registration

    return registration.prepare_network(path, declared)
