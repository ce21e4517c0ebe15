"""Settings of access fail closed: what would open the site in production stops its start."""

import json

import pytest

from portal.trust.accounts.checks import check_required_roles
from tests.portal.accounts.test_login_settings import read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DERMAPORT_MFA_REQUIRED_ROLES", ""),
        ("DERMAPORT_IDLE_MINUTES", "0"),
        ("DERMAPORT_LOCAL_LOGIN", "0"),
        ("DERMAPORT_OIDC_UNKNOWN", "perhaps"),
        ("DERMAPORT_RETENTION_HOURS", "noon"),
    ],
)
def test_what_would_open_production_stops_the_start(name, value):
    done = read_settings(**{name: value})
    assert done.returncode != 0
    assert name in done.stderr


def test_provider_needs_its_client_id():
    done = read_settings(DERMAPORT_OIDC_ISSUER="https://id.example")
    assert "DERMAPORT_OIDC_CLIENT_ID" in done.stderr
    given = {"DERMAPORT_OIDC_ISSUER": "https://id.example", "DERMAPORT_OIDC_CLIENT_ID": "dermaport"}
    assert json.loads(read_settings(**given, DERMAPORT_LOCAL_LOGIN="0").stdout)["DEBUG"] is False


def test_misspelt_role_is_an_error(settings):
    settings.DERMAPORT_MFA_REQUIRED_ROLES = ["dermatologist", "operator"]
    assert check_required_roles() == []
    settings.DERMAPORT_MFA_REQUIRED_ROLES = ["dermatologists"]
    assert [error.id for error in check_required_roles()] == ["accounts.E001"]
