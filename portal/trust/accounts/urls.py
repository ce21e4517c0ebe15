"""Addresses of log-in and of the account."""

from django.urls import include, path

from portal.trust.accounts import views
from portal.trust.accounts.login.sso import views as sso_views
from portal.trust.accounts.people import invitation_views
from portal.trust.accounts.sessions import views as session_views

urlpatterns = [
    path("", include("portal.trust.accounts.oauth.urls")),
    path("clinic/", views.clinic_switch, name="clinic-switch"),
    path("theme/", views.theme, name="theme"),
    path("invitation/", invitation_views.invitation_open, name="invitation-open"),
    path("invitation/accept/", invitation_views.invitation_accept, name="invitation-accept"),
    path("accounts/sessions/", session_views.sessions, name="sessions"),
    path("accounts/sessions/end/", session_views.session_end, name="session-end"),
    path("accounts/session/", session_views.session_status, name="session-status"),
    path("accounts/oidc/login/", sso_views.sso_login, name="sso-login"),
    path("accounts/oidc/login/callback/", sso_views.sso_callback, name="sso-callback"),
    path("accounts/session/back/", session_views.session_back, name="session-back"),
]
