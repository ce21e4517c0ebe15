from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema

from classifier.api.schema import ERROR
from classifier.api.views.images import JsonForErrors
from classifier.attachments import attach
from classifier.drf.permissions import MayViewCases
from classifier.drf.views import NoStoreView
from classifier.models import Submission
from classifier.services.case_reports import PDF_TYPE, export_report
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request


class SubmissionReport(NoStoreView):
    scopes = scopes_for("submissions")
    permission_classes = [MayViewCases]
    content_negotiation_class = JsonForErrors

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
