"""Closing an account or an application shuts a system out."""

from portal.trust.accounts.oauth.applications import set_application_active
from portal.trust.accounts.people.service_accounts import set_service_active
from portal.trust.audit.models import AuditEvent
from tests.support.oauth import ask_by_itself, call


def test_closing_the_account_shuts_the_system_out(clinics, service, system):
    token = ask_by_itself(system).json()["access_token"]
    set_service_active(actor=clinics.own.administrator, membership=service, is_active=False)
    assert call(token).status_code == 401
    assert ask_by_itself(system).status_code == 401


def test_closing_the_application_shuts_it_out(clinics, system):
    token = ask_by_itself(system).json()["access_token"]
    set_application_active(actor=clinics.own.administrator, application=system.application, is_active=False)
    assert call(token).status_code == 401
    assert ask_by_itself(system).status_code == 401
    assert AuditEvent.objects.get(action="application.deactivated").details == {"tokens_revoked": 1}
