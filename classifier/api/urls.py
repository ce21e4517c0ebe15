"""The REST API, version 1. What stands here is a promise to integrators."""

from django.urls import path, re_path

from classifier.api.views import docs, images, patients, site, submissions, tokens

urlpatterns = [
    path("token/", tokens.TokenView.as_view(), name="api-token"),
    path("me/", site.Me.as_view(), name="api-me"),
    path("submissions/", submissions.SubmissionList.as_view(), name="api-submissions"),
    path("submissions/<uuid:pk>/", submissions.SubmissionDetail.as_view(), name="api-submission"),
    path(
        "submissions/<uuid:pk>/status/",
        submissions.SubmissionStatus.as_view(),
        name="api-submission-status",
    ),
    path(
        "submissions/<uuid:pk>/cancel/",
        submissions.SubmissionCancel.as_view(),
        name="api-submission-cancel",
    ),
    path("images/<uuid:pk>/derivative/", images.ImageDerivative.as_view(), name="api-image-derivative"),
    path("patients/", patients.PatientList.as_view(), name="api-patients"),
    path("patients/<uuid:pk>/", patients.PatientDetail.as_view(), name="api-patient"),
    path("lesions/", patients.LesionList.as_view(), name="api-lesions"),
    path("lesions/<uuid:pk>/", patients.LesionDetail.as_view(), name="api-lesion"),
    path("model-versions/", site.ModelVersionList.as_view(), name="api-model-versions"),
    path("schema/", docs.Schema.as_view(), name="api-schema"),
    path("errors/", docs.Errors.as_view(), name="api-errors"),
    path("docs/", docs.Docs.as_view(), name="api-docs"),
    re_path(r"", site.Unknown.as_view(), name="api-unknown"),
]
