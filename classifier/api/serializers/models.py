from __future__ import annotations

from typing import Any

from rest_framework import serializers

from classifier.models import ModelVersion


class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    specification = serializers.DictField(
        read_only=True,
        help_text="As registered: input, scaling, classes, calibration, policy, metrics, licence.",
    )

    class Meta:
        model = ModelVersion
        fields = [
            "id",
            "name",
            "version",
            "sha256",
            "lifecycle",
            "specification",
            "registered_at",
            "activated_at",
        ]
        read_only_fields = fields


class ModelReferenceSerializer(serializers.ModelSerializer[ModelVersion]):
    class Meta:
        model = ModelVersion
        fields = ["id", "name", "version", "sha256"]
        read_only_fields = fields


class ThresholdPolicySerializer(serializers.Serializer[Any]):
    """Outcome by calibrated probability: refer within the band, else by the threshold."""

    version = serializers.CharField()
    threshold = serializers.FloatField()
    refer_low = serializers.FloatField()
    refer_high = serializers.FloatField()
