"""An image as a DICOM file, to keep elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from classifier.attachments import attach
from classifier.models import SubmissionImage
from classifier.services.dicom_exports import DICOM_TYPE, PSEUDONYMOUS, export_image
from classifier.services.errors import ServiceError
from classifier.views.access import get_visible, page
from classifier.views.rights import require_right, rights_in
from portal.accounts.step_up import ask_again

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


@require_POST
@page()
def image_dicom(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    image: SubmissionImage = get_visible(SubmissionImage.objects.all(), request, pk)
    require_right(rights_in(request, image.clinic_id).export, "Your role in this clinic can't export images.")
    return ask_again(request) or _export(request, image)


def _export(request: PortalRequest, image: SubmissionImage) -> HttpResponse:
    naming = request.POST.get("patient", PSEUDONYMOUS)
    try:
        export = export_image(actor=request.user, image_id=image.pk, naming=naming)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("submission-detail", image.submission_id)
    return attach(export.data, content_type=DICOM_TYPE, filename=export.filename)
