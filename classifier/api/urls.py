"""The REST API, version 1. What stands here is a promise to integrators."""

from django.urls import path, re_path

from classifier.api.views import files, patients, reviews, site, submissions, webhooks

urlpatterns = [
    path("token/", site.ApiTokenView.as_view(), name="api-token"),
    path("me/", site.MeView.as_view(), name="api-me"),
    path("submissions/", submissions.SubmissionList.as_view(), name="api-submissions"),
    path("submissions/<uuid:pk>/", submissions.SubmissionDetail.as_view(), name="api-submission"),
    path(
        "submissions/<uuid:pk>/status/",
        submissions.SubmissionStatus.as_view(),
        name="api-submission-status",
    ),
    path(
        "submissions/<uuid:pk>/report/",
        files.SubmissionReport.as_view(),
        name="api-submission-report",
    ),
    path(
        "submissions/<uuid:pk>/cancel/",
        submissions.SubmissionCancel.as_view(),
        name="api-submission-cancel",
    ),
    path("submissions/<uuid:pk>/claim/", submissions.SubmissionClaim.as_view(), name="api-submission-claim"),
    path(
        "submissions/<uuid:pk>/acknowledgements/",
        submissions.SubmissionAcknowledgements.as_view(),
        name="api-submission-acknowledgements",
    ),
    path(
        "submissions/<uuid:pk>/acknowledgements/<uuid:acknowledgement>/",
        submissions.SubmissionAcknowledgement.as_view(),
        name="api-submission-acknowledgement",
    ),
    path("images/<uuid:pk>/derivative/", files.ImageDerivative.as_view(), name="api-image-derivative"),
    path("images/<uuid:pk>/outline/", files.ImageOutline.as_view(), name="api-image-outline"),
    path("images/<uuid:pk>/dicom/", files.ImageDicom.as_view(), name="api-image-dicom"),
    path("patients/", patients.PatientList.as_view(), name="api-patients"),
    path("patients/<uuid:pk>/", patients.PatientDetail.as_view(), name="api-patient"),
    path("patients/<uuid:pk>/consents/", patients.PatientConsents.as_view(), name="api-patient-consents"),
    path("patients/<uuid:pk>/archive/", patients.PatientArchive.as_view(), name="api-patient-archive"),
    path("patients/<uuid:pk>/erase/", patients.PatientErase.as_view(), name="api-patient-erase"),
    path("lesions/", patients.LesionList.as_view(), name="api-lesions"),
    path("lesions/<uuid:pk>/", patients.LesionDetail.as_view(), name="api-lesion"),
    path("predictions/", submissions.PredictionList.as_view(), name="api-predictions"),
    path("predictions/<uuid:pk>/", submissions.PredictionDetail.as_view(), name="api-prediction"),
    path("reviews/", reviews.ReviewList.as_view(), name="api-reviews"),
    path("reviews/<uuid:pk>/", reviews.ReviewDetail.as_view(), name="api-review"),
    path("reviews/<uuid:pk>/amend/", reviews.ReviewAmend.as_view(), name="api-review-amend"),
    path("outcomes/", reviews.OutcomeList.as_view(), name="api-outcomes"),
    path("outcomes/<uuid:pk>/", reviews.OutcomeDetail.as_view(), name="api-outcome"),
    path("outcomes/<uuid:pk>/correct/", reviews.OutcomeCorrect.as_view(), name="api-outcome-correct"),
    path("clinics/", site.ClinicList.as_view(), name="api-clinics"),
    path("clinics/<uuid:pk>/", site.ClinicDetailView.as_view(), name="api-clinic"),
    path("model-versions/<uuid:version>/", site.ModelVersionDetail.as_view(), name="api-model-version"),
    path("model-versions/", site.ModelVersionList.as_view(), name="api-model-versions"),
    path("webhooks/", webhooks.WebhookList.as_view(), name="api-webhooks"),
    path("webhooks/<uuid:pk>/", webhooks.WebhookDetail.as_view(), name="api-webhook"),
    path("webhooks/<uuid:pk>/secret/", webhooks.WebhookSecret.as_view(), name="api-webhook-secret"),
    path("webhooks/<uuid:pk>/test/", webhooks.WebhookTest.as_view(), name="api-webhook-test"),
    path(
        "webhooks/<uuid:pk>/deliveries/",
        webhooks.WebhookDeliveryList.as_view(),
        name="api-webhook-deliveries",
    ),
    path(
        "webhook-deliveries/<uuid:pk>/redeliver/",
        webhooks.WebhookRedeliver.as_view(),
        name="api-webhook-redeliver",
    ),
    path("schema/", site.Schema.as_view(), name="api-schema"),
    path("errors/", site.Errors.as_view(), name="api-errors"),
    path("docs/", site.Docs.as_view(), name="api-docs"),
    re_path(r"", site.UnknownApiAddress.as_view(), name="api-unknown"),
]
