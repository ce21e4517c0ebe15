"""What the API answers with, each record named as its component in the OpenAPI schema."""

from classifier.client.records.cases import (
    Accepted,
    Gate,
    Image,
    Notice,
    Status,
    Submission,
    SubmissionExpanded,
)
from classifier.client.records.findings import (
    Outcome,
    OutcomeExpanded,
    Review,
    ReviewExpanded,
    ReviewReference,
)
from classifier.client.records.patients import (
    Lesion,
    LesionExpanded,
    LesionReference,
    Patient,
    PatientExpanded,
    PatientReference,
)
from classifier.client.records.people import Clinic, ClinicDetail, Me, Membership, Person
from classifier.client.records.predictions import (
    ModelReference,
    ModelVersion,
    Prediction,
    PredictionDetail,
    PredictionExpanded,
    Refusal,
    ThresholdPolicy,
)
from classifier.client.records.privacy import Consent, Consents, Erased
from classifier.client.records.standing import Acknowledgement, Order, ReadingClaim, Standing
from classifier.client.records.webhooks import IssuedWebhook, Webhook, WebhookDelivery, WebhookEvent

__all__ = [
    "Accepted",
    "Acknowledgement",
    "Clinic",
    "ClinicDetail",
    "Consent",
    "Consents",
    "Erased",
    "Gate",
    "Image",
    "IssuedWebhook",
    "Lesion",
    "LesionExpanded",
    "LesionReference",
    "Me",
    "Membership",
    "ModelReference",
    "ModelVersion",
    "Notice",
    "Order",
    "Outcome",
    "OutcomeExpanded",
    "Patient",
    "PatientExpanded",
    "PatientReference",
    "Person",
    "Prediction",
    "PredictionDetail",
    "PredictionExpanded",
    "ReadingClaim",
    "Refusal",
    "Review",
    "ReviewExpanded",
    "ReviewReference",
    "Standing",
    "Status",
    "Submission",
    "SubmissionExpanded",
    "ThresholdPolicy",
    "Webhook",
    "WebhookDelivery",
    "WebhookEvent",
]
