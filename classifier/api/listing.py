"""Pagination: cursor pages, and `?expand=` for what an answer names by id."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DataError
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import CursorPagination

from classifier.api.waiting import LONGEST_SECONDS, PARAMETER
from classifier.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from drf_spectacular.openapi import AutoSchema
    from rest_framework.request import Request
    from rest_framework.views import APIView


LARGEST = 100


class StableCursorPagination(CursorPagination):
    """Pages that hold still while rows arrive; equal moments are told apart by id."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = LARGEST

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> tuple[str, ...]:
        ordering = tuple(super().get_ordering(request, queryset, view))
        return (*ordering, "-id" if ordering[0].startswith("-") else "id")

    def get_page_size(self, request: Request) -> int:
        """Raise InvalidInputError rather than send another number of rows than was asked for."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if asked.isascii() and asked.isdigit() and len(asked) < 10 and 1 <= int(asked) <= LARGEST:  # noqa: PLR2004
            return int(asked)
        raise InvalidInputError(
            "page_size_out_of_range",
            f"page_size can be 1 to {LARGEST}; follow next for more.",
            field=self.page_size_query_param,
        )

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError, DataError) as error:
            if self.cursor_query_param not in request.query_params:
                raise
            # A cursor holds a moment; one that was made up may hold anything.
            raise invalid_cursor() from error

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except NotFound as error:
            raise invalid_cursor() from error

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for one in parameters:
            if one["name"] == self.page_size_query_param:
                one["schema"] = {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": LARGEST,
                    "default": self.page_size,
                }
        return parameters


def invalid_cursor() -> InvalidInputError:
    return InvalidInputError("invalid_cursor", "This cursor is not one that was sent.")


class KnownOrdering(OrderingFilter):
    """One of the view's `ordering_fields`, either way; another name is told, not passed over."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:  # noqa: ARG002
        asked = request.query_params.get(self.ordering_param)
        if asked is None:
            return self.get_default_ordering(view)
        names = list_orderings(view)
        if asked not in names:
            raise InvalidInputError(
                "unknown_ordering", f"ordering can be one of {', '.join(names)}.", field=self.ordering_param
            )
        return [asked]

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": self.ordering_param,
                "required": False,
                "in": "query",
                "description": "A name with - before it starts with the greatest.",
                "schema": {"type": "string", "enum": list_orderings(view)},
            }
        ]


def list_orderings(view: Any) -> list[str]:
    return [way + name for name in view.ordering_fields for way in ("", "-")]


# --- `?expand=` ---------------------------------------------------------------------------------
# What an answer names by id, in full under `expanded`. Types of fields never change.


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


# --- Headers and parameters for the schema ------------------------------------------------------


LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    response=[202],
    description="The case.",
)
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    OpenApiTypes.INT,
    OpenApiParameter.HEADER,
    response=[200],
    description="Seconds until it is worth asking again; absent when finished.",
)

WAIT = OpenApiParameter(
    PARAMETER,
    {"type": "integer", "minimum": 0, "maximum": LONGEST_SECONDS, "default": 0},
    description=(
        "Seconds to hold the answer until the case is finished. Where too many wait already, the answer "
        "comes at once, with Retry-After."
    ),
)
