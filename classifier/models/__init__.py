from classifier.models.explanation import Explanation
from classifier.models.idempotent_request import IdempotentRequest
from classifier.models.lesion import Lesion
from classifier.models.model_version import ModelVersion
from classifier.models.outcome import Outcome
from classifier.models.patient import Patient
from classifier.models.prediction import Prediction
from classifier.models.request_count import RequestCount
from classifier.models.review import Review
from classifier.models.submission import Submission
from classifier.models.submission_image import SubmissionImage

__all__ = [
    "Explanation",
    "IdempotentRequest",
    "Lesion",
    "ModelVersion",
    "Outcome",
    "Patient",
    "Prediction",
    "RequestCount",
    "Review",
    "Submission",
    "SubmissionImage",
]
