"""Blinding in the API: what a clinic keeps from its dermatologists until they have read the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.models import Prediction, Submission


def withhold_prediction(prediction: Prediction) -> None:
    """Blank, in memory, all that says or hints at what the model said."""
    prediction.outcome = prediction.refusal_code = prediction.device = ""
    prediction.probability = prediction.calibrated_probability = prediction.diagnoses = None
    prediction.distance, prediction.is_far = None, False
    prediction.prevalence = prediction.predictive_value = None
    prediction.predictive_low = prediction.predictive_high = None
    # A refused image has neither policy nor timings: their absence would tell.
    prediction.threshold_policy = None
    prediction.timings = {}


def withhold_submission(submission: Submission) -> None:
    for image in submission.images.all():
        image.gated_at = None
        for prediction in image.predictions.all():
            withhold_prediction(prediction)
