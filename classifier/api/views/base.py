"""Base views of the REST API: one row and a list, each recorded in the audit log as seen."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import generics
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.listing import EXPAND, KnownOrdering, StableCursorPagination, find_parts, read_expansion
from classifier.api.parsers import BoundedJSONParser
from classifier.api.preconditions import is_known
from classifier.api.serializers.standing import note_unread
from classifier.cases.access import record_listed, record_viewed
from classifier.domain.errors import InvalidInputError
from classifier.drf.permissions import MayViewCases, is_write
from classifier.drf.views import NoStoreView
from classifier.models import Patient
from classifier.preconditions import tag_of
from portal.trust.accounts.models import Clinic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db import models
    from django.db.models import QuerySet
    from rest_framework.request import Request
    from rest_framework.response import Response


# One row, its tag, and the event that says who looked at it.
class RecordedDetail(NoStoreView, generics.GenericAPIView[Any]):
    permission_classes = [MayViewCases]
    parser_classes = [BoundedJSONParser]
    filter_backends: list[Any] = []
    clinic_of = attrgetter("clinic_id")
    expansion: tuple[str, ...] = ()
    has_tag = True

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002 - the id
        self.expansion = read_expansion(request, find_parts(self.serializer_class))
        with transaction.atomic():
            return self.answer(self.get_object())

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), EXPAND: self.expansion}

    # The row as the caller may see it; 304 where they have it already. Looking again is looking.
    def answer(self, row: models.Model, *, status: int = 200) -> Response:
        self.clinic_id = self.clinic_of(row)
        record_viewed(actor=self.request.user, obj=row, clinic_id=self.clinic_id)
        self._record_expanded(row)
        if not self.has_tag:
            return Response(self.get_serializer(row).data, status=status)
        headers = {"ETag": tag_of(row)}
        if self.request.method == "GET" and is_known(self.request, headers["ETag"]):
            return Response(status=304, headers=headers)
        return Response(self.get_serializer(row).data, status=status, headers=headers)

    def _record_expanded(self, row: models.Model) -> None:
        for name, (way, _) in find_parts(self.serializer_class).items():
            shown = attrgetter(way)(row) if name in self.expansion else None
            if isinstance(shown, Patient):
                record_viewed(actor=self.request.user, obj=shown, clinic_id=shown.clinic_id)


# One row that says nothing of a patient: no event.
class OpenDetail(NoStoreView, generics.GenericAPIView[Any]):
    permission_classes = [IsAuthenticated]
    filter_backends: list[Any] = []
    has_tag = True

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002 - the id
        row = self.get_object()
        headers = {"ETag": tag_of(row)}
        if is_known(request, headers["ETag"]):
            return Response(status=304, headers=headers)
        return Response(self.get_serializer(row).data, headers=headers)


# Rows that are read by whom `permission_classes` let in, and written by whom `may_write` does.
class WritableView(NoStoreView, generics.GenericAPIView[Any]):
    may_write: type[BasePermission]
    clinic_of = attrgetter("clinic_id")
    address: str
    """The name of the address of one row."""

    def get_permissions(self) -> list[Any]:
        return [*super().get_permissions(), *([self.may_write()] if is_write(self) else [])]

    def answer_created(self, row: models.Model) -> Response:
        self.clinic_id = self.clinic_of(row)
        location = reverse(self.address, [row.pk], request=self.request)
        return Response(self.get_serializer(row).data, status=201, headers={"Location": location})


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
        if "patient" in self.expansion:
            way, _ = find_parts(self.serializer_class)["patient"]
            note_unread(
                {patient.pk: patient for patient in map(attrgetter(way), rows or [])}.values(), self.request
            )
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
