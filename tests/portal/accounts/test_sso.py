"""Single sign-on against a real OpenID provider in a process of its own, over real HTTP."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount

from portal.settings.access import describe_provider
from portal.trust.accounts.models import Membership, User
from portal.trust.audit.models import AuditEvent
from tests.factories import PASSWORD, UserFactory, staff_clinic
from tests.support.oidc_provider import OIDCProviderProcess, Visitor
from tests.support.second_factor import set_up_app

pytestmark = pytest.mark.django_db(transaction=True)
LOGIN = "/accounts/oidc/login/"


@pytest.fixture(scope="module")
def provider():
    process = OIDCProviderProcess()
    process.start()
    yield process
    process.stop()


@pytest.fixture
def site(live_server, settings, provider):
    settings.DERMAPORT_OIDC_ISSUER = provider.issuer
    settings.DERMAPORT_OIDC_NAME = "Harbour Trust"
    settings.SOCIALACCOUNT_PROVIDERS = describe_provider(
        provider.issuer, "dermaport", "hush", "Harbour Trust"
    )
    return live_server.url


@pytest.fixture
def person(provider):
    user = staff_clinic().clinician
    provider.set_person("ada", email=user.email, email_verified=True, name="Ada Lindqvist")
    return user


def come_in(site, provider, subject="ada", next_url=""):
    visitor = Visitor(site)
    start = visitor.client.get(LOGIN + (f"?next={next_url}" if next_url else ""))
    return visitor, visitor.get(provider.consent(start.headers["Location"], subject))


def reasons():
    events = AuditEvent.objects.filter(action__startswith="user.sso_")
    return [(event.action, event.details.get("reason")) for event in events.order_by("position")]


def test_person_comes_in_by_their_verified_address(site, provider, person):
    visitor, page = come_in(site, provider, next_url="/submissions/")

    assert visitor.is_logged_in
    assert page.url.path == "/submissions/"
    link = SocialAccount.objects.get()
    assert (link.user, link.provider, link.uid, link.extra_data) == (person, "sso", "ada", {})
    assert reasons() == [("user.sso_linked", None)]
    come_in(site, provider)
    assert SocialAccount.objects.count() == 1


def test_request_carries_pkce_nonce_and_state(site, provider, person):
    answer = Visitor(site).client.get(LOGIN)
    sent = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert sent["response_type"] == ["code"]
    assert sent["code_challenge_method"] == ["S256"]
    assert sent["redirect_uri"] == [f"{site}/accounts/oidc/login/callback/"]
    assert {"code_challenge", "nonce", "state"} <= set(sent)
    assert answer.headers["Location"].startswith(provider.issuer)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"email_verified": False}, "email_unverified"),
        ({"email_verified": None}, "email_unverified"),
        ({"email": ""}, "email_missing"),
        ({"email": "stranger@clinic.example"}, "unknown_person"),
    ],
)
def test_refused_by_what_the_provider_says(site, provider, person, claims, reason):
    provider.set_person("ada", **{"email": person.email, "email_verified": True, **claims})
    visitor, page = come_in(site, provider)
    assert page.status_code == 403
    assert not visitor.is_logged_in
    assert reasons() == [("user.sso_refused", reason)]
    assert not User.objects.filter(email="stranger@clinic.example").exists()
    assert not SocialAccount.objects.exists()


def test_deactivated_person_is_refused(site, provider, person):
    person.is_active = False
    person.save()
    visitor, page = come_in(site, provider)
    assert "switched off" in page.text
    assert not visitor.is_logged_in
    assert reasons() == [("user.sso_refused", "inactive")]


def test_domains_narrow_who_comes_in(site, provider, person, settings):
    settings.DERMAPORT_OIDC_DOMAINS = ["harbour.example"]
    assert come_in(site, provider)[1].status_code == 403
    settings.DERMAPORT_OIDC_DOMAINS = ["Clinic.example"]
    assert come_in(site, provider)[0].is_logged_in
    assert reasons()[0] == ("user.sso_refused", "domain_not_allowed")


def test_unknown_person_is_created_without_a_clinic_where_the_setting_says_so(site, provider, settings):
    settings.DERMAPORT_OIDC_UNKNOWN = "create"
    provider.set_person("new", email="new@clinic.example", email_verified=True, name="Nils Ny")
    visitor, page = come_in(site, provider, "new")
    created = User.objects.get(email="new@clinic.example")
    assert visitor.is_logged_in
    assert page.status_code == 403, "the page that says: ask an administrator"
    assert created.full_name == "Nils Ny"
    assert not created.has_usable_password()
    assert not Membership.objects.filter(user=created).exists()


def test_address_that_moved_to_somebody_else_opens_nothing(site, provider, person):
    come_in(site, provider)
    provider.set_person("bea", email=person.email, email_verified=True)
    visitor, page = come_in(site, provider, "bea")
    assert not visitor.is_logged_in
    assert "another identity" in page.text
    other = UserFactory()
    provider.set_person("ada", email=other.email, email_verified=True)
    assert not come_in(site, provider)[0].is_logged_in


def tamper(address, **changes):
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return parts._replace(query=urlencode(query)).geturl()


def test_made_up_state_and_foreign_session_are_refused(site, provider, person):
    visitor = Visitor(site)
    back = provider.consent(visitor.client.get(LOGIN).headers["Location"], "ada")
    stranger = Visitor(site)
    for who, address in ((visitor, tamper(back, state="made-up")), (stranger, back)):
        assert who.get(address).status_code == 403
        assert not who.is_logged_in
    assert visitor.get(back).status_code == 200
    assert visitor.is_logged_in
    assert stranger.get(back).status_code == 403, "a state works once"


def test_token_made_for_another_nonce_is_refused(site, provider, person):
    visitor = Visitor(site)
    start = visitor.client.get(LOGIN).headers["Location"]
    back = provider.consent(tamper(start, nonce="of-another-log-in"), "ada")
    assert visitor.get(back).status_code == 403
    assert not visitor.is_logged_in
    assert reasons() == [("user.sso_failed", "OAuth2Error")]


def test_made_up_code_and_refusal_at_the_provider_come_back_in_words(site, provider, person):
    for changes in ({"code": "made-up"}, {"error": "access_denied"}):
        visitor = Visitor(site)
        back = tamper(provider.consent(visitor.client.get(LOGIN).headers["Location"], "ada"), **changes)
        page = visitor.get(back)
        assert page.status_code == 403
        assert "Start again" in page.text
        assert not visitor.is_logged_in


def test_nobody_ties_an_identity_to_who_is_logged_in(site, provider, person):
    visitor, _ = come_in(site, provider)
    assert visitor.client.get(f"{LOGIN}?process=connect").status_code == 404


@pytest.mark.parametrize("accepted", [True, False])
def test_second_factor_at_the_provider_counts_where_set(site, provider, person, settings, accepted):
    settings.DERMAPORT_MFA_REQUIRED_ROLES = ["clinician"]
    settings.DERMAPORT_OIDC_MFA_VALUES = ["mfa"] if accepted else []
    provider.set_person("ada", email=person.email, email_verified=True, amr=["pwd", "mfa"])
    _, page = come_in(site, provider)
    assert page.url.path == ("/" if accepted else "/accounts/2fa/")


def test_second_factor_here_is_asked_where_the_provider_showed_none(site, provider, person):
    set_up_app(person)
    visitor, page = come_in(site, provider)
    assert page.url.path == "/accounts/2fa/authenticate/"
    assert not visitor.is_logged_in


def test_log_in_page_shows_the_way_and_can_close_the_others(site, provider, person, settings):
    visitor = Visitor(site)
    page = visitor.get("/accounts/login/?next=/submissions/")
    assert "Log in with Harbour Trust" in page.text
    assert 'name="password"' in page.text
    assert "/accounts/oidc/login/?next=/submissions/" in page.text

    settings.DERMAPORT_LOCAL_LOGIN = False
    assert 'name="password"' not in visitor.get("/accounts/login/").text
    sent = {"login": person.email, "password": PASSWORD}
    assert visitor.post("/accounts/login/", page, **sent).status_code == 404
    for address in (
        "/accounts/password/reset/",
        "/accounts/password/change/",
        "/accounts/2fa/webauthn/login/",
    ):
        assert visitor.client.get(address).status_code == 404
    refused = visitor.client.post("/api/v1/token/", json={"email": person.email, "password": PASSWORD})
    assert refused.json()["code"] == "password_login_off"
    assert come_in(site, provider)[0].is_logged_in


def test_provider_that_is_away_is_told_in_words(site, settings):
    settings.DERMAPORT_OIDC_ISSUER = "http://127.0.0.1:9"
    settings.SOCIALACCOUNT_PROVIDERS = describe_provider("http://127.0.0.1:9", "dermaport", "hush", "Away")
    page = Visitor(site).get(LOGIN)
    assert page.status_code == 503
    assert "reached" in page.text
