"""Specification of the gates: version, limits, and the files of the domain gate with their SHA-256."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ml import fields as checked

_WHAT = "Gates"
_SHIPPED: Final = Path(__file__).resolve().parents[1] / "weights"
# Code of the refusal, measure, limit. A limit says in its name whether it is the least or the most.
RULES: Final = (
    ("too_small", "short_side", "short_side_least"),
    ("black_frame", "dark_share", "dark_share_most"),
    ("too_dark", "brightness", "brightness_least"),
    ("too_bright", "brightness", "brightness_most"),
    ("too_bright", "bright_share", "bright_share_most"),
    ("blurred", "sharpness", "sharpness_least"),
    ("low_contrast", "contrast", "contrast_least"),
    ("not_dermoscopic", "domain_distance", "domain_distance_most"),
)
LIMITS: Final = tuple(limit for _, _, limit in RULES)
# What a reduced copy changes; the short side is told with it.
CHANGING: Final = tuple(dict.fromkeys(measure for _, measure, _ in RULES if measure != "short_side"))
DOMAIN_FILES: Final = ("network", "weights", "statistics")
_DOMAIN: Final = tuple(key for name in DOMAIN_FILES for key in (name, f"{name}_sha256"))


class GateError(checked.JsonFieldError):
    """The gates' files are missing or not what their specification says."""


@dataclass(frozen=True, slots=True)
class GateSpecification:
    """Which limits refuse an image, and which files measure its distance from dermoscopy.

    `limits`: a number for each of `LIMITS`. `margins`: for each of `CHANGING`, the most by which the
    measure near its limit differs between a picture and a reduced copy of it. `domain`: `network`,
    `weights` and `statistics` are plain file names beside this one, each with its SHA-256. `fit`: a
    record of the fit, never used to compute.
    """

    version: str
    licence: str
    limits: dict[str, float]
    margins: dict[str, float]
    domain: dict[str, str]
    fit: dict[str, Any]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "GateSpecification":
        """Read the JSON object that `to_dict` gives; raises GateError."""
        try:
            checked.check_keys(data, ("version", "licence", "limits", "margins", "domain", "fit"), _WHAT)
            limits = checked.check_keys(data["limits"], LIMITS, f"{_WHAT}, limits")
            margins = checked.check_keys(data["margins"], CHANGING, f"{_WHAT}, margins")
            domain = checked.check_keys(data["domain"], _DOMAIN, f"{_WHAT}, domain")
            names = {key: checked.read_text(domain, key, _WHAT) for key in _DOMAIN}
            _check_names(names)
            return cls(
                version=checked.read_text(data, "version", _WHAT),
                licence=checked.read_text(data, "licence", _WHAT),
                limits={key: checked.read_number(limits, key, _WHAT) for key in LIMITS},
                margins={key: checked.read_number(margins, key, _WHAT) for key in CHANGING},
                domain=names,
                fit=checked.read_object(data, "fit", _WHAT),
            )
        except GateError:
            raise
        except checked.JsonFieldError as error:
            raise GateError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that `from_dict` reads."""
        return asdict(self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "GateSpecification":
        """Read the JSON file at `path`; raises GateError, also when it is unreadable."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise GateError(f"{_WHAT}: expected a JSON file at {path}, received: {error}.") from error
        return cls.from_dict(data)


def _check_names(names: Mapping[str, str]) -> None:
    for key in DOMAIN_FILES:
        if Path(names[key]).name != names[key]:
            raise GateError(f"{_WHAT}: expected a plain file name, received {names[key]!r}.")


def find_gates_folder(folder: Path | None = None) -> Path:
    """Return the folder `gates` in the weights folder `folder` (default: the shipped one)."""
    return (folder or _SHIPPED) / "gates"


def find_refusals(figures: Mapping[str, float], slack: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """Return the codes whose measure in `figures` is beyond its limit there, each once, in order.

    `slack`: by measure, how much further than its limit it may lie; a negative one tightens.
    """
    broken = find_broken_limits(figures, slack)
    return tuple(dict.fromkeys(code for code, _, limit in RULES if limit in broken))


def find_broken_limits(
    figures: Mapping[str, float], slack: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """Return the names of the limits in `figures` that its measures are beyond, in order."""
    more = slack or {}
    return tuple(
        limit
        for _, measure, limit in RULES
        if _is_beyond(figures[measure], limit, figures[limit], more.get(measure, 0.0))
    )


def _is_beyond(value: float, limit: str, bound: float, slack: float) -> bool:
    return value < bound - slack if limit.endswith("_least") else value > bound + slack
