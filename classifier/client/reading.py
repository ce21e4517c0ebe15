"""JSON into records, by the types that a record states.

A name that the record doesn't know is passed over: a newer server may say more. A name that is
missing, or of another kind, is an error that names the place and never the value.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from classifier.client.errors import ProtocolError

Record = TypeVar("Record")

HEADER = {"header": True}
"""Marks a field that comes with the answer, not in its JSON."""

PARSERS: dict[Any, Callable[[str], Any]] = {
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
}
PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (int, float)}


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def name_of(kind: type[Any]) -> str:
    """The component of the schema that a record stands for: `Patient` of `PatientRecord`."""
    return kind.__name__.removesuffix("Record")


def read_record(kind: type[Record], data: Any, **headers: str) -> Record:
    """Raise ProtocolError where `data` is not what `kind` promises."""
    if not isinstance(data, Mapping):
        raise ProtocolError(f"{name_of(kind)}: expected an object.")
    record: Any = kind
    hints = hints_of(record)
    values: dict[str, Any] = dict(headers)
    for one in fields(record):
        if one.metadata.get("header"):
            continue
        place = f"{name_of(kind)}.{one.name}"
        if one.name in data:
            values[one.name] = read_value(hints[one.name], data[one.name], place)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise ProtocolError(f"{place} is missing.")
    return kind(**values)


def read_value(hint: Any, value: Any, place: str) -> Any:
    if hint is Any:
        return value
    if get_origin(hint) in (Union, types.UnionType):
        (known,) = (part for part in get_args(hint) if part is not types.NoneType)
        return None if value is None else read_value(known, value, place)
    if is_dataclass(hint) and isinstance(hint, type):
        return read_record(hint, value)
    return read_many(hint, value, place) if get_args(hint) else read_plain(hint, value, place)


def read_many(hint: Any, value: Any, place: str) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(value, list):
        return tuple(read_value(parts[0], one, place) for one in value)
    if origin is Mapping and isinstance(value, Mapping):
        return {str(name): read_value(parts[1], one, place) for name, one in value.items()}
    raise ProtocolError(f"{place}: received another kind of value.")


def read_plain(hint: Any, value: Any, place: str) -> Any:
    if hint in PARSERS and isinstance(value, str):
        try:
            return PARSERS[hint](value)
        except ValueError:
            raise ProtocolError(f"{place}: expected a {hint.__name__}.") from None
    # True is an int in Python, and never one in JSON.
    if isinstance(value, PLAIN.get(hint, ())) and (hint is bool or not isinstance(value, bool)):
        return hint(value)
    raise ProtocolError(f"{place}: received another kind of value.")
