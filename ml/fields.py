"""JSON validation: checked reads from an object, with errors that say expected and received."""

import math
from collections.abc import Mapping
from typing import Any

_LONGEST = 80


class JsonFieldError(ValueError):
    """A field is missing, unknown or of the wrong kind."""


def describe(value: object) -> str:
    """Return a short text of `value` for an error sentence, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def check_keys(data: object, expected: tuple[str, ...], what: str) -> Mapping[str, Any]:
    """Return `data` when it is an object with exactly the `expected` keys; raises JsonFieldError."""
    if not isinstance(data, Mapping):
        raise JsonFieldError(f"{what}: expected an object, received {describe(data)}.")
    missing = [key for key in expected if key not in data]
    if missing:
        raise JsonFieldError(f"{what}: expected the field {missing[0]!r}, received none.")
    unknown = sorted(str(key) for key in data if key not in expected)
    if unknown:
        raise JsonFieldError(
            f"{what}: expected only the fields {', '.join(expected)}, received {unknown[0]!r}."
        )
    return data


def read_text(data: Mapping[str, Any], key: str, what: str) -> str:
    """Return the non-empty text under `key`; raises JsonFieldError."""
    value = data[key]
    if not isinstance(value, str) or not value.strip():
        raise JsonFieldError(f"{what}: expected text in {key!r}, received {describe(value)}.")
    return value


def read_count(data: Mapping[str, Any], key: str, what: str) -> int:
    """Return the positive integer under `key`; raises JsonFieldError."""
    value = data[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise JsonFieldError(
            f"{what}: expected an integer of at least 1 in {key!r}, received {describe(value)}."
        )
    return value


def read_number(data: Mapping[str, Any], key: str, what: str) -> float:
    """Return the finite number under `key`; raises JsonFieldError."""
    value = data[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise JsonFieldError(f"{what}: expected a finite number in {key!r}, received {describe(value)}.")
    return float(value)


def read_object(data: Mapping[str, Any], key: str, what: str) -> dict[str, Any]:
    """Return a copy of the object under `key`; raises JsonFieldError."""
    value = data[key]
    if not isinstance(value, Mapping):
        raise JsonFieldError(f"{what}: expected an object in {key!r}, received {describe(value)}.")
    return dict(value)
