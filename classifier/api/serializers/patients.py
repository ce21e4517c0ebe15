from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.api import examples
from classifier.api.choices import ChoiceField
from classifier.api.expansion import ExpandedField
from classifier.api.serializers.people import ClinicSerializer
from classifier.api.serializers.relations import VisibleRelation
from classifier.api.serializers.standing import StandingSerializer, describe_standing
from classifier.api.strict import StrictSerializer
from classifier.models import Patient
from classifier.vocabulary import Sex, SkinType
from portal.accounts.models import Clinic


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

    birth_date = serializers.DateField(required=False, allow_null=True)
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
