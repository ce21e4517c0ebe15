"""The page on which a person agrees, and what never gets that far."""

from portal.trust.audit.models import AuditEvent
from tests.support.oauth import AUTHORIZE, RETURN, agree, ask, redeem, register, returned


def test_page_says_in_words_what_is_asked(client, person, website):
    page = client.get(AUTHORIZE, ask(website.application))

    words = page.content.decode()
    assert "Hospital records" in words
    assert "Read cases with their images, results and reports" in words
    assert "Read patients" not in words
    assert RETURN in words
    assert "<script" not in words.split("<body")[1]
    assert "form-action 'self' https://records.example;" in page["Content-Security-Policy"] + ";"


def test_without_scopes_it_asks_for_all_of_its_own(client, person, website):
    page = client.get(AUTHORIZE, ask(website.application, scope=None)).content.decode()
    assert "Read patients" in page


def test_refusing_returns_without_a_code(client, person, website):
    page = client.get(AUTHORIZE, ask(website.application))
    form = {name: value for name, value in page.context["form"].initial.items() if value is not None}

    answer = returned(client.post(AUTHORIZE, form))

    assert answer["error"] == "access_denied"
    assert answer["state"] == "xyz"
    assert "code" not in answer
    assert AuditEvent.objects.filter(action="application.declined", actor=person).count() == 1


def test_nobody_logs_in_first(client, website):
    answer = client.get(AUTHORIZE, ask(website.application))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")


def test_app_on_a_device_returns_to_any_port_and_has_no_secret(client, clinics, person):
    app = register(clinics.own, "device", redirect_uris="http://127.0.0.1/back")
    assert app.secret == ""
    page = client.get(AUTHORIZE, ask(app.application, redirect_uri="http://127.0.0.1:49152/back"))
    assert page.status_code == 200
    assert "http://127.0.0.1:*" in page["Content-Security-Policy"]
    wrong = client.get(
        AUTHORIZE, ask(app.application, redirect_uri="http://127.0.0.1:1/back", scope="fhir:read")
    )
    assert returned(wrong)["error"] == "invalid_scope"


def test_client_cannot_skip_the_page(client, person, website):
    redeem(website, agree(client, website.application))
    page = client.get(AUTHORIZE, ask(website.application, approval_prompt="auto"))
    assert page.status_code == 200
    assert "Let it in" in page.content.decode()
