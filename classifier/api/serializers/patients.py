from __future__ import annotations

from rest_framework import serializers

from classifier.models import Lesion, Patient


class PatientSerializer(serializers.ModelSerializer[Patient]):
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
        ]
        read_only_fields = fields


class LesionSerializer(serializers.ModelSerializer[Lesion]):
    site_name = serializers.CharField(read_only=True, help_text="Body site and side in words.")

    class Meta:
        model = Lesion
        fields = ["id", "patient", "body_site", "laterality", "site_name", "note", "created_at"]
        read_only_fields = fields
