"""Home, patients, lesions, submissions and their pictures."""

from django.urls import path

from classifier.pages import (
    emergency_access,
    explanation,
    files,
    histopathology,
    home,
    lesions,
    new_submission,
    patients,
    privacy,
    submission,
)
from classifier.pages import privacy as erasure

urlpatterns = [
    path("", home.home, name="home"),
    path("home/columns/", home.home_columns, name="home-columns"),
    path("patients/", patients.patient_list, name="patient-list"),
    path("patients/<uuid:pk>/", patients.patient_detail, name="patient-detail"),
    path("patients/<uuid:pk>/edit/", patients.patient_edit, name="patient-edit"),
    path("patients/<uuid:pk>/privacy/", privacy.patient_privacy, name="patient-privacy"),
    path("patients/<uuid:pk>/consent/", privacy.patient_consent, name="patient-consent"),
    path("patients/<uuid:pk>/hold/", privacy.patient_hold, name="patient-hold"),
    path("patients/<uuid:pk>/archive/", privacy.patient_archive, name="patient-archive"),
    path("patients/<uuid:pk>/erase/", erasure.patient_erase, name="patient-erase"),
    path("settings/retention/", erasure.retention, name="retention"),
    path("lesions/<uuid:pk>/", lesions.lesion_detail, name="lesion-detail"),
    path("lesions/<uuid:pk>/outcomes/new/", histopathology.outcome_new, name="outcome-new"),
    path("outcomes/<uuid:pk>/correct/", histopathology.outcome_correct, name="outcome-correct"),
    path("submissions/new/", new_submission.submission_new, name="submission-new"),
    path("submissions/new/patients/", new_submission.find_patient, name="submission-find-patient"),
    path("submissions/new/lesions/<uuid:pk>/", new_submission.list_lesions, name="submission-lesions"),
    path("submissions/new/draft/", new_submission.open_draft, name="submission-draft"),
    path("submissions/new/image/", new_submission.check_image, name="submission-check-image"),
    path("submissions/<uuid:pk>/", submission.submission_detail, name="submission-detail"),
    path("submissions/<uuid:pk>/status/", submission.submission_status, name="submission-status"),
    path("submissions/<uuid:pk>/report/", files.submission_report, name="submission-report"),
    path("submissions/<uuid:pk>/cancel/", submission.submission_cancel, name="submission-cancel"),
    path("submissions/<uuid:pk>/order/", submission.submission_order, name="submission-order"),
    path("submissions/<uuid:pk>/take-over/", submission.submission_take_over, name="submission-take-over"),
    path(
        "acknowledgements/<uuid:pk>/take-back/",
        submission.acknowledgement_take_back,
        name="acknowledgement-take-back",
    ),
    path("submissions/<uuid:pk>/retry/", submission.submission_retry, name="submission-retry"),
    path(
        "predictions/<uuid:pk>/explanation/",
        explanation.prediction_explanation,
        name="prediction-explanation",
    ),
    path(
        "predictions/<uuid:pk>/explanation/overlay/",
        explanation.explanation_overlay,
        name="explanation-overlay",
    ),
    path("emergency/", emergency_access.emergency_open, name="emergency-open"),
    path("emergency/<uuid:pk>/end/", emergency_access.emergency_end, name="emergency-end"),
    path("images/<uuid:pk>/", files.image_derivative, name="image-derivative"),
    path("images/<uuid:pk>/dicom/", files.image_dicom, name="image-dicom"),
    path("images/<uuid:pk>/thumbnail/", files.image_thumbnail, name="image-thumbnail"),
]
