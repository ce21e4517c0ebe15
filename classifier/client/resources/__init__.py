"""The API's resources, one class each."""

from classifier.client.resources.base import Clinics, ModelVersions, Predictions
from classifier.client.resources.patients import Lesions, Patients
from classifier.client.resources.submissions import ImageFile, Images, Outcomes, Reports, Reviews, Submissions
from classifier.client.resources.webhooks import Webhooks

__all__ = [
    "Clinics",
    "ImageFile",
    "Images",
    "Lesions",
    "ModelVersions",
    "Outcomes",
    "Patients",
    "Predictions",
    "Reports",
    "Reviews",
    "Submissions",
    "Webhooks",
]
