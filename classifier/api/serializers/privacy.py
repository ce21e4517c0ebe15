from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.api import examples
from classifier.api.choices import ChoiceField
from classifier.api.serializers.people import PersonSerializer
from classifier.api.strict import StrictSerializer
from classifier.models import Consent, Patient
from classifier.vocabulary import ConsentPurpose, ErasureReason

HISTORY_SHOWN = 50


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    recorded_by = PersonSerializer(read_only=True)

    class Meta:
        model = Consent
        fields = ["purpose", "is_given", "origin", "recorded_at", "recorded_by"]
        read_only_fields = fields


@examples.answered(200, "What was agreed to", examples.CONSENTS)
class ConsentsSerializer(serializers.Serializer[Patient]):
    """What a patient says of each purpose; null where nobody asked."""

    patient = serializers.UUIDField(source="pk")
    inference = serializers.BooleanField(
        source="consents_to_inference", allow_null=True, help_text="A model may judge the images."
    )
    teaching = serializers.BooleanField(
        source="consents_to_teaching", allow_null=True, help_text="The images may be used to teach."
    )
    training = serializers.BooleanField(
        source="consents_to_training",
        allow_null=True,
        help_text="The data may leave in exports, also to train models.",
    )
    history = serializers.SerializerMethodField(
        help_text=f"Who recorded what and when, newest first; the last {HISTORY_SHOWN}."
    )

    @extend_schema_field(ConsentSerializer(many=True))
    def get_history(self, patient: Patient) -> list[dict[str, Any]]:
        rows = patient.consents.select_related("recorded_by")[:HISTORY_SHOWN]
        return list(ConsentSerializer(rows, many=True).data)


@examples.asked("A withdrawal", examples.NEW_CONSENT)
class NewConsentSerializer(StrictSerializer):
    purpose = ChoiceField(choices=ConsentPurpose.choices)
    is_given = serializers.BooleanField(help_text="False withdraws it.")


@examples.asked("At the patient's request", examples.ERASURE)
class ErasureSerializer(StrictSerializer):
    reason = ChoiceField(choices=ErasureReason.choices)
    public_id = serializers.CharField(
        max_length=12,
        help_text="The patient's public id once more: the wrong patient can't be brought back.",
    )


@examples.answered(200, "Erased", examples.ERASED)
class ErasedSerializer(serializers.Serializer[Any]):
    """The patient is gone; what was done stays in the trail under this id."""

    id = serializers.UUIDField()
    public_id = serializers.CharField()
    erased_at = serializers.DateTimeField()
