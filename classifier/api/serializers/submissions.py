"""Serializers of a case: its row, its state while one waits, and the answer to a new one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from classifier.api import examples
from classifier.api.listing import ExpandedField
from classifier.api.serializers.fields import StrictSerializer
from classifier.api.serializers.patients import LesionReferenceSerializer
from classifier.api.serializers.people import ClinicSerializer, PersonSerializer
from classifier.api.serializers.results import ImageSerializer
from classifier.api.serializers.reviews import ReviewReferenceSerializer
from classifier.api.serializers.standing import (
    OrderSerializer,
    ReadingClaimSerializer,
    StandingSerializer,
    describe_claim,
    describe_order,
    describe_standing,
)
from classifier.api.withholding import withhold_submission
from classifier.domain.states import SubmissionState
from classifier.models import Patient, Submission


class PatientReferenceSerializer(serializers.ModelSerializer[Patient]):
    class Meta:
        model = Patient
        fields = ["id", "public_id", "mrn"]
        read_only_fields = fields


class SubmissionSerializer(serializers.ModelSerializer[Submission]):
    """A case with everything that is known of it."""

    state = serializers.ChoiceField(choices=SubmissionState.choices, read_only=True)
    preliminary = serializers.SerializerMethodField(
        help_text="True until a dermatologist signs: a model's result alone decides nothing."
    )
    is_withheld = serializers.BooleanField(
        read_only=True,
        help_text=(
            "True while your clinic wants you to read the images first: outcomes and "
            "probabilities are null until somebody signs."
        ),
    )
    standing = serializers.SerializerMethodField(
        help_text="What the case is held for: it can differ from what the model says of its images."
    )
    is_unread = serializers.BooleanField(
        read_only=True, help_text="News that whoever follows the case up has not opened."
    )
    order = serializers.SerializerMethodField(
        help_text="What the signed review asks for, done or not; null where it asks for nothing."
    )
    reading_claim = serializers.SerializerMethodField(
        help_text="Who has the case open to read it, and until when; null where nobody has."
    )
    patient = PatientReferenceSerializer(source="lesion.patient", read_only=True)
    lesion = LesionReferenceSerializer(read_only=True)
    submitted_by = PersonSerializer(read_only=True)
    images = ImageSerializer(many=True, read_only=True)
    reviews = ReviewReferenceSerializer(
        many=True, read_only=True, help_text="Oldest first; each amendment names the one before."
    )
    status_url = serializers.SerializerMethodField()
    expanded = ExpandedField(name="SubmissionExpanded", parts={"clinic": ("clinic", ClinicSerializer)})

    class Meta:
        model = Submission
        fields = [
            "id",
            "state",
            "preliminary",
            "is_withheld",
            "clinic",
            "patient",
            "lesion",
            "submitted_by",
            "submitted_at",
            "clinical_question",
            "clinical_history",
            "priority",
            "source",
            "cancelled_at",
            "withdrawal_reason",
            "standing",
            "is_unread",
            "order",
            "reading_claim",
            "images",
            "reviews",
            "status_url",
            "expanded",
        ]
        read_only_fields = fields

    def to_representation(self, submission: Submission) -> dict[str, Any]:
        if submission.is_withheld:  # type: ignore[attr-defined] # annotated by the query
            withhold_submission(submission)
        return super().to_representation(submission)

    def get_preliminary(self, submission: Submission) -> bool:
        return not submission.is_reviewed

    @extend_schema_field(StandingSerializer)
    def get_standing(self, submission: Submission) -> dict[str, Any]:
        return describe_standing(submission, self.context["request"])

    @extend_schema_field(OrderSerializer(allow_null=True))
    def get_order(self, submission: Submission) -> dict[str, Any] | None:
        return describe_order(submission)

    @extend_schema_field(ReadingClaimSerializer(allow_null=True))
    def get_reading_claim(self, submission: Submission) -> dict[str, Any] | None:
        return describe_claim(submission)

    @extend_schema_field(OpenApiTypes.URI)
    def get_status_url(self, submission: Submission) -> str:
        return reverse("api-submission-status", [submission.pk], request=self.context["request"])


@examples.asked("A slip", examples.WITHDRAWAL)
class WithdrawalSerializer(StrictSerializer):
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text="Why; needed once there is a result.",
    )


class NoticeSerializer(serializers.Serializer[Any]):
    """Worth a look; it doesn't stand in the way."""

    attr = serializers.CharField(help_text="`images.N`: the image it is about, from 0.")
    code = serializers.CharField()
    detail = serializers.CharField()


@examples.answered(202, "Taken and queued", examples.ACCEPTED)
class AcceptedSerializer(serializers.Serializer[Any]):
    """Taken and queued; the result comes later."""

    id = serializers.UUIDField(source="submission.pk")
    state = serializers.ChoiceField(choices=SubmissionState.choices, source="submission.state")
    patient = serializers.UUIDField(source="submission.lesion.patient_id")
    lesion = serializers.UUIDField(source="submission.lesion_id")
    url = serializers.URLField()
    status_url = serializers.URLField()
    notices = NoticeSerializer(many=True)


@examples.answered(200, "Finished", examples.STATUS)
class StatusSerializer(serializers.Serializer[Any]):
    """Where a case stands. Holds nothing of the patient, so that polling isn't recorded."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=SubmissionState.choices)
    is_finished = serializers.BooleanField(help_text="Stop polling when true.")
    images = serializers.IntegerField(help_text="How many images the case has.")
    images_finished = serializers.IntegerField()
    position_in_queue = serializers.IntegerField(
        allow_null=True, help_text="How many images go before this case's next one."
    )
    url = serializers.URLField(help_text="The case with its results.")
