"""Models: the tables of the clinical product, each with its constraints."""

from classifier.models.lesion import Lesion
from classifier.models.model_version import ModelVersion
from classifier.models.outcome import Outcome
from classifier.models.outline import Outline, OutlineNetwork
from classifier.models.patient import Patient
from classifier.models.prediction import Explanation, Prediction
from classifier.models.privacy import Consent, EmergencyAccess, FileRemoval, RefusedEmergency
from classifier.models.reading import Reading
from classifier.models.requests import IdempotentRequest, RequestCount
from classifier.models.review import Acknowledgement, ReadingClaim, Review
from classifier.models.submission import Submission, SubmissionImage
from classifier.models.webhook import WebhookDelivery, WebhookEndpoint, WebhookEvent

__all__ = [
    "Acknowledgement",
    "Consent",
    "EmergencyAccess",
    "Explanation",
    "FileRemoval",
    "IdempotentRequest",
    "Lesion",
    "ModelVersion",
    "Outcome",
    "Outline",
    "OutlineNetwork",
    "Patient",
    "Prediction",
    "Reading",
    "ReadingClaim",
    "RefusedEmergency",
    "RequestCount",
    "Review",
    "Submission",
    "SubmissionImage",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
