"""`?expand=`: what an answer names by id, in full under `expanded`. Types of fields never change."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from classifier.services.errors import InvalidInputError

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from rest_framework.request import Request

EXPAND = "expand"
Parts = dict[str, tuple[str, type[serializers.BaseSerializer[Any]]]]


class ExpandedField(serializers.Field[Any, Any, Any, Any]):
    """`parts`: the name in `expand` to the way to the row and its serializer."""

    def __init__(self, *, name: str, parts: Parts) -> None:
        super().__init__(source="*", read_only=True, help_text="What `expand` asked for; else empty.")
        self.name, self.parts = name, parts

    def to_representation(self, row: Any) -> dict[str, Any]:
        context = {**self.context, EXPAND: ()}
        return {
            name: serializer(attrgetter(way)(row), context=context).data
            for name, (way, serializer) in self.parts.items()
            if name in self.context.get(EXPAND, ())
        }


class ExpandedFieldSchema(OpenApiSerializerFieldExtension):
    target_class = ExpandedField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        fields = {name: serializer(required=False) for name, (_, serializer) in self.target.parts.items()}
        inline: Any = inline_serializer(self.target.name, fields=fields)
        return dict(auto_schema.resolve_serializer(inline, direction).ref)


def find_parts(serializer_class: type[serializers.BaseSerializer[Any]] | None) -> Parts:
    """What the answers of this serializer can expand."""
    declared = getattr(serializer_class, "_declared_fields", {})
    field = declared.get("expanded")
    return field.parts if isinstance(field, ExpandedField) else {}


def read_expansion(request: Request, parts: Parts) -> tuple[str, ...]:
    """Names that the caller wants in full, in any order, separated by commas."""
    asked = [name.strip() for text in request.query_params.getlist(EXPAND) for name in text.split(",")]
    names = tuple(dict.fromkeys(name for name in asked if name))
    if set(names) - set(parts):
        raise InvalidInputError(
            "unknown_expansion",
            f"expand takes {', '.join(sorted(parts)) or 'nothing here'}.",
            field=EXPAND,
        )
    return names
