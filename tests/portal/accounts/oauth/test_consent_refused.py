"""What never gets to a person's yes."""

import pytest

from portal.trust.accounts.models import OAuthApplication
from tests.support.oauth import AUTHORIZE, ask, returned


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "fhir:read"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_wrong_question_returns_with_an_error(client, person, website, changes, error):
    answer = returned(client.get(AUTHORIZE, ask(website.application, **changes)))
    assert answer["error"] == error
    assert answer["state"] == "xyz"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://records.example/callback/"},
        {"redirect_uri": "https://records.example/callback?more=1"},
        {"redirect_uri": "https://RECORDS.example.evil.example/callback"},
        {"redirect_uri": "http://records.example/callback"},
        {"redirect_uri": "https://records.example@evil.example/callback"},
        {"client_id": "nobody"},
        {"client_id": "\x00"},
    ],
)
def test_wrong_address_or_client_leads_nowhere(client, person, website, changes):
    page = client.get(AUTHORIZE, ask(website.application, **changes))
    assert page.status_code == 400
    assert "can't go on" in page.content.decode()


def test_form_that_was_tampered_with_gives_no_code(client, person, website):
    page = client.get(AUTHORIZE, ask(website.application))
    form = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    form["allow"] = "true"

    for answer in ({}, {"allow": "true"}):
        elsewhere = {**form, "redirect_uri": "https://evil.example/", "allow": "", **answer}
        assert client.post(AUTHORIZE, elsewhere).status_code == 400
    assert client.post(AUTHORIZE, {**form, "client_id": "nobody"}).status_code == 400
    for changes in ({"scope": "fhir:read"}, {"code_challenge_method": "plain"}, {"code_challenge": ""}):
        assert "code" not in returned(client.post(AUTHORIZE, {**form, **changes}))


def test_people_of_other_clinics_and_integrations_are_refused(client, clinics, website):
    for person in (clinics.other.clinician, clinics.own.integration, clinics.outsider, clinics.operator):
        client.force_login(person)
        assert client.get(AUTHORIZE, ask(website.application)).status_code == 403


def test_closed_application_asks_nobody(client, person, website):
    OAuthApplication.objects.update(is_active=False)
    assert client.get(AUTHORIZE, ask(website.application)).status_code == 400
