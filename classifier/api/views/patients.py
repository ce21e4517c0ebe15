from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema

from classifier.api.filters import LesionFilter, PatientFilter
from classifier.api.serializers.patients import LesionSerializer, PatientSerializer
from classifier.api.views.base import RecordedDetail, RecordedList
from classifier.models import Lesion, Patient
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from classifier.models.lesion import LesionQuerySet
    from classifier.models.patient import PatientQuerySet


class _Patients:
    scopes = scopes_for("patients")
    serializer_class = PatientSerializer
    queryset = Patient.objects.none()

    def get_queryset(self) -> PatientQuerySet:
        return Patient.objects.visible_to(self.request.user)  # type: ignore[attr-defined]


class _Lesions:
    scopes = scopes_for("patients")
    serializer_class = LesionSerializer
    queryset = Lesion.objects.none()
    clinic_of = attrgetter("patient.clinic_id")

    def get_queryset(self) -> LesionQuerySet:
        return Lesion.objects.visible_to(self.request.user).select_related("patient")  # type: ignore[attr-defined]


class PatientList(_Patients, RecordedList):
    filterset_class = PatientFilter
    ordering_fields = ["created_at"]
    ordering = ["-created_at"]
    listed = "patients"

    @extend_schema(operation_id="patients_list", summary="List patients, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class PatientDetail(_Patients, RecordedDetail):
    @extend_schema(operation_id="patients_read", summary="Read a patient")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class LesionList(_Lesions, RecordedList):
    filterset_class = LesionFilter
    ordering_fields = ["created_at"]
    ordering = ["-created_at"]
    listed = "lesions"

    @extend_schema(operation_id="lesions_list", summary="List lesions, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class LesionDetail(_Lesions, RecordedDetail):
    @extend_schema(operation_id="lesions_read", summary="Read a lesion")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
