from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.parameters import RETRY_AFTER, WAIT
from classifier.api.progress import RETRY_AFTER_SECONDS, RETRY_BUSY_SECONDS, read_progress
from classifier.api.serializers.submissions import (
    StatusSerializer,
)
from classifier.api.waiting import read_wait, wait_until_finished
from classifier.drf.permissions import MayViewCases
from classifier.drf.views import NoStoreView
from classifier.models import Submission
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request


class SubmissionStatus(NoStoreView, generics.GenericAPIView[Submission]):
    scopes = scopes_for("submissions")
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
        visible = Submission.objects.visible_to(self.request.user)
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
