"""REST views of cases: taken in, followed, cancelled, claimed to read, acknowledged; and their predictions."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.filters import PredictionFilter, SubmissionFilter
from classifier.api.idempotency import idempotent
from classifier.api.intake import take_submission
from classifier.api.listing import LOCATION, RETRY_AFTER, WAIT
from classifier.api.parsers import BoundedJSONParser
from classifier.api.preconditions import read_if_match
from classifier.api.queries import select_predictions, select_submissions, with_risk
from classifier.api.schema import ERROR, IF_MATCH, WORDS
from classifier.api.serializers.intake import NewSubmissionJsonSerializer, NewSubmissionSerializer
from classifier.api.serializers.results import PredictionDetailSerializer
from classifier.api.serializers.standing import (
    ClaimSerializer,
    NewAcknowledgementSerializer,
    ReadingClaimSerializer,
)
from classifier.api.serializers.submissions import (
    AcceptedSerializer,
    StatusSerializer,
    SubmissionSerializer,
    WithdrawalSerializer,
)
from classifier.api.views.base import RecordedDetail, RecordedList
from classifier.api.waiting import (
    RETRY_AFTER_SECONDS,
    RETRY_BUSY_SECONDS,
    read_progress,
    read_wait,
    wait_until_finished,
)
from classifier.cases.reading_claims import claim_case, release_claim
from classifier.cases.withdrawal import cancel_submission
from classifier.domain.errors import InvalidInputError
from classifier.drf.permissions import MayReview, MaySubmit, MayViewCases
from classifier.drf.views import NoStoreView
from classifier.models import Acknowledgement, Prediction, Submission
from classifier.orders import acknowledge_order, take_back_acknowledgement
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.accounts.tokens.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request
    from rest_framework.response import Response

    from classifier.models.prediction import PredictionQuerySet
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


class SubmissionDetail(RecordedDetail):
    scopes = scopes_for("submissions")
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
        submission = get_object_or_404(Submission.objects.visible_to(self.request.user), pk=kwargs["pk"])
        has_waited = wait_until_finished(submission, seconds)
        response = super().get(request, *args, **kwargs)
        if not has_waited:
            response["Retry-After"] = str(RETRY_BUSY_SECONDS)
        return response


class _SubmissionAct(RecordedDetail):
    scopes = scopes_for("submissions")
    serializer_class = SubmissionSerializer
    queryset = Submission.objects.none()

    def get_queryset(self) -> SubmissionQuerySet:
        return select_submissions(self.request.user)

    def find_visible(self, pk: uuid.UUID) -> Submission:
        return get_object_or_404(Submission.objects.visible_to(self.request.user), pk=pk)


class SubmissionCancel(_SubmissionAct):
    http_method_names = ["post"]

    @extend_schema(
        operation_id="submissions_cancel",
        summary="Withdraw a case that nobody has signed",
        description=(
            "Free while there is no result; afterwards with a `reason`, and not at all where the case is "
            "malignant or to be referred: that needs a reader."
        ),
        request=WithdrawalSerializer,
        responses={
            200: SubmissionSerializer,
            409: OpenApiResponse(ERROR, "It is withdrawn or signed already, or it needs a reader."),
        },
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        with transaction.atomic():
            submission = self.find_visible(pk)
            # Who may not is told so, whatever was sent.
            require(self.request.user, submission.clinic_id, Action.CANCEL)
            asked = WithdrawalSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            try:
                cancel_submission(
                    actor=self.request.user,
                    submission=submission,
                    reason=asked.validated_data["reason"],
                    expected=read_if_match(request),
                )
            except InvalidInputError as error:
                error.field = "reason"
                raise
            return self.answer(self.get_object())


class SubmissionClaim(NoStoreView):
    scopes = scopes_for("reviews")
    permission_classes = [MayReview]
    parser_classes = [BoundedJSONParser]

    @extend_schema(
        operation_id="submissions_claim",
        summary="Say that you read a case now",
        description=(
            "For ten minutes; again, it is renewed. `takeover` claims a case that somebody else has open, "
            "and leaves an event."
        ),
        request=ClaimSerializer,
        responses={
            200: ReadingClaimSerializer,
            404: OpenApiResponse(ERROR, WORDS["404"]),
            409: OpenApiResponse(ERROR, "Somebody else is reading it."),
        },
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        submission = get_object_or_404(Submission.objects.visible_to(self.request.user), pk=pk)
        require(self.request.user, submission.clinic_id, Action.REVIEW)
        asked = ClaimSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        claim = claim_case(actor=self.request.user, submission=submission, **asked.validated_data)
        self.clinic_id = submission.clinic_id
        return Response(ReadingClaimSerializer(claim).data)

    @extend_schema(
        operation_id="submissions_release",
        summary="Release a case that you had claimed",
        responses={204: None},
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002
        submission = get_object_or_404(Submission.objects.visible_to(self.request.user), pk=pk)
        release_claim(actor=self.request.user, submission=submission)
        return Response(status=204)


class SubmissionAcknowledgements(_SubmissionAct):
    http_method_names = ["post"]

    @extend_schema(
        operation_id="submissions_acknowledge",
        summary="Say what was done about the order of a case",
        description=(
            "What a dermatologist signed with an order stays open, and becomes overdue, until somebody "
            "acknowledges it. `If-Match` takes the ETag of the case that you read."
        ),
        request=NewAcknowledgementSerializer,
        responses={
            200: SubmissionSerializer,
            409: OpenApiResponse(ERROR, "Nothing is ordered, or it was acknowledged before."),
        },
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        with transaction.atomic():
            submission = self.find_visible(pk)
            require(self.request.user, submission.clinic_id, Action.SUBMIT)
            asked = NewAcknowledgementSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            acknowledge_order(
                actor=self.request.user,
                submission=submission,
                expected=read_if_match(request),
                **asked.validated_data,
            )
            return self.answer(self.get_object())


class SubmissionAcknowledgement(_SubmissionAct):
    http_method_names = ["delete"]

    @extend_schema(
        operation_id="submissions_take_back_acknowledgement",
        summary="Take an acknowledgement back",
        description="It was a slip: the order is open again. The row stays, with who took it back.",
        parameters=[IF_MATCH],
        responses={
            200: SubmissionSerializer,
            409: OpenApiResponse(ERROR, "It was taken back before."),
            412: OpenApiResponse(ERROR, WORDS["412"]),
        },
    )
    def delete(self, request: Request, pk: uuid.UUID, acknowledgement: uuid.UUID) -> Response:
        with transaction.atomic():
            submission = self.find_visible(pk)
            row = get_object_or_404(
                Acknowledgement.objects.select_related("review__submission"),
                pk=acknowledgement,
                review__submission=submission,
            )
            take_back_acknowledgement(
                actor=self.request.user, acknowledgement=row, expected=read_if_match(request)
            )
            return self.answer(self.get_object())


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


class _Predictions(NoStoreView, GenericAPIView):  # type: ignore[type-arg]  # generic in the stubs alone
    scopes = scopes_for("predictions")
    serializer_class = PredictionDetailSerializer
    queryset = Prediction.objects.none()
    clinic_of = attrgetter("image.clinic_id")

    def get_queryset(self) -> PredictionQuerySet:
        return select_predictions(self.request.user)


class PredictionList(_Predictions, RecordedList):
    filterset_class = PredictionFilter
    ordering_fields = ["queued_at"]
    ordering = ["-queued_at"]
    listed = "predictions"

    @extend_schema(operation_id="predictions_list", summary="List the model's answers, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class PredictionDetail(_Predictions, RecordedDetail):
    @extend_schema(operation_id="predictions_read", summary="Read one answer of the model")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
