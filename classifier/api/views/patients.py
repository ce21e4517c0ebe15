"""REST views of patients and lesions, with consent, erasure and the archive of a patient."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from classifier.api.filters import LesionFilter, PatientFilter
from classifier.api.idempotency import idempotent
from classifier.api.intake import find_only_clinic
from classifier.api.parsers import BoundedJSONParser
from classifier.api.preconditions import read_if_match, with_tag
from classifier.api.queries import select_lesions, select_patients, with_risk
from classifier.api.schema import CREATED, ERROR, IF_MATCH, WORDS
from classifier.api.serializers.patients import (
    ConsentsSerializer,
    ErasedSerializer,
    ErasureSerializer,
    LesionChangesSerializer,
    LesionSerializer,
    NewConsentSerializer,
    NewLesionSerializer,
    NewPatientSerializer,
    PatientChangesSerializer,
    PatientSerializer,
)
from classifier.api.views.base import RecordedDetail, RecordedList, WritableView
from classifier.consents import record_consent
from classifier.domain.errors import InvalidInputError
from classifier.drf.permissions import MayAdminister, MaySubmit, is_write
from classifier.drf.views import FirstRenderer, NoStoreView
from classifier.models import Lesion, Patient
from classifier.patients.lesions import create_lesion, update_lesion
from classifier.patients.patients import create_patient, update_patient
from classifier.privacy.archives import archive_patient
from classifier.privacy.erasure import erase_patient
from portal.trust.accounts.tokens.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.lesion import LesionQuerySet
    from classifier.models.patient import PatientQuerySet


class _Patients(WritableView):
    may_write = MaySubmit
    address = "api-patient"
    scopes = scopes_for("patients")
    serializer_class = PatientSerializer
    queryset = Patient.objects.none()

    def get_queryset(self) -> PatientQuerySet:
        return with_risk(select_patients(self.request.user), since="created_at")


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
        return with_tag(self.answer_created(patient), patient)


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


class _Lesions(WritableView):
    may_write = MaySubmit
    address = "api-lesion"
    scopes = scopes_for("patients")
    serializer_class = LesionSerializer
    queryset = Lesion.objects.none()
    clinic_of = attrgetter("patient.clinic_id")

    def get_queryset(self) -> LesionQuerySet:
        return with_risk(select_lesions(self.request.user), since="created_at")


class LesionList(_Lesions, RecordedList):
    filterset_class = LesionFilter
    ordering_fields = ["created_at", "risk"]
    ordering = ["-created_at"]
    listed = "lesions"

    @extend_schema(operation_id="lesions_list", summary="List lesions, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="lesions_create",
        summary="Add a lesion of a patient",
        request=NewLesionSerializer,
        parameters=CREATED,
        responses={201: LesionSerializer},
        filters=False,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        asked = NewLesionSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        lesion = create_lesion(actor=self.request.user, **asked.validated_data)
        return with_tag(self.answer_created(lesion), lesion)


class LesionDetail(_Lesions, RecordedDetail):
    @extend_schema(operation_id="lesions_read", summary="Read a lesion")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="lesions_change",
        summary="Correct a lesion",
        request=LesionChangesSerializer,
        responses=LesionSerializer,
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 - get_object reads it
        with transaction.atomic():
            lesion = self.get_object()
            asked = LesionChangesSerializer(data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            lesion = update_lesion(
                actor=self.request.user,
                lesion=lesion,
                expected=read_if_match(request),
                **asked.validated_data,
            )
            return self.answer(lesion)


# --- Consent, archive and erasure ---------------------------------------------------------------


ARCHIVE = "application/zip"


class _PatientsToErase(NoStoreView, GenericAPIView):  # type: ignore[type-arg]  # generic in the stubs alone
    queryset = Patient.objects.none()

    def get_queryset(self) -> PatientQuerySet:
        return Patient.objects.visible_to(self.request.user).select_related("clinic")


class PatientConsents(_PatientsToErase, RecordedDetail):
    scopes = scopes_for("consents")
    serializer_class = ConsentsSerializer

    def get_permissions(self) -> list[Any]:
        return [*super().get_permissions(), *([MaySubmit()] if is_write(self) else [])]

    @extend_schema(operation_id="patients_consents", summary="Read what a patient agrees to")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="patients_consent",
        summary="Record a consent or its withdrawal",
        description=(
            "Withdrawn for inference, it stops what is queued; for training, the data leave in no export. "
            "What was said before stays in `history`; the same once more changes nothing."
        ),
        request=NewConsentSerializer,
        responses=ConsentsSerializer,
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 - get_object reads it
        with transaction.atomic():
            patient = self.get_object()
            asked = NewConsentSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            patient = record_consent(
                actor=self.request.user,
                patient=patient,
                expected=read_if_match(request),
                **asked.validated_data,
            )
            return self.answer(patient)


class PatientErase(_PatientsToErase, NoStoreView, generics.GenericAPIView[Patient]):
    scopes = {"POST": "patients:erase"}
    confirms = frozenset({"POST"})
    permission_classes = [MayAdminister]
    parser_classes = [BoundedJSONParser]
    filter_backends: list[Any] = []
    serializer_class = ErasedSerializer

    @extend_schema(
        operation_id="patients_erase",
        summary="Erase a patient",
        description=(
            "Images, texts and identifiers go for good; figures and the audit log stay and name nobody. "
            "`If-Match` takes the ETag of the patient that you read."
        ),
        request=ErasureSerializer,
        parameters=[IF_MATCH],
        responses={
            200: ErasedSerializer,
            409: OpenApiResponse(ERROR, "The patient is on legal hold, or this request is still running."),
            412: OpenApiResponse(ERROR, WORDS["412"]),
        },
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 - get_object reads it
        with transaction.atomic():
            patient = self.get_object()
            asked = ErasureSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            if asked.validated_data["public_id"].strip().upper() != patient.public_id:
                raise InvalidInputError(
                    "public_id_mismatch",
                    "The patient of this address has another public id.",
                    field="public_id",
                )
            erased = erase_patient(
                actor=self.request.user,
                patient=patient,
                reason=asked.validated_data["reason"],
                expected=read_if_match(request),
            )
        self.clinic_id = erased.clinic_id
        return Response(self.get_serializer(erased).data)


class PatientArchive(_PatientsToErase, NoStoreView, generics.GenericAPIView[Patient]):
    scopes = {"GET": "patients:export"}
    confirms = frozenset({"GET"})
    permission_classes = [MayAdminister]
    content_negotiation_class = FirstRenderer
    filter_backends: list[Any] = []

    @extend_schema(
        operation_id="patients_archive",
        summary="All data of a patient as one archive",
        description="Facts as JSON, cases as CSV, the images as they were sent: to be handed to the patient.",
        responses={(200, ARCHIVE): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: uuid.UUID) -> StreamingHttpResponse:  # noqa: ARG002 - get_object reads it
        patient = self.get_object()
        parts = archive_patient(actor=self.request.user, patient=patient)
        response = StreamingHttpResponse(parts, content_type=ARCHIVE)
        name = f"{patient.public_id}-{timezone.localdate():%Y-%m-%d}.zip"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
