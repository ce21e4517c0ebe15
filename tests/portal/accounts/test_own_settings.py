"""What a person settles for themselves: name, theme, clinic, tokens."""

import pytest
from knox.models import AuthToken

from portal.audit.models import AuditEvent
from tests.factories import MembershipFactory, answered_submission, two_clinics

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinics():
    return two_clinics()


def test_clinic_switch_changes_what_lists_show(client, clinics):
    person = MembershipFactory(user=clinics.own.clinician, clinic=clinics.other.clinic).user
    there = answered_submission(clinics.other)
    client.force_login(person)

    answer = client.post("/clinic/", {"clinic": clinics.other.clinic.pk})

    assert answer.url == "/"
    assert [case.pk for case, _ in client.get("/submissions/").context["cases"]] == [there.pk]


def test_clinic_without_an_active_membership_does_not_exist(client, clinics):
    MembershipFactory(user=clinics.own.clinician, clinic=clinics.other.clinic, is_active=False)
    client.force_login(clinics.own.clinician)

    for key in (clinics.other.clinic.pk, "nonsense", ""):
        assert client.post("/clinic/", {"clinic": key}).status_code == 404
    assert client.get("/clinic/").status_code == 405


def test_theme_is_a_cookie(client):
    assert client.post("/theme/", {"theme": "dark"}).cookies["theme"].value == "dark"
    assert "theme" not in client.post("/theme/", {"theme": "plaid"}).cookies
    assert client.post("/theme/", {"theme": "auto"}).cookies["theme"].value == ""


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/settings/", "/settings/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_theme_leads_back_to_own_pages_only(client, target, expected):
    assert client.post("/theme/", {"theme": "dark", "next": target}).url == expected


def test_name_is_changed_and_recorded_without_the_name(client, clinics):
    client.force_login(clinics.own.dermatologist)

    client.post("/settings/name/", {"full_name": " Ada   Lindqvist "})

    clinics.own.dermatologist.refresh_from_db()
    assert clinics.own.dermatologist.full_name == "Ada Lindqvist"
    assert AuditEvent.objects.get(action="user.renamed").details == {}


def test_too_long_name_is_refused(client, clinics):
    client.force_login(clinics.own.dermatologist)

    assert client.post("/settings/name/", {"full_name": "x" * 121}).status_code == 400


def test_token_is_shown_once_and_works(client, clinics):
    client.force_login(clinics.own.clinician)

    page = client.post("/settings/tokens/", {"days": "30"})

    text = page.context["issued"].text
    assert text in page.content.decode()
    later = client.get("/settings/").content.decode()
    assert text not in later
    assert text[:11] in later
    assert AuthToken.objects.get().user == clinics.own.clinician
    assert AuditEvent.objects.filter(action="token.created").count() == 1


def test_only_own_tokens_are_revoked(client, clinics):
    mine, _ = AuthToken.objects.create(user=clinics.own.clinician)
    foreign, _ = AuthToken.objects.create(user=clinics.own.dermatologist)
    client.force_login(clinics.own.clinician)

    assert client.post("/settings/tokens/revoke/", {"token": foreign.pk}).status_code == 404
    assert client.post("/settings/tokens/revoke/", {"token": mine.pk}).status_code == 302
    assert AuthToken.objects.get() == foreign


def test_administrators_places_are_offered_to_them_only(client, clinics):
    client.force_login(clinics.own.clinician)
    assert "/settings/people/" not in client.get("/settings/").content.decode()
    client.force_login(clinics.own.administrator)
    assert "/settings/people/" in client.get("/settings/").content.decode()
