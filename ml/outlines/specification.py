"""Outline specification: what the portal must know of a network that outlines and can't read from its `.h5` file."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ml import fields
from ml.imaging.inputs import SCALINGS

__all__ = ["KIND", "SCALINGS", "OutlineSpecification", "OutlineSpecificationError"]

KIND: Final = "outline"
_WHAT: Final = "Outline specification"
_TEXTS: Final = ("kind", "name", "version", "file", "sha256", "architecture", "scaling", "licence")
_COUNTS: Final = ("parameters", "input_height", "input_width")
_OBJECTS: Final = ("metrics", "training")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(h5|hdf5)")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class OutlineSpecificationError(fields.JsonFieldError):
    """A specification is unreadable or says something impossible."""


@dataclass(frozen=True, slots=True)
class OutlineSpecification:
    """One network that outlines lesions, and how its input is made.

    Input: RGB pixels (n, `input_height`, `input_width`, 3), the whole picture squashed to that size, scaled as
    `ml.imaging.inputs.scale_pixels` names it. Output: P(lesion) of each cell, (n, h, w, 1), of any h and w. `kind` is
    `outline`. `metrics` and `training` are records, never used to compute. Raises OutlineSpecificationError.
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
    licence: str
    kind: str = KIND
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, value, is_right, expected in (
            ("kind", self.kind, self.kind == KIND, KIND),
            ("file", self.file, _FILE_NAME.fullmatch(self.file), "a plain .h5 file name"),
            ("sha256", self.sha256, _SHA256.fullmatch(self.sha256), "64 lower-case hexadecimal digits"),
            ("scaling", self.scaling, self.scaling in SCALINGS, f"one of {', '.join(SCALINGS)}"),
        ):
            if not is_right:
                raise OutlineSpecificationError(
                    f"{_WHAT}: expected {expected} in {key!r}, received {fields.describe(value)}."
                )

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return (self.input_height, self.input_width)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "OutlineSpecification":
        """Build from a JSON object with exactly the fields of this class; raises OutlineSpecificationError."""
        try:
            fields.check_keys(data, tuple(cls.__dataclass_fields__), _WHAT)
            values: dict[str, Any] = {key: fields.read_text(data, key, _WHAT) for key in _TEXTS}
            values |= {key: fields.read_count(data, key, _WHAT) for key in _COUNTS}
            values |= {key: fields.read_object(data, key, _WHAT) for key in _OBJECTS}
            return cls(**values)
        except OutlineSpecificationError:
            raise
        except fields.JsonFieldError as error:
            raise OutlineSpecificationError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads, fields in declared order."""
        return asdict(self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "OutlineSpecification":
        """Read the JSON file at `path`; raises OutlineSpecificationError, also when it is unreadable."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise OutlineSpecificationError(
                f"{_WHAT}: expected a JSON file at {Path(path).name}, received: {error}."
            ) from error
        return cls.from_dict(data)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to `path` as UTF-8 JSON, whole or not at all; raises OSError."""
        target = Path(path)
        draft = target.with_name(target.name + ".partial")
        draft.write_text(json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        draft.replace(target)
