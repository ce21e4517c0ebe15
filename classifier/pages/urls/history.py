"""Addresses of the history, the worklist, reading, models and the settings."""

from django.urls import path

from classifier.pages import (
    audit_log,
    dashboard,
    emergency_access,
    history,
    integrations,
    model_versions,
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
    path("submissions/<uuid:pk>/claim/", review.submission_claim, name="submission-claim"),
    path("worklist/", worklist.worklist, name="worklist"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("models/", model_versions.model_list, name="model-list"),
    path("models/<uuid:version>/lifecycle/", model_versions.model_lifecycle, name="model-lifecycle"),
    path("models/<uuid:version>/trial/", model_versions.model_trial, name="model-trial"),
    path("models/<uuid:version>/trial/export/", model_versions.model_trial_export, name="model-trial-export"),
    path("settings/", settings.settings, name="settings"),
    path("settings/you/", settings.profile, name="profile"),
    path("settings/interfaces/", integrations.interfaces, name="interfaces"),
    path("settings/interfaces/fhir/", integrations.interfaces_fhir, name="interfaces-fhir"),
    path("settings/name/", settings.settings_name, name="settings-name"),
    path("settings/tokens/", integrations.tokens, name="tokens"),
    path("settings/tokens/revoke/", integrations.token_revoke, name="token-revoke"),
    path(
        "settings/tokens/applications/<uuid:pk>/",
        integrations.application_withdraw,
        name="application-withdraw",
    ),
    path("settings/clinic/", people.clinic_settings, name="clinic-settings"),
    path("settings/deadlines/", settings.targets, name="targets"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/<uuid:pk>/role/", people.person_role, name="person-role"),
    path("settings/people/<uuid:pk>/active/", people.person_active, name="person-active"),
    path("settings/people/<uuid:pk>/leave/", people.person_leave, name="person-leave"),
    path("settings/people/<uuid:pk>/end/", people.person_end, name="person-end"),
    path("settings/people/<uuid:pk>/link/", people.person_link, name="person-link"),
    path("settings/invitations/", people.invitations, name="invitations"),
    path("settings/invitations/<uuid:pk>/resend/", people.invitation_resend, name="invitation-resend"),
    path(
        "settings/invitations/<uuid:pk>/withdraw/",
        people.invitation_withdraw,
        name="invitation-withdraw",
    ),
    path("settings/emergencies/", emergency_access.emergency_list, name="emergency-list"),
    path(
        "settings/emergencies/<uuid:pk>/acknowledge/",
        emergency_access.emergency_acknowledge,
        name="emergency-acknowledge",
    ),
    path("settings/people/<uuid:pk>/second-factor/", people.person_factor_reset, name="person-factor-reset"),
    path("settings/services/", integrations.services, name="services"),
    path("settings/services/<uuid:pk>/", integrations.service, name="service"),
    path("settings/services/<uuid:pk>/active/", integrations.service_active, name="service-active"),
    path(
        "settings/services/<uuid:pk>/revoke/",
        integrations.service_token_revoke,
        name="service-token-revoke",
    ),
    path("settings/applications/", integrations.applications, name="applications"),
    path("settings/applications/<uuid:pk>/", integrations.application, name="application"),
    path(
        "settings/applications/<uuid:pk>/secret/", integrations.application_secret, name="application-secret"
    ),
    path(
        "settings/applications/<uuid:pk>/active/", integrations.application_active, name="application-active"
    ),
    path("settings/audit/", audit_log.audit_log, name="audit-trail"),
    path("settings/audit/export/", audit_log.audit_export, name="audit-export"),
]
