from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import QueryDict
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.filters.submissions import SubmissionFilter
from classifier.api.idempotency import idempotent
from classifier.api.intake import take_submission
from classifier.api.parameters import LOCATION
from classifier.api.parsers import BoundedJSONParser
from classifier.api.queries import select_submissions, with_risk
from classifier.api.schema import ERROR
from classifier.api.serializers.encoded import NewSubmissionJsonSerializer
from classifier.api.serializers.intake import NewSubmissionSerializer
from classifier.api.serializers.submissions import (
    AcceptedSerializer,
    SubmissionSerializer,
)
from classifier.api.views.lists import RecordedList
from classifier.drf.permissions import MaySubmit
from classifier.models import Submission
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    from rest_framework.request import Request

    from classifier.models.submission import SubmissionQuerySet


class SubmissionList(RecordedList):
    scopes = scopes_for("submissions")
    serializer_class = SubmissionSerializer
    queryset = Submission.objects.none()
    filterset_class = SubmissionFilter
    ordering_fields = ["submitted_at", "risk"]
    ordering = ["-submitted_at"]
    parser_classes = [MultiPartParser, BoundedJSONParser]
    listed = "submissions"

    def json_limit(self) -> int:
        return int(settings.DERMAPORT_API_JSON_MAX_BYTES)

    def get_permissions(self) -> list[Any]:
        more = [MaySubmit()] if self.request.method == "POST" else []
        return [*super().get_permissions(), *more]

    def get_queryset(self) -> SubmissionQuerySet:
        return with_risk(select_submissions(self.request.user), since="submitted_at")

    @extend_schema(operation_id="submissions_list", summary="List cases, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="submissions_create",
        summary="Submit images of a lesion",
        description=(
            "Give a known `lesion`; or a known `patient` and a new lesion's `body_site`; or "
            "`patient_mrn` and `body_site`. All is saved or, on an error, nothing."
        ),
        request={
            "multipart/form-data": NewSubmissionSerializer,
            "application/json": NewSubmissionJsonSerializer,
        },
        parameters=[LOCATION],
        responses={
            202: AcceptedSerializer,
            413: OpenApiResponse(ERROR, "The text fields are too large."),
            503: OpenApiResponse(ERROR, "No network is active, or the image store is away."),
        },
        filters=False,
    )
    @idempotent(in_one_transaction=False)
    def post(self, request: Request) -> Response:
        is_form = isinstance(request.data, QueryDict)
        serializer = NewSubmissionSerializer if is_form else NewSubmissionJsonSerializer
        asked = serializer(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        accepted = take_submission(
            user=self.request.user,
            data=asked.validated_data,
            request_key=self.request_key,
        )
        self.clinic_id = accepted.submission.clinic_id
        pk = accepted.submission.pk
        answer = AcceptedSerializer(
            {
                "submission": accepted.submission,
                "url": reverse("api-submission", [pk], request=request),
                "status_url": reverse("api-submission-status", [pk], request=request),
                "notices": [
                    {"attr": f"images.{notice.index}", "code": notice.code, "detail": notice.message}
                    for notice in accepted.notices
                ],
            }
        ).data
        return Response(answer, status=202, headers={"Location": answer["url"]})
