"""The OpenAPI schema as the client has to know it: what a component promises, and an example of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FROZEN = Path(__file__).parent.parent / "api" / "openapi.yaml"
ID = "0198c0de-0000-7000-8000-000000000001"
MOMENT = "2026-03-02T08:30:00Z"


@cache
def schema() -> dict[str, Any]:
    return yaml.load(FROZEN.read_text(), Loader=yaml.CSafeLoader)


def component(name: str) -> dict[str, Any]:
    return schema()["components"]["schemas"][name]


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """operationId to its path, method and description."""
    return {
        operation["operationId"]: (path, method.upper(), operation)
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
    }


def resolve(shape: dict[str, Any]) -> tuple[dict[str, Any], str, bool]:
    """A shape without its wrappings, the component that it names, and whether it may be null."""
    name, may_be_null = "", False
    while True:
        choices = shape.get("allOf") or shape.get("oneOf")
        if choices:
            named = [one for one in choices if not is_empty(one)]
            may_be_null |= any(is_null(one) for one in choices)
            (shape,) = named
        elif "$ref" in shape:
            name = shape["$ref"].rpartition("/")[2]
            shape = component(name)
        else:
            break
    kinds = shape.get("type")
    if isinstance(kinds, list):
        may_be_null |= "null" in kinds
        shape = {**shape, "type": next(kind for kind in kinds if kind != "null")}
    return shape, name, may_be_null


def is_null(shape: dict[str, Any]) -> bool:
    return shape.get("type") == "null" or shape.get("$ref", "").endswith("/NullEnum")


def is_empty(shape: dict[str, Any]) -> bool:
    return is_null(shape) or shape.get("$ref", "").endswith("/BlankEnum")


def example(shape: dict[str, Any], *, null: bool = False) -> Any:
    """The least that satisfies a shape; with `null`, null wherever it may stand."""
    shape, _, may_be_null = resolve(shape)
    if null and may_be_null:
        return None
    if "enum" in shape:
        return shape["enum"][0]
    kind = shape.get("type")
    if kind == "object":
        properties = shape.get("properties", {})
        return {name: example(properties[name], null=null) for name in shape.get("required", ())}
    if kind == "array":
        return [example(shape["items"], null=null)]
    if kind == "string":
        return {"uuid": ID, "date-time": MOMENT, "date": MOMENT[:10]}.get(shape.get("format", ""), "word")
    return {"integer": 1, "number": 0.5, "boolean": True}[kind]
