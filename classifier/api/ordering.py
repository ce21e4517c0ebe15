from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.filters import OrderingFilter

from classifier.services.errors import InvalidInputError

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request
    from rest_framework.views import APIView


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
