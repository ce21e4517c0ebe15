from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.filters import SubmissionFilter
from classifier.api.idempotency import idempotent
from classifier.api.intake import take_submission
from classifier.api.parsers import BoundedJSONParser
from classifier.api.permissions import MaySubmit, MayViewCases
from classifier.api.preconditions import read_if_match
from classifier.api.progress import RETRY_AFTER_SECONDS, RETRY_BUSY_SECONDS, read_progress
from classifier.api.queries import select_submissions
from classifier.api.schema import ERROR
from classifier.api.serializers.encoded import NewSubmissionJsonSerializer
from classifier.api.serializers.intake import NewSubmissionSerializer
from classifier.api.serializers.submissions import (
    AcceptedSerializer,
    StatusSerializer,
    SubmissionSerializer,
)
from classifier.api.views.base import NoStoreView
from classifier.api.views.details import RecordedDetail
from classifier.api.views.lists import RecordedList
from classifier.api.waiting import LONGEST_SECONDS, PARAMETER, read_wait, wait_until_finished
from classifier.models import Submission
from classifier.services.submissions import cancel_submission

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.submission import SubmissionQuerySet

LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    response=[202],
    description="The case.",
)
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    OpenApiTypes.INT,
    OpenApiParameter.HEADER,
    response=[200],
    description="Seconds until it is worth asking again; absent when finished.",
)

WAIT = OpenApiParameter(
    PARAMETER,
    {"type": "integer", "minimum": 0, "maximum": LONGEST_SECONDS, "default": 0},
    description=(
        "Seconds to hold the answer until the case is finished. Where too many wait already, the answer "
        "comes at once, with Retry-After."
    ),
)


class SubmissionList(RecordedList):
    serializer_class = SubmissionSerializer
    queryset = Submission.objects.none()
    filterset_class = SubmissionFilter
    ordering_fields = ["submitted_at"]
    ordering = ["-submitted_at"]
    parser_classes = [MultiPartParser, BoundedJSONParser]
    listed = "submissions"

    def json_limit(self) -> int:
        return int(settings.DERMAPORT_API_JSON_MAX_BYTES)

    def get_permissions(self) -> list[BasePermission]:
        more = [MaySubmit()] if self.request.method == "POST" else []
        return [*super().get_permissions(), *more]

    def get_queryset(self) -> SubmissionQuerySet:
        return select_submissions(self.request.user)

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
            user=request.user,
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
                "notices": accepted.notices,
            }
        ).data
        return Response(answer, status=202, headers={"Location": answer["url"]})


class SubmissionDetail(RecordedDetail):
    serializer_class = SubmissionSerializer
    queryset = Submission.objects.none()

    def get_queryset(self) -> SubmissionQuerySet:
        return select_submissions(self.request.user)

    @extend_schema(
        operation_id="submissions_read",
        summary="Read a case and its results",
        parameters=[WAIT, RETRY_AFTER],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        seconds = read_wait(request)
        if not seconds:
            return super().get(request, *args, **kwargs)
        submission = get_object_or_404(Submission.objects.visible_to(request.user), pk=kwargs["pk"])
        has_waited = wait_until_finished(submission, seconds)
        response = super().get(request, *args, **kwargs)
        if not has_waited:
            response["Retry-After"] = str(RETRY_BUSY_SECONDS)
        return response


class SubmissionStatus(NoStoreView, generics.GenericAPIView[Submission]):
    permission_classes = [MayViewCases]
    serializer_class = StatusSerializer
    queryset = Submission.objects.none()
    filter_backends: list[Any] = []

    @extend_schema(
        operation_id="submissions_status",
        summary="Poll a case",
        parameters=[WAIT, RETRY_AFTER],
        responses=StatusSerializer,
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        visible = Submission.objects.visible_to(request.user).with_facts()
        submission = get_object_or_404(visible, pk=pk)
        seconds = read_wait(request)
        has_waited = wait_until_finished(submission, seconds)
        if seconds and has_waited:
            submission = get_object_or_404(visible, pk=pk)
        progress = read_progress(submission)
        url = reverse("api-submission", [pk], request=request)
        response = Response(StatusSerializer({**progress, "url": url}).data)
        if not progress["is_finished"]:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS if has_waited else RETRY_BUSY_SECONDS)
        return response


class SubmissionCancel(RecordedDetail):
    http_method_names = ["post"]
    serializer_class = SubmissionSerializer
    queryset = Submission.objects.none()

    def get_queryset(self) -> SubmissionQuerySet:
        return select_submissions(self.request.user)

    @extend_schema(
        operation_id="submissions_cancel",
        summary="Withdraw a case that nobody has signed",
        request=None,
        responses={
            200: SubmissionSerializer,
            409: OpenApiResponse(ERROR, "It is cancelled or signed already."),
        },
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        with transaction.atomic():
            submission = get_object_or_404(Submission.objects.visible_to(request.user), pk=pk)
            cancel_submission(actor=request.user, submission=submission, expected=read_if_match(request))
            return self.answer(self.get_object())
