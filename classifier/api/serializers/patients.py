"""Serializers of patients, lesions and consents."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.api import examples
from classifier.api.listing import ExpandedField
from classifier.api.serializers.fields import ChoiceField, IsoDayField, StrictSerializer, VisibleRelation
from classifier.api.serializers.people import ClinicSerializer, PersonSerializer
from classifier.api.serializers.standing import StandingSerializer, describe_standing
from classifier.domain.vocabulary import (
    BODY_SITE_CHOICES,
    ConsentPurpose,
    ErasureReason,
    Laterality,
    Sex,
    SkinType,
)
from classifier.models import Consent, Lesion, Patient
from portal.trust.accounts.models import Clinic


class PatientSerializer(serializers.ModelSerializer[Patient]):
    # Said here: a read-only field of the model would not tell that it can be empty.
    skin_type = serializers.ChoiceField(
        choices=[("", "Not given"), *SkinType.choices], read_only=True, help_text="Fitzpatrick."
    )
    consents_to_inference = serializers.BooleanField(
        read_only=True, allow_null=True, help_text="Null where nobody asked."
    )
    standing = serializers.SerializerMethodField(
        help_text="The most worrying of what is open of the patient."
    )
    expanded = ExpandedField(name="PatientExpanded", parts={"clinic": ("clinic", ClinicSerializer)})

    class Meta:
        model = Patient
        fields = [
            "id",
            "clinic",
            "public_id",
            "mrn",
            "birth_date",
            "sex",
            "skin_type",
            "consents_to_inference",
            "created_at",
            "standing",
            "expanded",
        ]
        read_only_fields = fields

    @extend_schema_field(StandingSerializer)
    def get_standing(self, patient: Patient) -> dict[str, Any]:
        return describe_standing(patient, self.context["request"])


@examples.asked("A correction", examples.PATIENT_CHANGES)
class PatientChangesSerializer(StrictSerializer):
    """What can be corrected. The record number stays: it ties the history together."""

    birth_date = IsoDayField(required=False, allow_null=True)
    sex = ChoiceField(choices=Sex.choices, required=False)
    skin_type = ChoiceField(choices=SkinType.choices, required=False, allow_blank=True)
    consents_to_inference = serializers.BooleanField(
        required=False,
        help_text=(
            "What the patient said: without true nothing is judged by a model, and nothing is presumed. "
            "Left out, nobody asked; a clinic that records consent elsewhere needs no word here."
        ),
    )


@examples.asked("A patient", examples.NEW_PATIENT)
class NewPatientSerializer(PatientChangesSerializer):
    clinic = VisibleRelation(
        queryset=Clinic.objects.none(), required=False, help_text="May be left out if you belong to one."
    )
    mrn: Any = serializers.CharField(help_text="Medical record number; one patient of a clinic has it.")


class LesionReferenceSerializer(serializers.ModelSerializer[Lesion]):
    site_name = serializers.CharField(read_only=True, help_text="Body site and side in words.")

    class Meta:
        model = Lesion
        fields = ["id", "patient", "body_site", "laterality", "site_name", "note", "created_at"]
        read_only_fields = fields


class LesionSerializer(LesionReferenceSerializer):
    standing = serializers.SerializerMethodField(help_text="The most worrying of what is open of the lesion.")
    expanded = ExpandedField(name="LesionExpanded", parts={"patient": ("patient", PatientSerializer)})

    class Meta(LesionReferenceSerializer.Meta):
        fields = [*LesionReferenceSerializer.Meta.fields, "standing", "expanded"]
        read_only_fields = fields

    @extend_schema_field(StandingSerializer)
    def get_standing(self, lesion: Lesion) -> dict[str, Any]:
        return describe_standing(lesion, self.context["request"])


@examples.asked("A correction", examples.LESION_CHANGES)
class LesionChangesSerializer(StrictSerializer):
    body_site = ChoiceField(choices=BODY_SITE_CHOICES, required=False, help_text="ISIC site code.")
    laterality = ChoiceField(choices=Laterality.choices, required=False)
    note = serializers.CharField(
        required=False, allow_blank=True, help_text="What tells it from its neighbours."
    )


@examples.asked("A lesion", examples.NEW_LESION)
class NewLesionSerializer(LesionChangesSerializer):
    patient = VisibleRelation(queryset=Patient.objects.none())
    body_site = ChoiceField(choices=BODY_SITE_CHOICES, help_text="ISIC site code.")


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
    """The patient is gone; what was done stays in the audit log under this id."""

    id = serializers.UUIDField()
    public_id = serializers.CharField()
    erased_at = serializers.DateTimeField()
