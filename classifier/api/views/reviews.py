"""REST views of signed reviews and of histopathology, with their amendments and corrections."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from classifier.api.filters import OutcomeFilter, ReviewFilter
from classifier.api.idempotency import idempotent
from classifier.api.preconditions import read_if_match
from classifier.api.queries import select_outcomes, select_reviews
from classifier.api.schema import CREATED, IF_MATCH
from classifier.api.serializers.reviews import (
    AmendmentSerializer,
    CorrectionSerializer,
    NewOutcomeSerializer,
    NewReviewSerializer,
    OutcomeSerializer,
    ReviewSerializer,
)
from classifier.api.views.base import RecordedDetail, RecordedList, WritableView
from classifier.cases.histopathology import Finding, correct_outcome, record_outcome
from classifier.cases.reviews import Decision, amend_review, sign_review
from classifier.drf.permissions import MayRecordOutcomes, MayReview
from classifier.models import Outcome, Review
from portal.trust.accounts.tokens.scopes import scopes_for

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from classifier.models.outcome import OutcomeQuerySet
    from classifier.models.review import ReviewQuerySet


class _Reviews(WritableView):
    may_write = MayReview
    address = "api-review"
    scopes = scopes_for("reviews")
    confirms = frozenset({"POST"})
    is_signing = True
    serializer_class = ReviewSerializer
    queryset = Review.objects.none()
    clinic_of = attrgetter("submission.clinic_id")

    def get_queryset(self) -> ReviewQuerySet:
        return select_reviews(self.request.user)

    def answer_signed(self, review: Review) -> Response:
        return self.answer_created(self.get_queryset().get(pk=review.pk))


def make_decision(facts: dict[str, Any]) -> Decision:
    """Agreement with the model follows from the diagnosis; what older clients send of it isn't used."""
    return Decision(
        diagnosis=facts["diagnosis"],
        management=facts["management"],
        comment=facts["comment"],
        unseen_reason=facts["unseen_reason"],
    )


class ReviewList(_Reviews, RecordedList):
    filterset_class = ReviewFilter
    ordering_fields = ["signed_at"]
    ordering = ["-signed_at"]
    listed = "reviews"

    @extend_schema(operation_id="reviews_list", summary="List reviews, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="reviews_sign",
        summary="Sign the first review of a case",
        description="`If-Match` takes the ETag of the case that you read.",
        request=NewReviewSerializer,
        parameters=[*CREATED, IF_MATCH],
        responses={201: ReviewSerializer},
        filters=False,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        asked = NewReviewSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        submission = asked.validated_data["submission"]
        with transaction.atomic():
            review = sign_review(
                actor=self.request.user,
                submission=submission,
                decision=make_decision(asked.validated_data),
                expected=read_if_match(request),
            )
            return self.answer_signed(review)


class ReviewDetail(_Reviews, RecordedDetail):
    @extend_schema(operation_id="reviews_read", summary="Read a review")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ReviewAmend(_Reviews, RecordedDetail):
    http_method_names = ["post"]

    @extend_schema(
        operation_id="reviews_amend",
        summary="Amend the review that counts",
        description="The amendment is a new review; the one before stays as it was signed.",
        request=AmendmentSerializer,
        parameters=CREATED,
        responses={201: ReviewSerializer},
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 - get_object reads it
        with transaction.atomic():
            review = self.get_object()
            asked = AmendmentSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            amendment = amend_review(
                actor=self.request.user,
                review=review,
                decision=make_decision(asked.validated_data),
                reason=asked.validated_data["amendment_reason"],
                expected=read_if_match(request),
            )
            return self.answer_signed(amendment)


class _Outcomes(WritableView):
    may_write = MayRecordOutcomes
    address = "api-outcome"
    scopes = scopes_for("outcomes")
    serializer_class = OutcomeSerializer
    queryset = Outcome.objects.none()
    clinic_of = attrgetter("lesion.patient.clinic_id")

    def get_queryset(self) -> OutcomeQuerySet:
        return select_outcomes(self.request.user)

    def answer_recorded(self, outcome: Outcome) -> Response:
        return self.answer_created(self.get_queryset().get(pk=outcome.pk))


class OutcomeList(_Outcomes, RecordedList):
    filterset_class = OutcomeFilter
    ordering_fields = ["recorded_at"]
    ordering = ["-recorded_at"]
    listed = "outcomes"

    @extend_schema(operation_id="outcomes_list", summary="List histopathology, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="outcomes_create",
        summary="Record histopathology of a lesion",
        request=NewOutcomeSerializer,
        parameters=CREATED,
        responses={201: OutcomeSerializer},
        filters=False,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        asked = NewOutcomeSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        facts = asked.validated_data
        lesion = facts.pop("lesion")
        with transaction.atomic():
            outcome = record_outcome(actor=self.request.user, lesion=lesion, finding=Finding(**facts))
            return self.answer_recorded(outcome)


class OutcomeDetail(_Outcomes, RecordedDetail):
    @extend_schema(operation_id="outcomes_read", summary="Read an outcome")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class OutcomeCorrect(_Outcomes, RecordedDetail):
    http_method_names = ["post"]

    @extend_schema(
        operation_id="outcomes_correct",
        summary="Correct the outcome that counts",
        description="The correction is a new outcome; the one before stays as it was recorded.",
        request=CorrectionSerializer,
        parameters=CREATED,
        responses={201: OutcomeSerializer},
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:  # noqa: ARG002 - get_object reads it
        with transaction.atomic():
            outcome = self.get_object()
            asked = CorrectionSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            facts = asked.validated_data
            reason = facts.pop("correction_reason")
            correction = correct_outcome(
                actor=self.request.user,
                outcome=outcome,
                finding=Finding(**facts),
                reason=reason,
                expected=read_if_match(request),
            )
            return self.answer_recorded(correction)
