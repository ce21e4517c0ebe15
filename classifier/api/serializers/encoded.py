"""Images within JSON, as base64 text."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework import serializers

from classifier.api import examples
from classifier.api.serializers.intake import NewSubmissionSerializer
from classifier.api.strict import StrictSerializer


class EncodedImageSerializer(StrictSerializer):
    name = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=255,
        help_text="File name; it decides nothing.",
    )
    data = serializers.CharField(help_text="The file's bytes as base64.", trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> Any:
        try:
            content = base64.b64decode("".join(attrs["data"].split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise serializers.ValidationError(
                {"data": "This text is not base64."}, code="base64_invalid"
            ) from error
        return SimpleUploadedFile(attrs["name"] or "image", content)


@examples.asked("A new patient and lesion", examples.NEW_SUBMISSION)
class NewSubmissionJsonSerializer(NewSubmissionSerializer):
    images = serializers.ListField(child=EncodedImageSerializer(), allow_empty=False)
