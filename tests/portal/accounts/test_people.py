"""People of a clinic: who may let whom in, and that no clinic is left without an administrator."""

import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Membership, User
from portal.trust.accounts.people.services import change_role, make_password_link, set_active, update_clinic
from portal.trust.audit.models import AuditEvent
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "seven-quiet-herons-wade"


def membership_of(staff, user):
    return Membership.objects.get(clinic=staff.clinic, user=user)


def test_password_link_works_once(client, clinics):
    person = clinics.own.clinician
    client.force_login(clinics.own.administrator)

    page = client.post(f"/settings/people/{membership_of(clinics.own, person).pk}/link/")

    link = page.context["link"]
    assert link in page.content.decode()
    client.logout()
    path = client.get(link.removeprefix("http://testserver")).url
    client.post(path, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    person.refresh_from_db()
    assert person.check_password(NEW_PASSWORD)
    second = client.get(link.removeprefix("http://testserver"), follow=True).content.decode()
    assert 'name="password1"' not in second
    actions = AuditEvent.objects.filter(chain__clinic=clinics.own.clinic).values_list("action", flat=True)
    assert "user.password_link_made" in set(actions)


@pytest.mark.parametrize("who", ["works elsewhere", "worked elsewhere", "operator"])
def test_nobody_of_another_clinic_can_be_taken_over(clinics, who):
    person = UserFactory(is_staff=who == "operator")
    membership = MembershipFactory(user=person, clinic=clinics.own.clinic)
    if who != "operator":
        MembershipFactory(user=person, clinic=clinics.other.clinic, is_active=who == "works elsewhere")

    with pytest.raises(PeopleError, match="works elsewhere"):
        make_password_link(actor=clinics.own.administrator, membership=membership)


@pytest.mark.parametrize(
    "act",
    [
        lambda row, actor: change_role(actor=actor, membership=row, role="clinician"),
        lambda row, actor: set_active(actor=actor, membership=row, is_active=False),
    ],
)
def test_last_administrator_stays(clinics, act):
    actor = clinics.own.administrator
    row = membership_of(clinics.own, actor)

    with pytest.raises(PeopleError, match="at least one active administrator"):
        act(row, actor)

    row.refresh_from_db()
    assert (row.role, row.is_active) == ("administrator", True)
    MembershipFactory(clinic=clinics.own.clinic, role="administrator")
    act(row, actor)


def test_administrator_whose_log_in_is_closed_does_not_count(clinics):
    MembershipFactory(clinic=clinics.own.clinic, role="administrator", user__is_active=False)
    actor = clinics.own.administrator

    with pytest.raises(PeopleError, match="at least one active administrator"):
        set_active(actor=actor, membership=membership_of(clinics.own, actor), is_active=False)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_remove_each_other(clinics):
    one = clinics.own.administrator
    two = MembershipFactory(clinic=clinics.own.clinic, role="administrator").user
    start = threading.Barrier(2)

    def remove(actor, target):
        start.wait()
        try:
            set_active(actor=actor, membership=membership_of(clinics.own, target), is_active=False)
        except (PeopleError, PermissionDenied):
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    active = Membership.objects.filter(clinic=clinics.own.clinic, role="administrator", is_active=True)
    assert active.count() == 1


def test_ended_access_ends_at_once_and_comes_back(client, clinics):
    row = membership_of(clinics.own, clinics.own.clinician)
    client.force_login(clinics.own.administrator)

    client.post(f"/settings/people/{row.pk}/active/", {"active": "no"})
    # Read anew: ending the access ended the sessions of who is logged in so far.
    person = User.objects.get(pk=row.user_id)
    client.force_login(person)
    assert client.get("/submissions/").status_code == 403
    client.force_login(clinics.own.administrator)
    client.post(f"/settings/people/{row.pk}/active/", {"active": "yes"})
    client.force_login(person)
    assert client.get("/submissions/").status_code == 200


def test_role_changes_on_the_page_and_is_recorded(client, clinics):
    row = membership_of(clinics.own, clinics.own.clinician)
    client.force_login(clinics.own.administrator)

    client.post(f"/settings/people/{row.pk}/role/", {"role": "dermatologist"})
    client.post(f"/settings/people/{row.pk}/role/", {"role": "emperor"})

    row.refresh_from_db()
    assert row.role == "dermatologist"
    event = AuditEvent.objects.get(action="membership.role_changed")
    assert event.details == {
        "user": str(clinics.own.clinician.pk),
        "from": {"role": "clinician"},
        "to": {"role": "dermatologist"},
    }


@pytest.mark.parametrize("act", ["role", "active", "link"])
def test_people_of_another_clinic_do_not_exist(client, clinics, act):
    row = membership_of(clinics.other, clinics.other.clinician)
    client.force_login(clinics.own.administrator)

    assert client.post(f"/settings/people/{row.pk}/{act}/", {"role": "clinician"}).status_code == 404


def test_services_refuse_who_is_no_administrator(clinics):
    row = membership_of(clinics.own, clinics.own.clinician)
    for actor in (clinics.own.dermatologist, clinics.other.administrator, clinics.operator):
        with pytest.raises(PermissionDenied):
            change_role(actor=actor, membership=row, role="administrator")
        with pytest.raises(PermissionDenied):
            update_clinic(actor=actor, clinic=clinics.own.clinic, name="Mine")


def test_clinic_is_renamed_and_hides_results(client, clinics):
    client.force_login(clinics.own.administrator)

    client.post(
        "/settings/clinic/",
        {"name": "  Quay   Clinic ", "kind": "primary_care", "hide_result_until_read": "on"},
    )

    clinics.own.clinic.refresh_from_db()
    assert (clinics.own.clinic.name, clinics.own.clinic.hide_result_until_read) == ("Quay Clinic", True)
    assert AuditEvent.objects.get(action="clinic.updated").details["hide_result_until_read"] is True


@pytest.mark.parametrize(("name", "words"), [(" ", "Give the clinic a name"), ("n" * 121, "120 characters")])
def test_name_that_no_clinic_may_have_is_refused(clinics, name, words):
    with pytest.raises(PeopleError, match=words):
        update_clinic(actor=clinics.own.administrator, clinic=clinics.own.clinic, name=name)


def test_name_of_another_clinic_is_refused(client, clinics):
    client.force_login(clinics.own.administrator)

    answer = client.post("/settings/clinic/", {"name": clinics.other.clinic.name, "kind": "primary_care"})

    assert answer.status_code == 400


def test_clinic_says_how_common_malignant_lesions_are_there(client, clinics):
    """By its kind until it says so itself; the audit log has each."""
    clinic = clinics.own.clinic
    assert (clinic.kind, clinic.prevalence) == ("primary_care", 0.03)
    client.force_login(clinics.own.administrator)
    sent = {"name": clinic.name, "kind": "dermatology"}
    for share, expected in (("", 0.15), ("7.5", 0.075), ("", 0.15)):
        answer = client.post("/settings/clinic/", sent | {"malignant_in_hundred": share})
        assert answer.status_code == 302
        clinic.refresh_from_db()
        assert clinic.prevalence == expected
    told = [
        (event.details["kind"], event.details["malignant_in_hundred"])
        for event in AuditEvent.objects.filter(action="clinic.updated").order_by("position")
    ]
    assert told == [("dermatology", 15.0), ("dermatology", 7.5), ("dermatology", 15.0)]
    page = client.post("/settings/clinic/", sent | {"malignant_in_hundred": "95"})
    assert page.status_code == 400
    assert "Give a number from 0.1 to 90, or none; you gave 95." in page.text
    assert client.post("/settings/clinic/", sent | {"kind": "vet"}).status_code == 400
    with pytest.raises(PeopleError, match="one of primary_care, dermatology; you gave 'vet'"):
        update_clinic(actor=clinics.own.administrator, clinic=clinic, kind="vet")
    clinic.refresh_from_db()
    assert clinic.prevalence == 0.15
