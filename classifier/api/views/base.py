from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import generics
from rest_framework.filters import OrderingFilter
from rest_framework.views import APIView

from classifier.api.pagination import StableCursorPagination
from classifier.api.permissions import MayViewCases
from classifier.services.access import record_listed, record_viewed
from portal.accounts.models import Clinic

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from django.db import models
    from django.db.models import QuerySet
    from rest_framework.request import Request
    from rest_framework.response import Response


# Comments, not docstrings: those would stand in the OpenAPI schema.


# Answers hold patients' data or secrets: no cache on the way may keep one.
class NoStoreView(APIView):
    # What a POST made, for the row that keeps its answer (see classifier.api.idempotency).
    request_key: uuid.UUID | None = None
    clinic_id: uuid.UUID | None = None

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response


# A list whose reading leaves one event in each of the caller's clinics.
class RecordedList(NoStoreView, generics.ListAPIView[Any]):
    permission_classes = [MayViewCases]
    pagination_class = StableCursorPagination
    filter_backends = [DjangoFilterBackend, OrderingFilter]
    listed: str
    """What the event calls the rows."""
    clinic_of = attrgetter("clinic_id")

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            return self.list(request, *args, **kwargs)

    def paginate_queryset(self, queryset: QuerySet[Any] | Any) -> list[Any] | None:
        rows = super().paginate_queryset(queryset)
        self._record(rows or [])
        return rows

    def _record(self, rows: Iterable[Any]) -> None:
        counts = dict.fromkeys(Clinic.objects.visible_to(self.request.user).values_list("pk", flat=True), 0)
        for row in rows:
            counts[self.clinic_of(row)] += 1
        filters = sorted(set(self.request.query_params) - {"cursor", "page_size", "ordering"})
        known = [name for name in filters if name in self.filterset_class.base_filters]
        for clinic_id, count in counts.items():
            record_listed(
                actor=self.request.user,
                clinic_id=clinic_id,
                what=self.listed,
                details={"rows": count, "filters": known, "source": "api"},
            )


# One row, and the event that says who looked at it.
class RecordedDetail(NoStoreView, generics.RetrieveAPIView[Any]):
    permission_classes = [MayViewCases]
    filter_backends: list[Any] = []
    clinic_of = attrgetter("clinic_id")

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            return self.retrieve(request, *args, **kwargs)

    def get_object(self) -> models.Model:
        row = super().get_object()
        record_viewed(actor=self.request.user, obj=row, clinic_id=self.clinic_of(row))
        return row
