from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from classifier.api.expansion import EXPAND, find_parts, read_expansion
from classifier.api.parsers import BoundedJSONParser
from classifier.api.preconditions import is_known
from classifier.drf.permissions import MayViewCases
from classifier.drf.views import NoStoreView
from classifier.entity_tags import tag_of
from classifier.models import Patient
from classifier.services.access import record_viewed

if TYPE_CHECKING:
    from django.db import models
    from rest_framework.request import Request


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
