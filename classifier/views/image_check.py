"""The verdict on one picked image, before anything is sent for good. Nothing is kept."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from django.db import transaction
from django.http import JsonResponse
from django.views.decorators.http import require_POST

from classifier.duplicates import describe_double
from classifier.intake import IntakeImage, RejectedImageError, build_thumbnail, inspect_image
from classifier.limits import UploadLimits
from classifier.new_case import read_upload
from classifier.services.access import record_viewed
from classifier.services.images import find_same_picture
from classifier.views.access import page
from classifier.views.submission_new import read_posted_clinic
from classifier.views.uploads import takes_upload

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse


def _refuse_upload(request: HttpRequest, status: int, message: str) -> HttpResponse:  # noqa: ARG001
    return JsonResponse(_describe("bad", [message]), status=status)


@require_POST
@page()
@takes_upload(_refuse_upload, images=1)
def check_image(request: HttpRequest) -> HttpResponse:
    """Tone (good, doubtful, bad) and sentences on the file `image`, and a small picture of it."""
    clinic, _ = read_posted_clinic(request)
    limits = UploadLimits.from_settings()
    file = request.FILES.get("image")
    if file is None:
        return JsonResponse(_describe("bad", ["No image was received. Choose it again."]), status=400)
    try:
        intake = inspect_image(read_upload(file, limits), file.name or "", limits)
    except RejectedImageError as error:
        return JsonResponse(_describe("bad", [error.message]))
    lines = [notice.message for notice in (*intake.warnings, *intake.gate_notices)]
    if double := _find_double(request, clinic.pk, intake):
        lines.append(double)
    said = lines or ["Sharp, bright and large enough."]
    answer = _describe("doubtful" if lines else "good", [*said, intake.offer] if intake.offer else said)
    answer["size"] = f"{intake.width}×{intake.height} pixels"
    if intake.format in ("TIFF", "HEIC", "DICOM"):
        # Browsers can't draw these themselves.
        answer["thumbnail"] = base64.b64encode(build_thumbnail(intake.pixels)).decode()
    return JsonResponse(answer)


def _describe(tone: str, lines: list[str]) -> dict[str, object]:
    return {"tone": tone, "lines": lines}


@transaction.atomic
def _find_double(request: HttpRequest, clinic_id: uuid.UUID, intake: IntakeImage) -> str:
    earlier = find_same_picture(clinic_id=clinic_id, pixel_sha256=intake.pixel_sha256)
    if earlier is None:
        return ""
    record_viewed(actor=request.user, obj=earlier, clinic_id=clinic_id)  # type: ignore[arg-type]
    return describe_double(earlier)
