"""Prediction as people are told it: raw figure, calibrated probability, outcome, and why.

Calibration comes first, then the version's own policy: what the model reads as malignant is never
called benign because of the scale of its figures.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.explanation.faithfulness import check_deletion, find_marked
from ml.explanation.heatmap import draw_heatmap
from ml.explanation.hirescam import METHOD, ExplanationError
from ml.gates.verdict import GateLook, look_at
from ml.imaging.decoding import DEFAULT_MAX_PIXELS, decode_image, to_array
from ml.imaging.errors import UndecodableImageError
from ml.serving.calibration import Calibration
from ml.serving.diagnoses import (
    DiagnosisCalibration,
    DiagnosisPolicy,
    NamedDiagnoses,
    derive_diagnoses,
    name_diagnoses,
)
from ml.serving.heads import find_columns
from ml.serving.policy import DecisionPolicy
from ml.serving.prediction import BATCH_SHAPES, Measured, Predictor
from ml.serving.specification import ModelSpecification

__all__ = [
    "BATCH_SHAPES",
    "DEFAULT_MAX_PIXELS",
    "UNFAMILIAR",
    "BatchResult",
    "ExplainedImage",
    "ExplanationError",
    "Judgement",
    "Predictor",
    "Prepared",
    "UndecodableImageError",
    "diagnose",
    "explain_image",
    "judge_images",
    "prepare_image",
]


# Why a picture is referred that is far from all that the network learned from.
UNFAMILIAR: Final = "unlike the pictures it learned from"


@dataclass(frozen=True)
class Prepared:
    """One image as the network takes it, uint8 (height, width, 3), and what the gates need of it."""

    pixels: NDArray[Any]
    look: GateLook | None


@dataclass(frozen=True)
class Judgement:
    """One image: raw and calibrated P(malignant) in [0, 1], and what the policy makes of it.

    `distance` from the pictures that the network learned from, about 1 for one of them, None where the network
    has no ground; `is_far`: it is referred for that, whatever its P: `UNFAMILIAR` is why. `diagnoses`: what the
    lesion could be, None of a network that names none; the malignant ones add up to the calibrated P.
    """

    probability: float
    calibrated_probability: float
    outcome: str
    distance: float | None = None
    is_far: bool = False
    diagnoses: NamedDiagnoses | None = None


@dataclass(frozen=True)
class BatchResult:
    """The judgements of one batch in order, where it ran and how many seconds that took."""

    judgements: list[Judgement]
    device: str
    seconds: float


@dataclass(frozen=True)
class ExplainedImage:
    """A PNG to lie over the picture, and what the map says of itself: names, counts, probabilities."""

    overlay: bytes
    figures: dict[str, Any]


def prepare_image(data: bytes, size: tuple[int, int], *, max_pixels: int, with_look: bool) -> Prepared:
    """Decode a file's bytes once, for a network of input `size`, (height, width), and for the gates.

    `max_pixels`: width times height that is accepted. `with_look`: whether the gates will be asked.
    Raises UndecodableImageError.
    """
    image = decode_image(data, max_pixels=max_pixels)
    # Only the look is kept: a batch of large photographs would be gigabytes.
    look = look_at(image) if with_look else None
    return Prepared(to_array(image, size), look)


def judge_images(
    predictor: Predictor, specification: ModelSpecification, images: Sequence[NDArray[Any]]
) -> BatchResult:
    """Judge prepared `images`, each uint8 (height, width, 3), as one batch by the network's specification.

    Raises `ml.serving.prediction.PredictionError` for an image of another shape or type.
    """
    started = time.perf_counter()
    measured = predictor.measure(images)
    raw, distances = measured.probabilities, measured.distances
    seconds = time.perf_counter() - started
    calibrated = Calibration.from_dict(specification.calibration).apply(raw)
    policy = DecisionPolicy.from_dict(specification.policy)
    told = [None] * len(raw) if distances is None else [float(distance) for distance in distances]
    named = diagnose(specification, measured, calibrated)
    return BatchResult(
        judgements=[
            Judgement(float(p), float(c), policy.outcome(float(c), far), far, policy.is_far(far), found)
            for p, c, far, found in zip(raw, calibrated, told, named, strict=True)
        ],
        device=predictor.device,
        seconds=seconds,
    )


def diagnose(
    specification: ModelSpecification, measured: Measured, calibrated: NDArray[np.float64]
) -> list[NamedDiagnoses | None]:
    """Name the diagnoses of n `measured` images, whose P(malignant) is `calibrated`, float64 (n,).

    None for each, of a network that names none.
    """
    if measured.classes is None:
        return [None] * len(calibrated)
    columns = find_columns(specification, len(specification.classes))
    temperatures = DiagnosisCalibration.from_dict(specification.diagnosis_calibration)
    derived = derive_diagnoses(measured.classes, calibrated, columns, temperatures)
    policy = DiagnosisPolicy.from_dict(specification.diagnosis_policy)
    return [
        name_diagnoses(row, specification.classes, specification.malignant_classes, policy) for row in derived
    ]


def explain_image(
    predictor: Predictor, specification: ModelSpecification, pixels: NDArray[Any], size: tuple[int, int]
) -> ExplainedImage:
    """Explain one prepared image, uint8 (height, width, 3), for a picture of `size`, (width, height).

    The probabilities among the figures are calibrated, as people see them elsewhere. Raises
    ExplanationError for a network without a feature map.
    """
    started = time.perf_counter()
    explanation = predictor.explain(pixels)
    deletion = check_deletion(predictor.predict, pixels, explanation)
    raw = np.array([deletion.whole, deletion.without_marked, deletion.without_others])
    calibration = Calibration.from_dict(specification.calibration)
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
