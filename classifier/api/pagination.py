from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.pagination import CursorPagination

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request
    from rest_framework.views import APIView


class StableCursorPagination(CursorPagination):
    """Pages that hold still while rows arrive; equal moments are told apart by id."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> tuple[str, ...]:
        ordering = tuple(super().get_ordering(request, queryset, view))
        return (*ordering, "-id" if ordering[0].startswith("-") else "id")
