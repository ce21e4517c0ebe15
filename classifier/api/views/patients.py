from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.filters.patients import PatientFilter
from classifier.api.idempotency import idempotent
from classifier.api.intake import find_only_clinic
from classifier.api.preconditions import read_if_match, with_tag
from classifier.api.queries import select_patients, with_risk
from classifier.api.schema import CREATED
from classifier.api.serializers.patients import (
    NewPatientSerializer,
    PatientChangesSerializer,
    PatientSerializer,
)
from classifier.api.views.details import RecordedDetail
from classifier.api.views.lists import RecordedList
from classifier.drf.permissions import MaySubmit, is_write
from classifier.drf.views import NoStoreView
from classifier.models import Patient
from classifier.services.patients import create_patient, update_patient
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.patient import PatientQuerySet


class _Patients(NoStoreView, GenericAPIView):  # type: ignore[type-arg]  # generic in the stubs alone
    scopes = scopes_for("patients")
    serializer_class = PatientSerializer
    queryset = Patient.objects.none()

    def get_queryset(self) -> PatientQuerySet:
        return with_risk(select_patients(self.request.user), since="created_at")

    def get_permissions(self) -> list[Any]:
        more = [MaySubmit()] if is_write(self) else []
        return [*super().get_permissions(), *more]


class PatientList(_Patients, RecordedList):
    filterset_class = PatientFilter
    ordering_fields = ["created_at", "risk"]
    ordering = ["-created_at"]
    listed = "patients"

    @extend_schema(operation_id="patients_list", summary="List patients, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="patients_create",
        summary="Add a patient",
        request=NewPatientSerializer,
        parameters=CREATED,
        responses={201: PatientSerializer},
        filters=False,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        asked = NewPatientSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        facts = asked.validated_data
        clinic = facts.pop("clinic", None) or find_only_clinic(self.request.user)
        with transaction.atomic():
            patient = create_patient(actor=self.request.user, clinic=clinic, **facts)
        self.clinic_id = clinic.pk
        location = reverse("api-patient", [patient.pk], request=request)
        answer = Response(self.get_serializer(patient).data, status=201, headers={"Location": location})
        return with_tag(answer, patient)


class PatientDetail(_Patients, RecordedDetail):
    @extend_schema(operation_id="patients_read", summary="Read a patient")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="patients_change",
        summary="Correct a patient",
        request=PatientChangesSerializer,
        responses=PatientSerializer,
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 - get_object reads it
        with transaction.atomic():
            patient = self.get_object()
            asked = PatientChangesSerializer(data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            patient = update_patient(
                actor=self.request.user,
                patient=patient,
                expected=read_if_match(request),
                **asked.validated_data,
            )
            return self.answer(patient)
