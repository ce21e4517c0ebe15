from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response

from classifier.api.idempotency import idempotent
from classifier.api.parameters import RETRY_AFTER, WAIT
from classifier.api.parsers import BoundedJSONParser
from classifier.api.preconditions import read_if_match
from classifier.api.progress import RETRY_BUSY_SECONDS
from classifier.api.queries import select_submissions
from classifier.api.schema import ERROR, IF_MATCH, WORDS
from classifier.api.serializers.standing import (
    ClaimSerializer,
    NewAcknowledgementSerializer,
    ReadingClaimSerializer,
)
from classifier.api.serializers.submissions import SubmissionSerializer, WithdrawalSerializer
from classifier.api.views.details import RecordedDetail
from classifier.api.waiting import read_wait, wait_until_finished
from classifier.cases.claims import claim_case, release_claim
from classifier.cases.orders import acknowledge_order, take_back_acknowledgement
from classifier.drf.permissions import MayReview
from classifier.drf.views import NoStoreView
from classifier.models import Acknowledgement, Submission
from classifier.services.errors import InvalidInputError
from classifier.services.preconditions import check_unchanged
from classifier.services.submissions import cancel_submission
from portal.accounts.permissions import require
from portal.accounts.roles import Action
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.submission import SubmissionQuerySet


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
            check_unchanged(submission, read_if_match(request))
            take_back_acknowledgement(actor=self.request.user, acknowledgement=row)
            return self.answer(self.get_object())
