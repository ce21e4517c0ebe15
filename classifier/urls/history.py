from django.urls import path

from classifier.views import (
    api_tokens,
    applications,
    audit_trail,
    dashboard,
    history,
    model_lifecycle,
    model_trials,
    models_page,
    people,
    review,
    service_accounts,
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
    path("settings/tokens/", api_tokens.tokens, name="tokens"),
    path("settings/tokens/revoke/", api_tokens.token_revoke, name="token-revoke"),
    path(
        "settings/tokens/applications/<uuid:pk>/",
        api_tokens.application_withdraw,
        name="application-withdraw",
    ),
    path("settings/clinic/", people.clinic_settings, name="clinic-settings"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/<uuid:pk>/role/", people.person_role, name="person-role"),
    path("settings/people/<uuid:pk>/active/", people.person_active, name="person-active"),
    path("settings/people/<uuid:pk>/link/", people.person_link, name="person-link"),
    path("settings/services/", service_accounts.services, name="services"),
    path("settings/services/<uuid:pk>/", service_accounts.service, name="service"),
    path("settings/services/<uuid:pk>/active/", service_accounts.service_active, name="service-active"),
    path(
        "settings/services/<uuid:pk>/revoke/",
        service_accounts.service_token_revoke,
        name="service-token-revoke",
    ),
    path("settings/applications/", applications.applications, name="applications"),
    path("settings/applications/<uuid:pk>/", applications.application, name="application"),
    path(
        "settings/applications/<uuid:pk>/secret/", applications.application_secret, name="application-secret"
    ),
    path(
        "settings/applications/<uuid:pk>/active/", applications.application_active, name="application-active"
    ),
    path("settings/audit/", audit_trail.audit_trail, name="audit-trail"),
    path("settings/audit/export/", audit_trail.audit_export, name="audit-export"),
]
