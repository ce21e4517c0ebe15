from __future__ import annotations

from rest_framework import serializers

from classifier.api import examples
from classifier.api.choices import ChoiceField
from classifier.api.expansion import ExpandedField
from classifier.api.serializers.lesions import LesionReferenceSerializer
from classifier.api.serializers.patients import PatientSerializer
from classifier.api.serializers.people import PersonSerializer
from classifier.api.serializers.relations import VisibleRelation
from classifier.api.strict import StrictSerializer
from classifier.models import Review, Submission
from classifier.vocabulary import Agreement, Diagnosis, Management


class ReviewReferenceSerializer(serializers.ModelSerializer[Review]):
    """A dermatologist's signed decision."""

    signed_by = PersonSerializer(read_only=True)

    class Meta:
        model = Review
        fields = [
            "id",
            "submission",
            "diagnosis",
            "agreement",
            "management",
            "comment",
            "unseen_reason",
            "signed_by",
            "signed_at",
            "amends",
            "amendment_reason",
        ]
        read_only_fields = fields


class ReviewSerializer(ReviewReferenceSerializer):
    is_current = serializers.BooleanField(read_only=True, help_text="False once an amendment replaced it.")
    expanded = ExpandedField(
        name="ReviewExpanded",
        parts={
            "lesion": ("submission.lesion", LesionReferenceSerializer),
            "patient": ("submission.lesion.patient", PatientSerializer),
        },
    )

    class Meta(ReviewReferenceSerializer.Meta):
        fields = [*ReviewReferenceSerializer.Meta.fields, "is_current", "expanded"]
        read_only_fields = fields


class _DecisionSerializer(StrictSerializer):
    diagnosis = ChoiceField(choices=Diagnosis.choices)
    agreement = ChoiceField(
        choices=Agreement.choices,
        required=False,
        help_text="Deprecated: it follows from the diagnosis, and what is sent here isn't used.",
    )
    management = ChoiceField(choices=Management.choices)
    comment = serializers.CharField(required=False, allow_blank=True, default="")
    unseen_reason = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text="Why it is signed although a picture of the case could not be shown to the reader.",
    )


@examples.asked("A decision", examples.NEW_REVIEW)
class NewReviewSerializer(_DecisionSerializer):
    submission = VisibleRelation(
        queryset=Submission.objects.none(), related=("clinic", "lesion"), help_text="The case to sign."
    )


@examples.asked("After histopathology", examples.AMENDMENT)
class AmendmentSerializer(_DecisionSerializer):
    amendment_reason = serializers.CharField(help_text="Why it is amended.")
