"""Files: pictures rebuilt from pixels, DICOM, the PDF report, CSV. Nothing here, or anywhere, leads to an original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponseNotModified, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_POST, require_safe

from classifier.cases.access import record_viewed
from classifier.domain.errors import ServiceError
from classifier.exports.attachments import attach
from classifier.exports.dicom import DICOM_TYPE, PSEUDONYMOUS, export_image
from classifier.intake import DERIVATIVE_CONTENT_TYPE
from classifier.models import Submission, SubmissionImage
from classifier.models.visibility import find_emergency
from classifier.pages.access import get_visible, page, require_right, rights_in
from classifier.report.case_reports import PDF_TYPE, export_report
from portal.trust.accounts.second_factor.step_up import ask_again
from portal.trust.accounts.sessions.limits import background
from portal.trust.encryption.keys import DecryptionError

if TYPE_CHECKING:
    import uuid

    from django.db.models.fields.files import FieldFile
    from django.http import HttpResponse, HttpResponseBase

    from classifier.domain.csv_cells import Export
    from portal.trust.accounts.requests import PortalRequest


log = structlog.get_logger(__name__)

KEPT_SECONDS = 3600
EXTENSIONS = {DERIVATIVE_CONTENT_TYPE: "jpg", "image/png": "png"}


@background
@require_safe
@page()
def image_derivative(request: PortalRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The picture, large. Each look leaves an event."""
    with transaction.atomic():
        image = _find(request, pk)
        record_viewed(actor=request.user, obj=image, clinic_id=image.clinic_id)
    # Kept, but asked for anew each time: so that every look is in the audit log.
    return _serve(request, image, image.derivative, "picture", caching="private, no-cache")


@background
@require_safe
@page()
def image_thumbnail(request: PortalRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The picture, small: part of a page, whose own event covers it."""
    image = _find(request, pk)
    # What an emergency opened must not outlast it in the browser's cache.
    is_lent = find_emergency(request.user, image.clinic_id) is not None
    caching = "private, no-store" if is_lent else f"private, max-age={KEPT_SECONDS}"
    return _serve(request, image, image.thumbnail, "thumbnail", caching=caching)


def _find(request: PortalRequest, pk: uuid.UUID) -> SubmissionImage:
    image: SubmissionImage = get_visible(SubmissionImage.objects.all(), request, pk)
    rights_in(request, image.clinic_id)
    return image


def _serve(
    request: PortalRequest, image: SubmissionImage, file: FieldFile, kind: str, *, caching: str
) -> HttpResponseBase:
    return serve_file(
        request, file, key=image.pk, kind=kind, content_type=DERIVATIVE_CONTENT_TYPE, caching=caching
    )


def serve_file(
    request: PortalRequest, file: FieldFile, *, key: uuid.UUID, kind: str, content_type: str, caching: str
) -> HttpResponseBase:
    """A stored picture whose bytes never change behind `key`, to this person's own browser only."""
    # The bytes behind an id never change, so the id itself is the tag.
    tag = f'"{key.hex}-{kind}"'
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponseBase = HttpResponseNotModified()
    else:
        try:
            content = file.open("rb")
        except (FileNotFoundError, DecryptionError):
            # The traceback would say nothing more: the row names the file.
            log.error("stored_picture_missing", image=str(key), kind=kind)  # noqa: TRY400
            raise Http404 from None
        response = FileResponse(
            content,
            content_type=content_type,
            filename=f"{key}.{EXTENSIONS[content_type]}",
        )
        response["X-Content-Type-Options"] = "nosniff"
    response["ETag"] = tag
    response["Cache-Control"] = caching
    # Another person on the same machine has another cookie and must ask anew.
    patch_vary_headers(response, ["Cookie"])
    return response


# --- DICOM --------------------------------------------------------------------------------------


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


# --- PDF report ---------------------------------------------------------------------------------


# Not HEAD: it would leave an event of a report that nobody got.
@require_GET
@page()
def submission_report(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    submission: Submission = get_visible(Submission.objects.all(), request, pk)
    require_right(
        rights_in(request, submission.clinic_id).report, "Your role in this clinic can't download reports."
    )
    try:
        report = export_report(actor=request.user, submission_id=submission.pk)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("submission-detail", submission.pk)
    return attach(report.data, content_type=PDF_TYPE, filename=report.filename)


# --- Downloads ----------------------------------------------------------------------------------


def csv_download(export: Export, stem: str) -> StreamingHttpResponse:
    """CSV named by `stem` and day; its name and a header say how many rows were left out."""
    response = StreamingHttpResponse(export, content_type="text/csv; charset=utf-8")
    without = f"-without-{export.left_out}" if export.left_out else ""
    name = f"{stem}-{timezone.localdate():%Y-%m-%d}{without}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Left-Out"] = str(export.left_out)
    return response
