from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response

from classifier.api.idempotency import idempotent
from classifier.api.parameters import RETRY_AFTER, WAIT
from classifier.api.preconditions import read_if_match
from classifier.api.progress import RETRY_BUSY_SECONDS
from classifier.api.queries import select_submissions
from classifier.api.schema import ERROR
from classifier.api.serializers.submissions import (
    SubmissionSerializer,
)
from classifier.api.views.details import RecordedDetail
from classifier.api.waiting import read_wait, wait_until_finished
from classifier.models import Submission
from classifier.services.submissions import cancel_submission

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.submission import SubmissionQuerySet


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
