from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.api import examples
from classifier.api.choices import ChoiceField
from classifier.api.expansion import ExpandedField
from classifier.api.serializers.patients import PatientSerializer
from classifier.api.serializers.relations import VisibleRelation
from classifier.api.serializers.standing import StandingSerializer, describe_standing
from classifier.api.strict import StrictSerializer
from classifier.models import Lesion, Patient
from classifier.vocabulary import BODY_SITE_CHOICES, Laterality


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
