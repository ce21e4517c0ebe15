"""What a program only reads: the networks' answers, the networks, and the clinics."""

from __future__ import annotations

from classifier.client.records import ClinicDetail, ModelVersion, PredictionDetail
from classifier.client.resources.base import Collection


class Predictions(Collection[PredictionDetail]):
    kind, path = PredictionDetail, "predictions"


class ModelVersions(Collection[ModelVersion]):
    kind, path = ModelVersion, "model-versions"


class Clinics(Collection[ClinicDetail]):
    kind, path = ClinicDetail, "clinics"
