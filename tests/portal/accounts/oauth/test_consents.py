"""A person sees what acts for them, and stops it."""

from portal.trust.audit.models import AuditEvent
from tests.support.oauth import agree, call, redeem, refresh

PAGE = "/settings/tokens/"


def test_consent_is_listed_and_withdrawn(client, person, website):
    token = redeem(website, agree(client, website.application)).json()
    assert list(client.get(PAGE).context["consents"]) == [website.application]
    assert "Hospital records" in client.get(PAGE).content.decode()

    answer = client.post(f"{PAGE}applications/{website.application.pk}/")

    assert answer.status_code == 302
    assert call(token["access_token"]).status_code == 401
    assert refresh(website, token["refresh_token"]).status_code == 400
    assert not client.get(PAGE).context["consents"]
    assert AuditEvent.objects.get(action="application.withdrawn").actor == person


def test_consent_of_another_person_is_not_there(client, clinics, person, website):
    redeem(website, agree(client, website.application))
    client.force_login(clinics.own.dermatologist)
    assert client.post(f"{PAGE}applications/{website.application.pk}/").status_code == 404
