"""What a person settles for themselves: name, theme, clinic."""

import pytest

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.people.founding import found_clinic
from portal.trust.accounts.people.services import rename_person, update_clinic
from portal.trust.audit.models import AuditEvent
from tests.factories import MembershipFactory, answered_submission

pytestmark = pytest.mark.django_db


def test_clinic_switch_changes_what_lists_show(client, clinics):
    person = MembershipFactory(user=clinics.own.clinician, clinic=clinics.other.clinic).user
    there = answered_submission(clinics.other)
    client.force_login(person)

    answer = client.post("/clinic/", {"clinic": clinics.other.clinic.pk})

    assert answer.url == "/"
    assert [row.submission.pk for row in client.get("/submissions/").context["cases"]] == [there.pk]


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


def test_administrators_places_are_offered_to_them_only(client, clinics):
    client.force_login(clinics.own.clinician)
    assert "/settings/people/" not in client.get("/settings/").content.decode()
    client.force_login(clinics.own.administrator)
    assert "/settings/people/" in client.get("/settings/").content.decode()


def test_name_that_is_too_long_is_refused_alike_everywhere(clinics):
    """The column's length: PostgreSQL would refuse it without a word that helps."""
    owner, clinic, name = clinics.own.administrator, clinics.own.clinic, "n" * 121
    for act in (
        lambda: rename_person(actor=owner, full_name=name),
        lambda: update_clinic(actor=owner, clinic=clinic, name=name),
        lambda: found_clinic(name=name, administrator_email="tove@quay.example"),
    ):
        with pytest.raises(PeopleError, match="may have 120 characters, received 121") as refused:
            act()
        assert refused.value.code == "name_too_long"
