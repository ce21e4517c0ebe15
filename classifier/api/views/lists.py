from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import generics

from classifier.api.expansion import EXPAND, find_parts, read_expansion
from classifier.api.ordering import KnownOrdering
from classifier.api.pagination import StableCursorPagination
from classifier.api.parsers import BoundedJSONParser
from classifier.drf.permissions import MayViewCases
from classifier.drf.views import NoStoreView
from classifier.services.access import record_listed
from classifier.services.errors import InvalidInputError
from portal.accounts.models import Clinic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from rest_framework.request import Request
    from rest_framework.response import Response

OF_EVERY_LIST = frozenset({"cursor", "page_size", "ordering"})


# A list that says what it doesn't know, rather than pass over it.
class PortalList(NoStoreView, generics.ListAPIView[Any]):
    parser_classes = [BoundedJSONParser]
    pagination_class = StableCursorPagination
    filter_backends = [DjangoFilterBackend, KnownOrdering]
    filterset_class: Any = None
    expansion: tuple[str, ...] = ()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._check_parameters(request)
        self.expansion = read_expansion(request, find_parts(self.serializer_class))
        with transaction.atomic():
            return self.list(request, *args, **kwargs)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), EXPAND: self.expansion}

    def _check_parameters(self, request: Request) -> None:
        known = OF_EVERY_LIST | set(self.filterset_class.base_filters if self.filterset_class else ())
        if find_parts(self.serializer_class):
            known |= {EXPAND}
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            # Not the name itself: in a slip it may be a patient's word.
            raise InvalidInputError(
                "unknown_parameter", f"This list can take {', '.join(sorted(known))}.", field="query"
            )


# A list whose reading leaves one event in each of the caller's clinics.
class RecordedList(PortalList):
    permission_classes = [MayViewCases]
    listed: str
    """What the event calls the rows."""
    clinic_of = attrgetter("clinic_id")

    def paginate_queryset(self, queryset: QuerySet[Any] | Any) -> list[Any] | None:
        rows = super().paginate_queryset(queryset)
        self._record(rows or [])
        return rows

    def _record(self, rows: Iterable[Any]) -> None:
        counts = dict.fromkeys(Clinic.objects.visible_to(self.request.user).values_list("pk", flat=True), 0)
        for row in rows:
            # A patient opened in an emergency is of a clinic besides the caller's own.
            counts[self.clinic_of(row)] = counts.get(self.clinic_of(row), 0) + 1
        details: dict[str, Any] = {
            "filters": sorted(set(self.request.query_params) - OF_EVERY_LIST - {EXPAND}),
            "source": "api",
        }
        if self.expansion:
            details["expanded"] = sorted(self.expansion)
        for clinic_id, count in counts.items():
            record_listed(
                actor=self.request.user,
                clinic_id=clinic_id,
                what=self.listed,
                details={"rows": count, **details},
            )
