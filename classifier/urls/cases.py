"""Home, patients, lesions, submissions and their pictures."""

from django.urls import path

from classifier.views import (
    explanation,
    home,
    image_check,
    images,
    lesions,
    outcomes,
    patients,
    submission_actions,
    submission_detail,
    submission_new,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("home/columns/", home.home_columns, name="home-columns"),
    path("patients/", patients.patient_list, name="patient-list"),
    path("patients/<uuid:pk>/", patients.patient_detail, name="patient-detail"),
    path("patients/<uuid:pk>/edit/", patients.patient_edit, name="patient-edit"),
    path("lesions/<uuid:pk>/", lesions.lesion_detail, name="lesion-detail"),
    path("lesions/<uuid:pk>/outcomes/new/", outcomes.outcome_new, name="outcome-new"),
    path("outcomes/<uuid:pk>/correct/", outcomes.outcome_correct, name="outcome-correct"),
    path("submissions/new/", submission_new.submission_new, name="submission-new"),
    path("submissions/new/patients/", submission_new.find_patient, name="submission-find-patient"),
    path("submissions/new/lesions/<uuid:pk>/", submission_new.list_lesions, name="submission-lesions"),
    path("submissions/new/image/", image_check.check_image, name="submission-check-image"),
    path("submissions/<uuid:pk>/", submission_detail.submission_detail, name="submission-detail"),
    path("submissions/<uuid:pk>/status/", submission_detail.submission_status, name="submission-status"),
    path("submissions/<uuid:pk>/cancel/", submission_actions.submission_cancel, name="submission-cancel"),
    path("submissions/<uuid:pk>/retry/", submission_actions.submission_retry, name="submission-retry"),
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
    path("images/<uuid:pk>/", images.image_derivative, name="image-derivative"),
    path("images/<uuid:pk>/thumbnail/", images.image_thumbnail, name="image-thumbnail"),
]
