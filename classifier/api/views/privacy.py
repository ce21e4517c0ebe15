"""What a patient agrees to, the archive of all their data, and its erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from classifier.api.idempotency import idempotent
from classifier.api.parsers import BoundedJSONParser
from classifier.api.preconditions import read_if_match
from classifier.api.schema import ERROR, IF_MATCH, WORDS
from classifier.api.serializers.privacy import (
    ConsentsSerializer,
    ErasedSerializer,
    ErasureSerializer,
    NewConsentSerializer,
)
from classifier.api.views.details import RecordedDetail
from classifier.api.views.images import JsonForErrors
from classifier.drf.permissions import MayAdminister, MaySubmit, is_write
from classifier.drf.views import NoStoreView
from classifier.models import Patient
from classifier.services.archives import archive_patient
from classifier.services.consents import record_consent
from classifier.services.erasure import erase_patient
from classifier.services.errors import InvalidInputError
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.patient import PatientQuerySet

ARCHIVE = "application/zip"


class _Patients(NoStoreView, GenericAPIView):  # type: ignore[type-arg]  # generic in the stubs alone
    queryset = Patient.objects.none()

    def get_queryset(self) -> PatientQuerySet:
        return Patient.objects.visible_to(self.request.user).select_related("clinic")


class PatientConsents(_Patients, RecordedDetail):
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


class PatientErase(_Patients, NoStoreView, generics.GenericAPIView[Patient]):
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
            "Images, texts and identifiers go for good; figures and the trail stay and name nobody. "
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


class PatientArchive(_Patients, NoStoreView, generics.GenericAPIView[Patient]):
    scopes = {"GET": "patients:export"}
    confirms = frozenset({"GET"})
    permission_classes = [MayAdminister]
    content_negotiation_class = JsonForErrors
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
