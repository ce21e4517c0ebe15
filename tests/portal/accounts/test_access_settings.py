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
        ("DERMAPORT_LOGIN_RATE", "ten"),
        ("DERMAPORT_LOGIN_RATE", "30/m/ip,10/m/key"),
        ("DERMAPORT_BEHIND_PROXY", "1"),
        ("DERMAPORT_S3_ENDPOINT", "https://files.example"),
    ],
)
def test_what_would_open_production_stops_the_start(name, value):
    done = read_settings(**{name: value})
    assert done.returncode != 0
    assert name in done.stderr


@pytest.mark.parametrize(("was", "now", "starts"), [("1", "0", False), ("1", "", False), ("0", "", True)])
def test_what_became_of_a_former_proxy_is_said(was, now, starts):
    """None in front is what zero proxies say, too: a redirect would never end."""
    done = read_settings(DERMAPORT_BEHIND_PROXY=was, DERMAPORT_TRUSTED_PROXIES=now)
    assert (done.returncode == 0) == starts
    assert starts or "DERMAPORT_TRUSTED_PROXIES instead of DERMAPORT_BEHIND_PROXY" in done.stderr


def test_failed_log_ins_are_a_third_of_all():
    found = json.loads(read_settings("DERMAPORT_LOGIN_FAILED_RATE").stdout)
    assert found == {"DERMAPORT_LOGIN_FAILED_RATE": "10/m/ip"}
    found = json.loads(
        read_settings("DERMAPORT_LOGIN_FAILED_RATE", DERMAPORT_LOGIN_RATE="300/m/ip, 2/10s").stdout
    )
    assert found == {"DERMAPORT_LOGIN_FAILED_RATE": "100/m/ip,1/10s"}


def test_production_logs_one_json_object_a_line():
    lines = json.loads(read_settings("LOGGING").stdout)["LOGGING"]["formatters"]["line"]["processors"]
    assert "JSONRenderer" in lines[-1]


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
