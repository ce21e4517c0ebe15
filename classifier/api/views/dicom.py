from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from classifier.api.views.images import JsonForErrors
from classifier.attachments import attach
from classifier.drf.permissions import MayViewCases
from classifier.drf.views import NoStoreView
from classifier.models import SubmissionImage
from classifier.services.dicom_exports import DICOM_TYPE, NAMINGS, PSEUDONYMOUS, export_image
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

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
    content_negotiation_class = JsonForErrors

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
