from __future__ import annotations

from typing import Any

from rest_framework import serializers

from classifier.api.expansion import ExpandedField
from classifier.api.serializers.lesions import LesionReferenceSerializer
from classifier.api.serializers.models import ModelVersionSerializer
from classifier.api.serializers.patients import PatientSerializer
from classifier.api.serializers.results import PredictionSerializer
from classifier.api.withholding import withhold_prediction
from classifier.models import Prediction


class PredictionDetailSerializer(PredictionSerializer):
    """One image judged by one model version, with the case that it belongs to."""

    submission = serializers.UUIDField(source="image.submission_id", read_only=True)
    lesion = serializers.UUIDField(source="image.submission.lesion_id", read_only=True)
    preliminary = serializers.SerializerMethodField(
        help_text="True until a dermatologist signs: a model's result alone decides nothing."
    )
    is_withheld = serializers.BooleanField(
        read_only=True, help_text="True while your clinic wants you to read the images first."
    )
    expanded = ExpandedField(
        name="PredictionExpanded",
        parts={
            "lesion": ("image.submission.lesion", LesionReferenceSerializer),
            "model_version": ("model_version", ModelVersionSerializer),
            "patient": ("image.submission.lesion.patient", PatientSerializer),
        },
    )

    class Meta(PredictionSerializer.Meta):
        fields = [
            *PredictionSerializer.Meta.fields,
            "image",
            "submission",
            "lesion",
            "preliminary",
            "is_withheld",
            "expanded",
        ]
        read_only_fields = fields

    def to_representation(self, prediction: Prediction) -> dict[str, Any]:
        if prediction.is_withheld:  # type: ignore[attr-defined] # annotated by the query
            withhold_prediction(prediction)
        return super().to_representation(prediction)

    def get_preliminary(self, prediction: Prediction) -> bool:
        return not prediction.image.submission.is_reviewed
