"""What a submission over the API may hold. Limits of length and size are the services' to tell."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework import serializers

from classifier.api import examples
from classifier.api.serializers.fields import ChoiceField, IsoDayField, StrictSerializer, VisibleRelation
from classifier.domain.errors import InvalidInputError
from classifier.domain.vocabulary import (
    BODY_SITE_CHOICES,
    CaptureKind,
    DermoscopicType,
    Laterality,
    Priority,
    Sex,
    SkinType,
)
from classifier.intake.uploads import SentImage, check_image_count, pair_images
from classifier.models import Lesion, Patient
from portal.trust.accounts.models import Clinic

KINDS_ADVICE = "Send one for each image, in their order, or none."


class NewSubmissionSerializer(StrictSerializer):
    clinic = VisibleRelation(
        queryset=Clinic.objects.none(), required=False, help_text="May be left out if you belong to one."
    )
    patient = VisibleRelation(
        queryset=Patient.objects.none(),
        related=("clinic",),
        required=False,
        help_text="A known patient; or give patient_mrn.",
    )
    patient_mrn = serializers.CharField(
        required=False,
        help_text="Finds the patient of this record number in the clinic, or creates one.",
    )
    birth_date = IsoDayField(
        required=False,
        help_text="Kept of a new patient, and of a known one without; must equal that of a known one.",
    )
    sex = ChoiceField(choices=Sex.choices, required=False, help_text="As birth_date.")
    skin_type = ChoiceField(choices=SkinType.choices, required=False, help_text="Fitzpatrick; as birth_date.")
    consents_to_inference = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text=(
            "Whether the patient agrees that a model judges the images: of a new patient, or of one whom "
            "nobody asked before. Nothing is presumed: without it dermoscopic images are refused "
            "(`consent_missing`), unless the clinic records consent elsewhere."
        ),
    )
    lesion = VisibleRelation(
        queryset=Lesion.objects.none(),
        related=("patient__clinic",),
        required=False,
        help_text="A known lesion; or give body_site.",
    )
    body_site = ChoiceField(
        choices=BODY_SITE_CHOICES,
        required=False,
        help_text=(
            "Of a new lesion (ISIC site codes). Kept of a known one without; must equal that of a known one, or "
            "hold it."
        ),
    )
    laterality = ChoiceField(
        choices=Laterality.choices,
        required=False,
        help_text="Kept of a new lesion, and of a known one without; must equal that of a known one.",
    )
    note = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="What tells the lesion from its neighbours; as laterality.",
    )
    images = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        allow_empty=False,
        help_text="One part named `images` for each file.",
    )
    capture_kinds = serializers.ListField(
        child=ChoiceField(choices=CaptureKind.choices),
        required=False,
        help_text="The kind of each image, in their order; dermoscopic unless said. Only those are judged.",
    )
    dermoscopic_types = serializers.ListField(
        child=ChoiceField(choices=DermoscopicType.choices, allow_blank=True),
        required=False,
        help_text="How each was taken, in the order of the images; empty where it isn't dermoscopic.",
    )
    clinical_question = serializers.CharField(required=False, allow_blank=True, default="")
    clinical_history = serializers.CharField(required=False, allow_blank=True, default="")
    priority = ChoiceField(choices=Priority.choices, default=Priority.ROUTINE)

    def validate_images(self, images: list[Any]) -> list[Any]:
        try:
            check_image_count(len(images))
        except InvalidInputError as error:
            raise serializers.ValidationError(error.message, code=error.code) from error
        return images

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["images"] = _pair(
            attrs["images"], attrs.pop("capture_kinds", None), attrs.pop("dermoscopic_types", None)
        )
        if not ("lesion" in attrs or "patient" in attrs or "patient_mrn" in attrs):
            raise serializers.ValidationError(
                {"patient": "Give lesion, patient or patient_mrn."}, code="required"
            )
        if "lesion" not in attrs and "body_site" not in attrs:
            raise serializers.ValidationError(
                {"body_site": "Give lesion, or body_site for a new one."}, code="required"
            )
        return attrs


def _pair(images: list[Any], kinds: list[str] | None, types: list[str] | None) -> list[SentImage]:
    if images and isinstance(images[0], SentImage):
        return images
    try:
        return pair_images(images, kinds, types, advice=KINDS_ADVICE)
    except InvalidInputError as error:
        raise serializers.ValidationError({error.field: error.message}, code=error.code) from error


# --- Images as base64 ---------------------------------------------------------------------------


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
