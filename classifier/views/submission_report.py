"""The report of a case as a PDF, to file or to hand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from classifier.attachments import attach
from classifier.models import Submission
from classifier.services.case_reports import PDF_TYPE, export_report
from classifier.services.errors import ServiceError
from classifier.views.access import get_visible, page
from classifier.views.rights import require_right, rights_in

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


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
