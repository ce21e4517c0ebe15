"""REST serializers of outlines: the polygon of a lesion, its measures and their state."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.models import Outline, OutlineNetwork
from classifier.models.outline import STATES


class OutlineNetworkSerializer(serializers.ModelSerializer[OutlineNetwork]):
    class Meta:
        model = OutlineNetwork
        fields = ["id", "name", "version", "sha256"]
        read_only_fields = fields


class MeasuresSerializer(serializers.Serializer[Any]):
    """What is measured of an outlined lesion."""

    area = serializers.FloatField(help_text="Share of the picture, 0 to 1.")
    diameter = serializers.FloatField(help_text="The largest, as a share of the picture's longer side.")
    asymmetry = serializers.FloatField(
        help_text="Share that the mirror image about the principal axes leaves uncovered, 0 to 1 (Stoecker 1992)."
    )
    irregularity = serializers.FloatField(
        help_text="Perimeter squared by 4 pi times the area; 1 is a circle (Golston 1992)."
    )
    colours = serializers.ListField(
        child=serializers.CharField(), help_text="Of the six colours of the ABCD rule (Nachbar 1994)."
    )
    is_cut = serializers.BooleanField(help_text="The lesion reaches the edge: part of it may lie outside.")
    area_mm2 = serializers.FloatField(allow_null=True, help_text="Null where the file has no pixel spacing.")
    diameter_mm = serializers.FloatField(
        allow_null=True, help_text="Null where the file has no pixel spacing."
    )


class OutlineSerializer(serializers.ModelSerializer[Outline]):
    image = serializers.UUIDField(source="image_id", read_only=True)
    network = OutlineNetworkSerializer(read_only=True)
    state = serializers.ChoiceField(choices=[(state.value, state.label) for state in STATES], read_only=True)
    points = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        read_only=True,
        help_text="The polygon, [x, y] in 10,000ths of the picture's width and height; empty until it is done.",
    )
    measures = serializers.SerializerMethodField(help_text="Null until it is done.")

    class Meta:
        model = Outline
        fields = [
            "id",
            "image",
            "network",
            "state",
            "requested_at",
            "finished_at",
            "points",
            "measures",
            "error_code",
            "error_message",
        ]
        read_only_fields = fields

    @extend_schema_field(MeasuresSerializer(allow_null=True))
    def get_measures(self, outline: Outline) -> dict[str, Any] | None:
        return dict(MeasuresSerializer(outline.measures).data) if outline.is_done else None
