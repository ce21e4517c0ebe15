from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination

from classifier.services.errors import InvalidInputError

if TYPE_CHECKING:
    from django.db.models import QuerySet
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
