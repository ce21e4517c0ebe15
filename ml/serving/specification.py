"""Model specification: what the portal must know of a network and cannot read from its `.h5` file."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from ml import fields as checked
from ml.imaging.inputs import SCALINGS
from ml.imaging.views import IDENTITY, VIEWS
from ml.serving.calibration import Calibration
from ml.serving.diagnoses import LEAST_CLASSES, DiagnosisCalibration, DiagnosisPolicy
from ml.serving.policy import DecisionPolicy

COLOUR_ORDERS = ("rgb", "bgr")
OUTPUTS = ("probabilities", "logits")
_WHAT = "Model specification"
_TEXTS = ("name", "version", "file", "sha256", "architecture", "scaling", "licence", "colour_order", "output")
_COUNTS = ("parameters", "input_height", "input_width")
_OBJECTS = (
    "calibration",
    "policy",
    "metrics",
    "training",
    "ground",
    "diagnosis_calibration",
    "diagnosis_policy",
)
# Left out of the file where they say nothing.
_OPTIONAL = ("ground", "diagnosis_calibration", "diagnosis_policy")
_GROUND = ("layer", "file", "sha256")
# What a specification written before the field existed means.
DEFAULTS: dict[str, Any] = {
    "views": [IDENTITY],
    "colour_order": "rgb",
    "malignant_classes": ["malignant"],
    "output": "probabilities",
    "ground": {},
    "diagnosis_calibration": {},
    "diagnosis_policy": {},
}
FIRST_VERSION = "1.0.0"
# How `training["calibrated_on"]` begins, before the name of the cross-validation's file.
OUT_OF_FOLD = "out-of-fold predictions, "
LEFT_OUT = "predictions of left-out sources, "
_MIN_CLASSES = 2
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(h5|hdf5)")
_GROUND_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.npz")


class SpecificationError(checked.JsonFieldError):
    """A specification is unreadable or says something impossible."""


@dataclass(frozen=True, slots=True)
class ModelSpecification:
    """One network file and everything needed to use its output.

    `input_height`, `input_width`: pixels of the RGB input, shape (n, height, width, 3).
    `scaling`: what turns uint8 pixels into the network's floats: `unit` is x / 255 in [0, 1],
    `signed` is x / 127.5 - 1 in [-1, 1], `raw` leaves [0, 255], `caffe` and `torch` as
    `ml.imaging.inputs.scale_pixels` says.
    `colour_order`: of the channels that the network takes, `rgb` or `bgr`; they are put in it after
    scaling.
    `classes`: names in output order, at least two; `malignant_classes`: those of them whose
    probabilities add up to P(malignant). A network with one output says P(second class): listed
    `["malignant", "benign"]` it says P(benign). `output`: `probabilities` in [0, 1], or `logits`,
    made probabilities by a sigmoid (one output) or a softmax.
    `calibration` and `policy` are the dictionaries of `ml.serving.calibration.Calibration` and
    `ml.serving.policy.DecisionPolicy`. `views`: the image is judged in each of these and the logits are
    averaged (`ml.imaging.views`), `identity` first. `ground`, where not empty: the statistics of what the network
    learned from, `file` beside its own, `sha256`, and the `layer` whose output they are of; the distance they give
    enters the policy. Of three classes or more each is a diagnosis: `diagnosis_calibration` and `diagnosis_policy` are
    the dictionaries of `ml.serving.diagnoses.DiagnosisCalibration` and `DiagnosisPolicy`, empty for their defaults.
    `metrics` and `training` are records, never used to compute, but for the prevalence of an older calibration
    (`ml.serving.prevalence`).
    Raises SpecificationError when built with impossible values.
    """

    name: str
    version: str
    file: str
    sha256: str
    architecture: str
    parameters: int
    input_height: int
    input_width: int
    scaling: str
    classes: tuple[str, ...]
    calibration: dict[str, Any]
    policy: dict[str, Any]
    licence: str
    views: tuple[str, ...] = (IDENTITY,)
    colour_order: str = "rgb"
    malignant_classes: tuple[str, ...] = ("malignant",)
    output: str = "probabilities"
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    ground: dict[str, Any] = field(default_factory=dict)
    diagnosis_calibration: dict[str, Any] = field(default_factory=dict)
    diagnosis_policy: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_pattern("file", self.file, _FILE_NAME, "a plain .h5 file name")
        _check_pattern("sha256", self.sha256, _SHA256, "64 lower-case hexadecimal digits")
        if self.scaling not in SCALINGS:
            _refuse("scaling", f"one of {', '.join(SCALINGS)}", self.scaling)
        if len(self.classes) < _MIN_CLASSES or len(set(self.classes)) != len(self.classes):
            _refuse("classes", "at least two different names", self.classes)
        _check_malignant(self.classes, self.malignant_classes)
        if self.colour_order not in COLOUR_ORDERS:
            _refuse("colour_order", f"one of {', '.join(COLOUR_ORDERS)}", self.colour_order)
        if self.output not in OUTPUTS:
            _refuse("output", f"one of {', '.join(OUTPUTS)}", self.output)
        if not self.views or self.views[0] != IDENTITY or not set(self.views) <= set(VIEWS):
            _refuse("views", f"{IDENTITY} and then any of {', '.join(VIEWS[1:])}", self.views)
        if self.ground:
            _check_ground(self.ground)
        try:
            Calibration.from_dict(self.calibration)
            DecisionPolicy.from_dict(self.policy)
            DiagnosisCalibration.from_dict(self.diagnosis_calibration)
            DiagnosisPolicy.from_dict(self.diagnosis_policy)
        except checked.JsonFieldError as error:
            raise SpecificationError(f"{_WHAT}: {error}") from error
        for key in ("diagnosis_calibration", "diagnosis_policy"):
            if getattr(self, key) and not self.names_diagnoses:
                _refuse("classes", f"at least {LEAST_CLASSES} names with {key!r}", self.classes)

    @property
    def names_diagnoses(self) -> bool:
        """Whether its classes are diagnoses: of two, the figure says all there is to say."""
        return len(self.classes) >= LEAST_CLASSES

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return (self.input_height, self.input_width)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ModelSpecification":
        """Build from a JSON object with exactly the fields of this class.

        Raises SpecificationError with "expected …, received …".
        """
        try:
            if isinstance(data, Mapping):
                data = {**DEFAULTS, **data}
            checked.check_keys(data, tuple(item.name for item in fields(cls)), _WHAT)
            names: dict[str, Any] = {
                key: _read_names(data, key) for key in ("classes", "views", "malignant_classes")
            }
            values: dict[str, Any] = {key: checked.read_text(data, key, _WHAT) for key in _TEXTS}
            values |= {key: checked.read_count(data, key, _WHAT) for key in _COUNTS}
            values |= {key: checked.read_object(data, key, _WHAT) for key in _OBJECTS}
            return cls(**values, **names)
        except SpecificationError:
            raise
        except checked.JsonFieldError as error:
            raise SpecificationError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads, fields in declared order; what is optional only where told."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values = {key: value for key, value in values.items() if value or key not in _OPTIONAL}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ModelSpecification":
        """Read the JSON file at `path`; raises SpecificationError, also when it is unreadable."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise SpecificationError(
                f"{_WHAT}: expected a JSON file at {Path(path).name}, received: {error}."
            ) from error
        return cls.from_dict(data)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to `path` as UTF-8 JSON, whole or not at all; raises OSError."""
        target = Path(path)
        draft = target.with_name(target.name + ".partial")
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(target)


def _check_ground(ground: Mapping[str, Any]) -> None:
    checked.check_keys(ground, _GROUND, f"{_WHAT}, ground")
    for key in _GROUND:
        checked.read_text(ground, key, f"{_WHAT}, ground")
    _check_pattern("file", ground["file"], _GROUND_NAME, "a plain .npz file name")
    _check_pattern("sha256", ground["sha256"], _SHA256, "64 lower-case hexadecimal digits")


def _check_malignant(classes: tuple[str, ...], malignant: tuple[str, ...]) -> None:
    if not malignant or not set(malignant) <= set(classes):
        if malignant == ("malignant",):
            _refuse("classes", "a class named 'malignant', or 'malignant_classes'", classes)
        _refuse("malignant_classes", f"some of {', '.join(classes)}", malignant)
    if len(malignant) >= len(classes):
        _refuse("malignant_classes", "not every class", malignant)
    if len(set(malignant)) != len(malignant):
        _refuse("malignant_classes", "each class once", malignant)


def _read_names(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = data[key]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        _refuse(key, "a list of names", names)
    return tuple(names)


def _check_pattern(key: str, value: str, pattern: re.Pattern[str], expected: str) -> None:
    if not pattern.fullmatch(value):
        _refuse(key, expected, value)


def _refuse(key: str, expected: str, received: object) -> NoReturn:
    raise SpecificationError(
        f"{_WHAT}: expected {expected} in {key!r}, received {checked.describe(received)}."
    )
