"""The verdict on one picked image, before anything is sent for good. Nothing is kept."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import JsonResponse
from django.views.decorators.http import require_POST

from classifier.duplicates import describe_double
from classifier.intake import (
    RejectedImageError,
    build_thumbnail,
    check_claim,
    decode_copy,
    inspect_image,
    read_upload,
)
from classifier.limits import UploadLimits
from classifier.picture_check import BROKEN, BUSY, CheckBusyError, PictureCheck, a_free_hand, check_pixels
from classifier.services.access import record_viewed
from classifier.services.images import find_same_file, find_same_pictures
from classifier.views.access import page
from classifier.views.submission_new import read_posted_clinic
from classifier.views.uploads import takes_upload

if TYPE_CHECKING:
    import uuid

    from django.core.files.uploadedfile import UploadedFile
    from django.http import HttpResponse

    from classifier.models import SubmissionImage
    from portal.accounts.requests import PortalRequest

COPY_SIDE = 1024
"""Longer side of a reduced copy, in pixels (reduced-copy.js draws it)."""
NOT_DRAWN_BY_BROWSERS = ("TIFF", "HEIC", "DICOM")
SHA256 = re.compile(r"[0-9a-f]{64}")


def _refuse_upload(request: PortalRequest, status: int, message: str) -> HttpResponse:  # noqa: ARG001
    return JsonResponse(PictureCheck("bad", [message]).to_json(), status=status)


@require_POST
@page()
@takes_upload(_refuse_upload, images=1)
def check_image(request: PortalRequest) -> HttpResponse:
    """What the model's gates will say of the file `image`; see PictureCheck for the JSON.

    With `width`, `height` and `bytes` of the original, and its `sha256` where the browser can hash,
    `image` is a reduced copy. Else it is the picture itself, and a small one of it comes back as
    `thumbnail` where browsers can't draw its format.
    """
    clinic, _ = read_posted_clinic(request)
    file = request.FILES.get("image")
    if file is None:
        found = PictureCheck("bad", ["No image was received. Choose it again."])
        return JsonResponse(found.to_json(), status=400)
    claim = _Claim.read(request)
    try:
        with a_free_hand():
            answer = (
                _check_copy(request, clinic.pk, file, claim)
                if claim
                else _check_whole(request, clinic.pk, file)
            )
    except RejectedImageError as error:
        answer = PictureCheck("bad", [error.message]).to_json()
    except CheckBusyError:
        answer = PictureCheck("", [BUSY]).to_json()
    return JsonResponse(answer)


@dataclass(frozen=True)
class _Claim:
    """What the sender of a reduced copy says of its original."""

    width: int
    height: int
    byte_size: int
    sha256: str

    @classmethod
    def read(cls, request: PortalRequest) -> _Claim | None:
        width, height, size = numbers = [request.POST.get(name, "") for name in ("width", "height", "bytes")]
        if not all(re.fullmatch(r"[0-9]{1,12}", number) for number in numbers):
            return None
        sha256 = request.POST.get("sha256", "")
        return cls(int(width), int(height), int(size), sha256 if SHA256.fullmatch(sha256) else "")


def _check_copy(
    request: PortalRequest, clinic_id: uuid.UUID, file: UploadedFile[Any], claim: _Claim
) -> dict[str, object]:
    limits = UploadLimits.from_settings()
    check_claim(width=claim.width, height=claim.height, byte_size=claim.byte_size, limits=limits)
    data = read_upload(file, limits)
    try:
        pixels = decode_copy(data, max_pixels=COPY_SIDE**2)
    except RejectedImageError:
        return PictureCheck("", [BROKEN]).to_json()
    same = find_same_file(clinic_id=clinic_id, sha256=claim.sha256) if claim.sha256 else None
    hints = _describe_double(request, clinic_id, same)
    return check_pixels(pixels, original_size=(claim.width, claim.height), hints=hints).to_json()


def _check_whole(request: PortalRequest, clinic_id: uuid.UUID, file: UploadedFile[Any]) -> dict[str, object]:
    limits = UploadLimits.from_settings()
    intake = inspect_image(read_upload(file, limits), file.name or "", limits)
    digest = intake.pixel_sha256
    same = find_same_pictures(clinic_id=clinic_id, pixel_sha256=[digest]).get(digest)
    hints = [notice.message for notice in intake.warnings] + _describe_double(request, clinic_id, same)
    found = check_pixels(intake.pixels, hints=hints)
    answer = found.to_json()
    if intake.offer:
        answer |= {"lines": [*found.lines, intake.offer], "other_lines": [*found.other_lines, intake.offer]}
    answer["size"] = f"{intake.width}×{intake.height} pixels"
    if intake.format in NOT_DRAWN_BY_BROWSERS:
        answer["thumbnail"] = base64.b64encode(build_thumbnail(intake.pixels)).decode()
    return answer


@transaction.atomic
def _describe_double(
    request: PortalRequest, clinic_id: uuid.UUID, earlier: SubmissionImage | None
) -> list[str]:
    if earlier is None:
        return []
    record_viewed(actor=request.user, obj=earlier, clinic_id=clinic_id)
    return [describe_double(earlier)]
