"""Files over the REST API: pictures with their outlines, DICOM and the PDF of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from classifier.api.idempotency import idempotent
from classifier.api.schema import ERROR, WORDS
from classifier.api.serializers.outlines import OutlineSerializer
from classifier.cases.access import record_viewed
from classifier.cases.outlines import find_outline, request_outline
from classifier.drf.permissions import MayViewCases
from classifier.drf.views import FirstRenderer, NoStoreView
from classifier.exports.attachments import attach
from classifier.exports.dicom import DICOM_TYPE, NAMINGS, PSEUDONYMOUS, export_image
from classifier.intake import DERIVATIVE_CONTENT_TYPE
from classifier.intake.stored import open_derivative
from classifier.models import Submission, SubmissionImage
from classifier.report.case_reports import PDF_TYPE, export_report
from portal.trust.accounts.tokens.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request


class ImageDerivative(NoStoreView):
    scopes = scopes_for("submissions")
    permission_classes = [MayViewCases]
    content_negotiation_class = FirstRenderer

    @extend_schema(
        operation_id="images_derivative",
        summary="The image, rebuilt from its pixels",
        responses={(200, DERIVATIVE_CONTENT_TYPE): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: uuid.UUID) -> FileResponse:  # noqa: ARG002 (the route)
        with transaction.atomic():
            image = get_object_or_404(SubmissionImage.objects.visible_to(self.request.user), pk=pk)
            record_viewed(actor=self.request.user, obj=image, clinic_id=image.clinic_id)
            file = open_derivative(image)
        return FileResponse(file, content_type=DERIVATIVE_CONTENT_TYPE, filename=f"{image.pk}.jpg")


NAMING = OpenApiParameter(
    "patient",
    enum=NAMINGS,
    default=PSEUDONYMOUS,
    description="identified: with record number and birth date, for those who treat the patient.",
)


class ImageDicom(NoStoreView):
    scopes = scopes_for("submissions")
    confirms = frozenset({"GET"})
    permission_classes = [MayViewCases]
    content_negotiation_class = FirstRenderer

    @extend_schema(
        operation_id="images_dicom",
        summary="The image as a DICOM file",
        description=(
            "A Dermoscopic Photography Image, or a VL Photographic Image where the photo was not taken "
            "through a dermatoscope. The picture is that of `derivative`."
        ),
        parameters=[NAMING],
        responses={(200, DICOM_TYPE): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponse:
        image = get_object_or_404(SubmissionImage.objects.visible_to(self.request.user), pk=pk)
        naming = request.query_params.get("patient", PSEUDONYMOUS)
        export = export_image(actor=self.request.user, image_id=image.pk, naming=naming)
        return attach(export.data, content_type=DICOM_TYPE, filename=export.filename)


class SubmissionReport(NoStoreView):
    scopes = scopes_for("submissions")
    permission_classes = [MayViewCases]
    content_negotiation_class = FirstRenderer

    @extend_schema(
        operation_id="submissions_report",
        summary="The case's report as a PDF",
        description=(
            "What the case's page says, for the patient's record: preliminary until a dermatologist signs, "
            "as every page of it tells. It holds the record number, the birth date and the lesion's "
            "histopathology."
        ),
        responses={
            (200, PDF_TYPE): OpenApiTypes.BINARY,
            409: OpenApiResponse(ERROR, "The model is still at work on the case."),
        },
    )
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponse:  # noqa: ARG002
        submission = get_object_or_404(Submission.objects.visible_to(self.request.user), pk=pk)
        report = export_report(actor=self.request.user, submission_id=submission.pk)
        return attach(report.data, content_type=PDF_TYPE, filename=report.filename)


class ImageOutline(NoStoreView):
    """The lesion's outline, made when asked for. It holds no verdict and is withheld from nobody who sees the image."""

    scopes = scopes_for("submissions")
    permission_classes = [MayViewCases]

    @extend_schema(
        operation_id="images_outline_read",
        summary="The lesion's outline and its measures",
        description=(
            "The newest one that is done, else the one in work or failed; 404 where nobody has asked yet. "
            "Drawn by a network of its own: no part of the model's answer."
        ),
        responses=OutlineSerializer,
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 (the route)
        image = get_object_or_404(SubmissionImage.objects.visible_to(self.request.user), pk=pk)
        with transaction.atomic():
            outline = find_outline(image)
            if outline is None:
                raise NotFound("Nobody has asked for the outline of this image. Ask for it with POST.")
            self.clinic_id = image.clinic_id
            record_viewed(actor=self.request.user, obj=outline, clinic_id=image.clinic_id)
        return Response(OutlineSerializer(outline).data)

    @extend_schema(
        operation_id="images_outline_request",
        summary="Ask for the lesion's outline",
        description="202 while it is made, 200 where it is there already. Then read it with GET.",
        request=None,
        responses={
            200: OutlineSerializer,
            202: OutlineSerializer,
            404: OpenApiResponse(ERROR, WORDS["404"]),
            409: OpenApiResponse(
                ERROR, "It can't be outlined: no network for it, not dermoscopic, refused or withdrawn."
            ),
        },
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 (the route)
        image = get_object_or_404(SubmissionImage.objects.visible_to(self.request.user), pk=pk)
        outline = request_outline(actor=self.request.user, image=image)
        self.clinic_id = image.clinic_id
        return Response(OutlineSerializer(outline).data, status=200 if outline.is_done else 202)
