from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation

from classifier.drf.permissions import MayViewCases
from classifier.drf.views import NoStoreView
from classifier.intake import DERIVATIVE_CONTENT_TYPE
from classifier.models import SubmissionImage
from classifier.services.access import record_viewed
from classifier.services.pictures import open_derivative
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request


class JsonForErrors(BaseContentNegotiation):
    """The answer is an image and its errors are JSON, whatever `Accept` says."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> Any:
        return renderers[0], renderers[0].media_type


class ImageDerivative(NoStoreView):
    scopes = scopes_for("submissions")
    permission_classes = [MayViewCases]
    content_negotiation_class = JsonForErrors

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
