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
from classifier.models import Lesion, Outcome
from classifier.vocabulary import Histopathology, Procedure


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
    specimen_taken_on = serializers.DateField()
    reported_on = serializers.DateField()
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
