"""Serializers of what the model says: versions, predictions, gates and the images they are about."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from classifier.api.listing import ExpandedField
from classifier.api.serializers.patients import LesionReferenceSerializer, PatientSerializer
from classifier.api.withholding import withhold_prediction
from classifier.domain.vocabulary import DermoscopicType, ModelAnswer
from classifier.labels.answers import describe_referral
from classifier.labels.diagnoses import describe_diagnoses
from classifier.labels.probability import describe_worth
from classifier.models import ModelVersion, Prediction, SubmissionImage


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
    distance_most = serializers.FloatField(
        required=False,
        help_text="Farther from what the network learned from, a picture is referred. Absent where it can't tell.",
    )


class RefusalSerializer(serializers.Serializer[Any]):
    """Why an image can't be judged, and what to do about it."""

    code = serializers.CharField(help_text="Stable: `blurred`, `too_dark`, `not_dermoscopic` and others.")
    message = serializers.CharField(help_text="With the number, the limit and what to do.")


class ReferralSerializer(serializers.Serializer[Prediction]):
    """Why the outcome is `refer`, whoever refers."""

    code = serializers.CharField(
        source="referral_code",
        help_text="`policy` (too close to the threshold), `unlike_training` (unlike the pictures it learned from) "
        "or, where the gates refused the image, the code of the first refusal.",
    )
    message = serializers.SerializerMethodField()

    def get_message(self, prediction: Prediction) -> str:
        return describe_referral(prediction)


class PredictiveValueSerializer(serializers.Serializer[Prediction]):
    """What the figure is worth: of the lesions with such a figure, the share that is malignant in this clinic."""

    value = serializers.FloatField(
        source="predictive_value",
        allow_null=True,
        help_text="Null where the network doesn't tell on how many malignant images it was calibrated.",
    )
    low = serializers.FloatField(
        source="predictive_low",
        allow_null=True,
        help_text="The least in hospitals that it never learned from. Null where that isn't known.",
    )
    high = serializers.FloatField(source="predictive_high", allow_null=True, help_text="The most there.")
    prevalence = serializers.FloatField(
        help_text="The share of its lesions that are malignant, as the clinic had set it when the answer came."
    )
    words = serializers.SerializerMethodField(help_text="The same in sentences, as pages and the PDF say it.")

    def get_words(self, prediction: Prediction) -> str:
        return describe_worth(prediction)


class GateSerializer(serializers.Serializer[Any]):
    """What the quality and the domain gate found, before any network saw the image."""

    version = serializers.CharField(source="gate_version")
    figures = serializers.DictField(
        source="gate_figures",
        child=serializers.FloatField(),
        help_text="Each measure, with its limit beside it as `…_least` or `…_most`.",
    )
    refusals = RefusalSerializer(source="gate_refusals", many=True)
    measured_at = serializers.DateTimeField(source="gated_at")


class DiagnosisCodeSerializer(serializers.Serializer[Any]):
    """A code of `isic` (the archive's hierarchy of diagnoses), `icd-10` or `icd-11`."""

    system = serializers.CharField()
    code = serializers.CharField()
    display = serializers.CharField()


class PossibleDiagnosisSerializer(serializers.Serializer[Any]):
    """One diagnosis, or group of diagnoses, that the network tells apart from the others."""

    code = serializers.CharField(
        allow_null=True, help_text="`nv`, `mel`, `bcc`, … Null of a class that the portal has no label for."
    )
    name = serializers.CharField(help_text="As the network's specification calls it.")
    display = serializers.CharField()
    is_malignant = serializers.BooleanField()
    probability = serializers.FloatField(help_text="From 0 to 1; over all diagnoses they add up to 1.")
    codes = DiagnosisCodeSerializer(many=True, help_text="The nearest code of each system, where one fits.")
    members = DiagnosisCodeSerializer(many=True, help_text="Codes of diseases within the group.")


class DiagnosisPolicySerializer(serializers.Serializer[Any]):
    """One stands out from a probability of `top_least`, and up to a share of the entropy of `entropy_most`."""

    version = serializers.CharField()
    top_least = serializers.FloatField()
    entropy_most = serializers.FloatField(allow_null=True)


class PossibleDiagnosesSerializer(serializers.Serializer[Any]):
    """What one image could show, the most probable first."""

    labels = serializers.CharField(help_text="Version of the table of labels and codes.")
    stands_out = serializers.BooleanField(help_text="False: none of them is to be read as the diagnosis.")
    policy = DiagnosisPolicySerializer(help_text="What decided `stands_out`.")
    diagnoses = PossibleDiagnosisSerializer(many=True)


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    """One image judged by one model version."""

    model_version = ModelReferenceSerializer(read_only=True)
    position_in_queue = serializers.SerializerMethodField(
        help_text="How many images go first while this one is queued; 0 is next."
    )
    outcome = serializers.SerializerMethodField(
        help_text="Null until it succeeds. `refer`: the model can't or shouldn't judge this image."
    )
    is_judged = serializers.SerializerMethodField(
        help_text=(
            "True where the model judged the image, be it to refer it; false where the gates refused it. Null "
            "until it succeeds. `referral` says why an image is referred."
        )
    )
    probability = serializers.FloatField(
        source="raw_score",
        read_only=True,
        allow_null=True,
        help_text="Raw P(malignant). Null where the image is refused, or unlike what the network learned from.",
    )
    calibrated_probability = serializers.FloatField(
        source="score",
        read_only=True,
        allow_null=True,
        help_text="The score on which the limits of the policy lie: a share of lesions only among images like "
        "those of the training. What it is worth in the clinic is `predictive_value`.",
    )
    referral = serializers.SerializerMethodField(help_text="Why the outcome is `refer`; null for another.")
    distance = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="From the pictures that the network learned from, which lie at about 1. Null where it can't tell.",
    )
    predictive_value = serializers.SerializerMethodField(help_text="Null where there is no figure.")
    threshold_policy = ThresholdPolicySerializer(
        read_only=True,
        allow_null=True,
        help_text="The policy that made the outcome; null where the gates refused the image.",
    )
    diagnoses = serializers.SerializerMethodField(
        help_text=(
            "What the lesion could be, where the network names diagnoses: the malignant ones add up to "
            "`calibrated_probability`. Null of other networks, and until it succeeds."
        )
    )
    refusals = serializers.SerializerMethodField(
        help_text="Why the gates refused the image: the outcome is then `refer`, without a probability."
    )
    timings = serializers.DictField(
        child=serializers.FloatField(),
        read_only=True,
        help_text="Milliseconds of each step for one image, and the size of its batch.",
    )

    class Meta:
        model = Prediction
        fields = [
            "id",
            "state",
            "position_in_queue",
            "attempt",
            "queued_at",
            "started_at",
            "finished_at",
            "outcome",
            "is_judged",
            "probability",
            "calibrated_probability",
            "threshold_policy",
            "diagnoses",
            "refusals",
            "referral",
            "distance",
            "predictive_value",
            "model_version",
            "device",
            "timings",
            "error_code",
            "error_message",
        ]
        read_only_fields = fields

    def get_position_in_queue(self, prediction: Prediction) -> int | None:
        before: int | None = prediction.waiting_before  # type: ignore[attr-defined]  # annotated by the query
        return before

    @extend_schema_field(serializers.ChoiceField(choices=ModelAnswer.choices, allow_null=True))
    def get_outcome(self, prediction: Prediction) -> str | None:
        return prediction.outcome or None

    def get_is_judged(self, prediction: Prediction) -> bool | None:
        return not prediction.is_refused if prediction.outcome else None

    @extend_schema_field(PossibleDiagnosesSerializer(allow_null=True))
    def get_diagnoses(self, prediction: Prediction) -> dict[str, Any] | None:
        return describe_diagnoses(prediction.could_be)

    @extend_schema_field(ReferralSerializer(allow_null=True))
    def get_referral(self, prediction: Prediction) -> dict[str, Any] | None:
        return dict(ReferralSerializer(prediction).data) if prediction.referral_code else None

    @extend_schema_field(PredictiveValueSerializer(allow_null=True))
    def get_predictive_value(self, prediction: Prediction) -> dict[str, Any] | None:
        is_told = prediction.score is not None and prediction.prevalence is not None
        return dict(PredictiveValueSerializer(prediction).data) if is_told else None

    @extend_schema_field(RefusalSerializer(many=True))
    def get_refusals(self, prediction: Prediction) -> list[dict[str, str]]:
        return prediction.image.gate_refusals if prediction.is_refused else []


class ImageSerializer(serializers.ModelSerializer[SubmissionImage]):
    derivative_url = serializers.SerializerMethodField(
        help_text="The image rebuilt from its pixels, without metadata."
    )
    predictions = PredictionSerializer(
        many=True,
        read_only=True,
        help_text="Oldest first; the last one counts. None of a picture that isn't dermoscopic.",
    )
    quality = serializers.DictField(
        read_only=True, help_text="Figures of intake, for hints while the photo can be taken again."
    )
    dermoscopic_type = serializers.ChoiceField(
        choices=[("", "Not given"), *DermoscopicType.choices],
        read_only=True,
        help_text="How a dermoscopic picture was lit, and whether the dermatoscope touched the skin.",
    )
    gate = serializers.SerializerMethodField(
        help_text="Null until a worker looked at the image, and where the gates are off."
    )

    class Meta:
        model = SubmissionImage
        fields = [
            "id",
            "position",
            "original_name",
            "sha256",
            "format",
            "byte_size",
            "width",
            "height",
            "capture_kind",
            "dermoscopic_type",
            "quality",
            "gate",
            "derivative_url",
            "predictions",
        ]
        read_only_fields = fields

    @extend_schema_field(GateSerializer(allow_null=True))
    def get_gate(self, image: SubmissionImage) -> dict[str, Any] | None:
        return None if image.gated_at is None else dict(GateSerializer(image).data)

    @extend_schema_field(OpenApiTypes.URI)
    def get_derivative_url(self, image: SubmissionImage) -> str:
        return reverse("api-image-derivative", [image.pk], request=self.context["request"])


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
