"""Images within JSON, as base64 text."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework import serializers

from classifier.api import examples
from classifier.api.choices import ChoiceField
from classifier.api.serializers.intake import NewSubmissionSerializer
from classifier.api.strict import StrictSerializer
from classifier.intake.uploads import SentImage
from classifier.vocabulary import CaptureKind, DermoscopicType


class EncodedImageSerializer(StrictSerializer):
    name = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=255,
        help_text="File name; it decides nothing.",
    )
    capture_kind = ChoiceField(
        choices=CaptureKind.choices,
        default=CaptureKind.DERMOSCOPIC,
        help_text="The network judges dermoscopic pictures only; the others are shown and kept.",
    )
    dermoscopic_type = ChoiceField(
        choices=DermoscopicType.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="Of a dermoscopic picture alone.",
    )
    data = serializers.CharField(help_text="The file's bytes as base64.", trim_whitespace=False)  # type: ignore[assignment]  # the name that integrators expect

    def validate(self, attrs: dict[str, Any]) -> Any:
        try:
            content = base64.b64decode("".join(attrs["data"].split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise serializers.ValidationError(
                {"data": "This text is not base64."}, code="base64_invalid"
            ) from error
        file = SimpleUploadedFile(attrs["name"] or "image", content)
        return SentImage(file, attrs["capture_kind"], attrs["dermoscopic_type"])


@examples.asked("A new patient and lesion", examples.NEW_SUBMISSION)
class NewSubmissionJsonSerializer(NewSubmissionSerializer):
    images = serializers.ListField(child=EncodedImageSerializer(), allow_empty=False)
    # Each image says it of itself.
    capture_kinds = None  # type: ignore[assignment]  # how the framework leaves a field out
    dermoscopic_types = None  # type: ignore[assignment]  # as above
