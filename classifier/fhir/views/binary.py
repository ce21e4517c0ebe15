from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import FileResponse
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import DefaultContentNegotiation

from classifier.fhir.bundles import add_meta
from classifier.fhir.elements import refer_to
from classifier.fhir.negotiation import wants_json
from classifier.fhir.views.base import FhirView, answer_with
from classifier.intake import DERIVATIVE_CONTENT_TYPE
from classifier.models import SubmissionImage
from classifier.services.access import record_viewed
from classifier.services.pictures import open_derivative

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponseBase
    from rest_framework.request import Request


class AsAsked(DefaultContentNegotiation):
    """The bytes, or the resource where FHIR is asked for; errors are FHIR's in either case."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> Any:
        return renderers[0], renderers[0].media_type


class Binary(FhirView):
    """An image rebuilt from its pixels, without metadata; the original is sealed."""

    content_negotiation_class = AsAsked

    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        with transaction.atomic():
            image = SubmissionImage.objects.visible_to(self.request.user).filter(pk=pk).first()
            if image is None:
                raise NotFound("There is no such Binary, or none that you may see.")
            record_viewed(actor=self.request.user, obj=image, clinic_id=image.clinic_id)
            file = open_derivative(image)
        if not wants_json(request.headers) and "_format" not in request.query_params:
            return FileResponse(file, content_type=DERIVATIVE_CONTENT_TYPE, filename=f"{image.pk}.jpg")
        with file:
            data = base64.b64encode(file.read()).decode()
        return answer_with(request, self._build(image, data), image.created_at)

    def _build(self, image: SubmissionImage, data: str) -> dict[str, Any]:
        binary = {
            "resourceType": "Binary",
            "id": str(image.pk),
            "contentType": DERIVATIVE_CONTENT_TYPE,
            # Who may see the Media may see its bytes.
            "securityContext": refer_to("Media", image.pk),
            "data": data,
        }
        return add_meta(binary, image.created_at)
