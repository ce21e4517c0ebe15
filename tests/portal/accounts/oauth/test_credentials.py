"""Client credentials: a system acts by itself, as a service account of its clinic."""

import pytest

from portal.trust.audit.models import AuditEvent
from tests.support.oauth import TOKEN, ask_by_itself, call


def test_system_acts_as_its_service_account(clinics, service, system):
    answer = ask_by_itself(system, scope="submissions:read").json()

    assert "refresh_token" not in answer
    me = call(answer["access_token"]).json()
    assert me["id"] == str(service.user_id)
    assert [row["role"] for row in me["memberships"]] == ["integration"]
    assert call(answer["access_token"], "/api/v1/submissions/").status_code == 200
    assert call(answer["access_token"], "/api/v1/patients/").status_code == 403
    assert AuditEvent.objects.get(action="application.token_issued").actor == service.user


def test_basic_authentication_is_taken(client, system):
    import base64

    pair = f"{system.application.client_id}:{system.secret}"
    header = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    assert client.post(TOKEN, {"grant_type": "client_credentials"}, headers=header).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_secret": "dps_wrong"}, 401),
        ({"client_id": "nobody"}, 401),
        ({"scope": "fhir:read"}, 400),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, 400),
    ],
)
def test_wrong_question_is_refused(system, changes, status):
    assert ask_by_itself(system, **changes).status_code == status


def test_website_cannot_act_by_itself(website):
    assert ask_by_itself(website).json()["error"] == "unauthorized_client"


def test_flood_is_stopped(system, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "oauth": "2/m/ip"}
    answers = [ask_by_itself(system).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
