"""Model serving: the engine's door to `ml.serving`: versions, settings, one loaded network a version.

Importing it loads neither Keras nor TensorFlow, so the web process may.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from ml.outlines.outliner import (
    LesionOutline,
    NoLesionError,
    OutlineDeclaration,
    Outliner,
    PreparedOutliner,
    outline_file,
    prepare_outliner,
)
from ml.outlines.specification import SCALINGS as OUTLINE_SCALINGS
from ml.outlines.specification import OutlineSpecification
from ml.serving.device import configure_devices
from ml.serving.gating import (
    GateLook,
    GateVerdict,
    ImageCheck,
    assess,
    check_image,
    find_gate_problem,
    load_gates,
    look_at,
    warm_up_gates,
)
from ml.serving.judging import (
    BATCH_SHAPES,
    DEFAULT_MAX_PIXELS,
    BatchResult,
    ExplainedImage,
    ExplanationError,
    Judgement,
    Predictor,
    Prepared,
    explain_image,
    judge_images,
    prepare_image,
)
from ml.serving.judging import UndecodableImageError as UnusableImageError
from ml.serving.prevalence import PredictiveValue, measure_predictive_value
from ml.serving.registration import SCALINGS, Declaration, PreparedNetwork, declare, prepare_network
from ml.serving.registration import UnsafeModelError as RefusedNetworkError
from ml.serving.specification import ModelSpecification, SpecificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from classifier.models import ModelVersion, OutlineNetwork

__all__ = [
    "OUTLINE_SCALINGS",
    "SCALINGS",
    "BatchResult",
    "Declaration",
    "ExplainedImage",
    "ExplanationError",
    "GateLook",
    "GateVerdict",
    "ImageCheck",
    "Judgement",
    "LesionOutline",
    "ModelSpecification",
    "NoLesionError",
    "OutlineDeclaration",
    "OutlineSpecification",
    "PredictiveValue",
    "Prepared",
    "PreparedNetwork",
    "PreparedOutliner",
    "RefusedNetworkError",
    "SpecificationError",
    "UnusableImageError",
    "assess",
    "check_image",
    "declare",
    "explain",
    "find_gate_problem",
    "load_gates",
    "load_outliner",
    "load_predictor",
    "look_at",
    "measure_worth",
    "outline",
    "outlines_folder",
    "predict",
    "prepare",
    "prepare_network",
    "prepare_outliner",
    "shipped_outline_specifications",
    "shipped_specifications",
    "warm_up",
    "warm_up_gates",
]

LOADED_MODELS = 4


def prepare(version: ModelVersion, data: bytes, *, with_look: bool = False) -> Prepared:
    """Decode once, for the network and `with_look` also for the gates. Raises UnusableImageError."""
    # What intake once accepted stays acceptable, whichever way its limit was moved since.
    most = max(DEFAULT_MAX_PIXELS, settings.DERMAPORT_UPLOAD_MAX_PIXELS)
    size = _specification(version.sha256, version).input_size
    return prepare_image(data, size, max_pixels=most, with_look=with_look)


def predict(version: ModelVersion, images: Sequence[np.ndarray[Any, Any]]) -> BatchResult:
    """Judge prepared `images`, each uint8 (height, width, 3), as one batch."""
    return judge_images(load_predictor(version), _specification(version.sha256, version), images)


def measure_worth(version: ModelVersion, raw: float, prevalence: float) -> PredictiveValue | None:
    """What the network's own figure `raw` is worth where the share `prevalence` of lesions is malignant.

    None where the version doesn't tell on how many malignant ones it was calibrated.
    """
    return measure_predictive_value(_specification(version.sha256, version), raw, prevalence)


def explain(version: ModelVersion, pixels: np.ndarray[Any, Any], size: tuple[int, int]) -> ExplainedImage:
    """Explain one prepared image, uint8 (height, width, 3), for a picture of `size`, (width, height).

    The probabilities among the figures are calibrated, as people see them elsewhere. Raises
    ExplanationError for a network without a feature map.
    """
    return explain_image(load_predictor(version), _specification(version.sha256, version), pixels, size)


def load_predictor(version: ModelVersion) -> Predictor:
    """The network of `version`, loaded once in this process, by its registered sha256."""
    return _load(version.sha256, _specification(version.sha256, version))


def warm_up(version: ModelVersion) -> None:
    """Load the network of `version` and compile it for every batch shape that will be used."""
    largest = next(
        (shape for shape in BATCH_SHAPES if shape >= settings.DERMAPORT_BATCH_SIZE), BATCH_SHAPES[-1]
    )
    load_predictor(version).warm_up([shape for shape in BATCH_SHAPES if shape <= largest])


def shipped_specifications() -> list[ModelSpecification]:
    """The specifications in the models folder, by file name. Raises SpecificationError."""
    folder = Path(settings.DERMAPORT_MODELS_DIR)
    return [ModelSpecification.load(path) for path in sorted(folder.glob("*.json"))]


_parsed: dict[str, ModelSpecification] = {}


def _specification(sha256: str, version: ModelVersion) -> ModelSpecification:
    # A registered version never changes, so its hash is a safe key.
    if sha256 not in _parsed:
        _parsed[sha256] = ModelSpecification.from_dict(version.specification)
    return _parsed[sha256]


_predictors: dict[str, Predictor] = {}


def _load(sha256: str, specification: ModelSpecification) -> Predictor:
    if sha256 not in _predictors:
        configure_devices()
        while len(_predictors) >= LOADED_MODELS:
            _predictors.pop(next(iter(_predictors)))
        path = Path(settings.DERMAPORT_MODELS_DIR) / specification.file
        _predictors[sha256] = Predictor(specification, path)
    return _predictors[sha256]


# --- Outlines


def outlines_folder() -> Path:
    """Where the networks that outline lie: apart, so that none is taken for one that gives a verdict."""
    return Path(settings.DERMAPORT_MODELS_DIR) / "outlines"


def shipped_outline_specifications() -> list[OutlineSpecification]:
    """The specifications of networks that outline, by file name. Raises ml.fields.JsonFieldError, a ValueError."""
    return [OutlineSpecification.load(path) for path in sorted(outlines_folder().glob("*.json"))]


_outliners: dict[str, Outliner] = {}


def load_outliner(network: OutlineNetwork) -> Outliner:
    """The network, loaded once in this process by its registered sha256; one at a time: it is small."""
    if network.sha256 not in _outliners:
        configure_devices()
        _outliners.clear()
        specification = OutlineSpecification.from_dict(network.specification)
        _outliners[network.sha256] = Outliner(specification, outlines_folder() / specification.file)
    return _outliners[network.sha256]


def outline(network: OutlineNetwork, data: bytes) -> LesionOutline:
    """Outline the lesion in an original's bytes. Raises NoLesionError and UnusableImageError."""
    most = max(DEFAULT_MAX_PIXELS, settings.DERMAPORT_UPLOAD_MAX_PIXELS)
    return outline_file(load_outliner(network), data, max_pixels=most)
