from django.urls import path

from classifier.views import (
    audit_trail,
    dashboard,
    history,
    model_lifecycle,
    model_trials,
    models_page,
    people,
    review,
    settings,
    worklist,
)

urlpatterns = [
    path("submissions/", history.submission_list, name="submission-list"),
    path("submissions/search/", history.submission_search, name="submission-search"),
    path("submissions/export/", history.submission_export, name="submission-export"),
    path("submissions/<uuid:pk>/review/", review.submission_review, name="submission-review"),
    path("submissions/<uuid:pk>/amend/", review.submission_amend, name="submission-amend"),
    path("worklist/", worklist.worklist, name="worklist"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("models/", models_page.model_list, name="model-list"),
    path("models/<uuid:version>/lifecycle/", model_lifecycle.model_lifecycle, name="model-lifecycle"),
    path("models/<uuid:version>/trial/", model_trials.model_trial, name="model-trial"),
    path("models/<uuid:version>/trial/export/", model_trials.model_trial_export, name="model-trial-export"),
    path("settings/", settings.settings, name="settings"),
    path("settings/name/", settings.settings_name, name="settings-name"),
    path("settings/tokens/", settings.token_create, name="token-create"),
    path("settings/tokens/revoke/", settings.token_revoke, name="token-revoke"),
    path("settings/clinic/", people.clinic_settings, name="clinic-settings"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/<uuid:pk>/role/", people.person_role, name="person-role"),
    path("settings/people/<uuid:pk>/active/", people.person_active, name="person-active"),
    path("settings/people/<uuid:pk>/link/", people.person_link, name="person-link"),
    path("settings/audit/", audit_trail.audit_trail, name="audit-trail"),
    path("settings/audit/export/", audit_trail.audit_export, name="audit-export"),
]
