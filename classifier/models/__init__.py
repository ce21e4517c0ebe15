from classifier.models.acknowledgement import Acknowledgement
from classifier.models.consent import Consent
from classifier.models.emergency_access import EmergencyAccess, RefusedEmergency
from classifier.models.explanation import Explanation
from classifier.models.file_removal import FileRemoval
from classifier.models.idempotent_request import IdempotentRequest
from classifier.models.lesion import Lesion
from classifier.models.model_version import ModelVersion
from classifier.models.outcome import Outcome
from classifier.models.patient import Patient
from classifier.models.prediction import Prediction
from classifier.models.reading import Reading
from classifier.models.reading_claim import ReadingClaim
from classifier.models.request_count import RequestCount
from classifier.models.review import Review
from classifier.models.submission import Submission
from classifier.models.submission_image import SubmissionImage
from classifier.models.webhook_delivery import WebhookDelivery
from classifier.models.webhook_endpoint import WebhookEndpoint
from classifier.models.webhook_event import WebhookEvent

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
