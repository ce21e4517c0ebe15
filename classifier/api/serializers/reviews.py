"""Serializers of what people decide: reviews, amendments and histopathology."""

from __future__ import annotations

from rest_framework import serializers

from classifier.api import examples
from classifier.api.listing import ExpandedField
from classifier.api.serializers.fields import ChoiceField, IsoDayField, StrictSerializer, VisibleRelation
from classifier.api.serializers.patients import LesionReferenceSerializer, PatientSerializer
from classifier.api.serializers.people import PersonSerializer
from classifier.domain.vocabulary import Agreement, Diagnosis, Histopathology, Management, Procedure
from classifier.models import Lesion, Outcome, Review, Submission


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


class OutcomeSerializer(serializers.ModelSerializer[Outcome]):
    """What histopathology found. A correction is a new outcome that names the one before."""

    breslow_mm = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Thickness of an invasive melanoma."
    )
    recorded_by = PersonSerializer(read_only=True)
    is_current = serializers.BooleanField(read_only=True, help_text="False once a correction replaced it.")
    expanded = ExpandedField(
        name="OutcomeExpanded",
        parts={
            "lesion": ("lesion", LesionReferenceSerializer),
            "patient": ("lesion.patient", PatientSerializer),
        },
    )

    class Meta:
        model = Outcome
        fields = [
            "id",
            "lesion",
            "diagnosis",
            "procedure",
            "specimen_taken_on",
            "reported_on",
            "breslow_mm",
            "comment",
            "recorded_by",
            "recorded_at",
            "corrects",
            "correction_reason",
            "is_current",
            "expanded",
        ]
        read_only_fields = fields


class _FindingSerializer(StrictSerializer):
    diagnosis = ChoiceField(choices=Histopathology.choices)
    procedure = ChoiceField(choices=Procedure.choices)
    specimen_taken_on = IsoDayField()
    reported_on = IsoDayField()
    breslow_mm = serializers.DecimalField(
        max_digits=4, decimal_places=2, coerce_to_string=False, required=False, allow_null=True
    )
    comment = serializers.CharField(required=False, allow_blank=True, default="")


@examples.asked("A report", examples.NEW_OUTCOME)
class NewOutcomeSerializer(_FindingSerializer):
    lesion = VisibleRelation(queryset=Lesion.objects.none(), related=("patient",))


@examples.asked("A second opinion", examples.CORRECTION)
class CorrectionSerializer(_FindingSerializer):
    correction_reason = serializers.CharField(help_text="Why it is corrected.")
