"""Model registration: from anybody's network file and its owner's word to a file that the portal serves."""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.digests import digest_bytes
from ml.imaging import inputs
from ml.imaging.inputs import build_input
from ml.network_files.conversion import convert_network
from ml.network_files.drawn_pictures import draw_pictures
from ml.network_files.errors import UnsafeModelError
from ml.network_files.head import PROBABILITIES, check_outputs, find_head
from ml.network_files.inspection import examine_bytes
from ml.network_files.model_file import read_model_file
from ml.serving.policy import DecisionPolicy
from ml.serving.prediction import PredictionError, Predictor
from ml.serving.specification import ModelSpecification

__all__ = [
    "SCALINGS",
    "UNCALIBRATED",
    "Declaration",
    "PreparedNetwork",
    "UnsafeModelError",
    "declare",
    "draw_references",
    "prepare_network",
]

# Nobody measured what this network's probabilities mean, so only the clearest are judged at all.
UNCALIBRATED = DecisionPolicy("uncalibrated-1", 0.5, 0.1, 0.9)
TOLERANCE = 0.01
# Keras's own name of a scaling, and the colour order that belongs to one.
ALIASES = {"tf": "signed"}
SCALINGS = (*inputs.SCALINGS, *ALIASES)
_ORDERS = {"caffe": "bgr"}


@dataclass(frozen=True, slots=True)
class Declaration:
    """What no file says: see `ml.serving.specification.ModelSpecification` for the fields.

    `input_size`: (height, width) where the file leaves it open. `reference`: the bytes of an image
    and `expected`, the P(malignant) that its owner saw on it, or None.
    """

    scaling: str
    classes: tuple[str, ...]
    malignant_classes: tuple[str, ...] = ("malignant",)
    colour_order: str = "rgb"
    output: str = "probabilities"
    input_size: tuple[int, int] | None = None
    name: str = ""
    version: str = "1"
    licence: str = "not stated"
    policy: DecisionPolicy = field(default=UNCALIBRATED)
    reference: bytes = b""
    expected: float | None = None


def declare(
    *, band: tuple[float, float, float], scaling: str, colour_order: str = "", **facts: Any
) -> Declaration:
    """Return what an owner says of a network file; `band`: (refer_low, threshold, refer_high) in [0, 1].

    `scaling` may be `tf`, Keras's name of `signed`. `colour_order` not said is that of the scaling: BGR
    for `caffe`, RGB for the others. `facts`: the other fields of Declaration. Raises
    `ml.serving.policy.PolicyError` for a band that is none.
    """
    low, threshold, high = band
    known = (UNCALIBRATED.refer_low, UNCALIBRATED.threshold, UNCALIBRATED.refer_high)
    policy = UNCALIBRATED if band == known else DecisionPolicy("declared-uncalibrated", threshold, low, high)
    return Declaration(
        policy=policy,
        scaling=ALIASES.get(scaling, scaling),
        colour_order=colour_order or _ORDERS.get(scaling, "rgb"),
        **facts,
    )


@dataclass(frozen=True, slots=True)
class PreparedNetwork:
    """The bytes to serve, their specification and P(malignant) of the reference image, if any."""

    data: bytes
    specification: ModelSpecification
    reference_probability: float | None


def prepare_network(path: str | os.PathLike[str], declared: Declaration) -> PreparedNetwork:
    """Scan the file, convert it if old, run it and hold it against the reference image.

    Calibration is identity: nothing is known of what its figures mean, and the policy says so by
    its version. Raises UnsafeModelError with the codes of `ml.network_files.model_file`,
    `ml.network_files.inspection.examine_bytes`, `ml.network_files.conversion`,
    `ml.network_files.head.check_outputs` and `head_is_logits`, `head_is_probabilities`,
    `input_size_missing`, `declaration_differs`, `reference_differs`;
    `ml.serving.specification.SpecificationError` for an impossible declaration;
    `ml.imaging.errors.UndecodableImageError` for an unreadable reference image.
    """
    original = read_model_file(path)
    scanned = examine_bytes(original, declared.input_size)
    if None in scanned.plan.input_shape and declared.input_size is None:
        raise UnsafeModelError("input_size_missing", "Expected --input-size, received an open input.")
    _check_output(find_head(scanned.plan), declared.output)
    size = scanned.size_of_input(declared.input_size)
    data, source = original, {"sha256": digest_bytes(original), "keras_version": scanned.keras_version}
    record: dict[str, Any] = {"source": source, "calibrated": False}
    if scanned.is_old:
        made = convert_network(original, input_size=size, scaling=declared.scaling)
        data = made.data
        record["conversion"] = {"largest_difference": made.difference, "images": made.images}
    sha256 = digest_bytes(data)
    specification = ModelSpecification(
        name=declared.name or f"registered-{sha256[:8]}",
        version=declared.version,
        file=f"registered-{sha256[:32]}.h5",
        sha256=sha256,
        architecture="registered",
        parameters=scanned.size.parameters,
        input_height=size[0],
        input_width=size[1],
        scaling=declared.scaling,
        classes=declared.classes,
        malignant_classes=declared.malignant_classes,
        colour_order=declared.colour_order,
        output=declared.output,
        calibration={"method": "identity"},
        policy=declared.policy.to_dict(),
        licence=declared.licence,
        training=record,
    )
    return _try_out(data, specification, declared, find_head(scanned.plan))


def _check_output(head: str, output: str) -> None:
    if head == "linear" and output != "logits":
        raise UnsafeModelError(
            "head_is_logits", "Expected probabilities, received logits. Declare --output logits."
        )
    if head in PROBABILITIES and output == "logits":
        raise UnsafeModelError(
            "head_is_probabilities",
            f"Expected logits, received probabilities: the network ends in a {head} already. "
            "Declare --output probabilities.",
        )


def draw_references(size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Return two fixed images, uint8 (height, width, 3): noise and one colour."""
    noise = np.random.default_rng(20_240_102).integers(0, 256, (*size, 3), dtype=np.uint8)
    return [noise, np.full((*size, 3), (222, 178, 152), dtype=np.uint8)]


def _try_out(
    data: bytes, specification: ModelSpecification, declared: Declaration, head: str
) -> PreparedNetwork:
    with tempfile.TemporaryDirectory(prefix="dermaport-registration-") as folder:
        path = Path(folder) / specification.file
        path.write_bytes(data)
        try:
            predictor = Predictor(specification, path)
            check_outputs(predictor.run(list(draw_pictures(specification.input_size))), head)
            drawn = predictor.predict(draw_references(specification.input_size))
        except PredictionError as error:
            raise UnsafeModelError("declaration_differs", str(error)) from error
        specification.training["references"] = {"drawn": [round(float(p), 6) for p in drawn]}
        if not declared.reference:
            return PreparedNetwork(data, specification, None)
        pixels = build_input(declared.reference, specification.input_size)
        probability = float(predictor.predict([pixels])[0])
    specification.training["references"]["image"] = {
        "sha256": digest_bytes(declared.reference),
        "probability": round(probability, 6),
        "expected": declared.expected,
    }
    if declared.expected is not None and not abs(probability - declared.expected) <= TOLERANCE:
        raise UnsafeModelError(
            "reference_differs",
            f"Expected {declared.expected} of the reference image within {TOLERANCE}, received "
            f"{probability:.4f}. Scaling, colour order or class order may be another.",
        )
    return PreparedNetwork(data, specification, probability)
