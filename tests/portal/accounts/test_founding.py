"""A first clinic and a first operator from the shell: no password typed, everything on the audit log."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import verify_chains
from tests.factories import UserFactory, two_clinics

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "seven-quiet-herons-wade"


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def find_path(text):
    return next((line for line in text.splitlines() if line.startswith("/")), "")


def set_password(client, path):
    form = client.get(path).url
    client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})


def test_new_clinic_and_administrator_who_sets_a_password_once(client):
    out = run(
        "create_clinic", " Quay  Clinic ", "--administrator", "Tove@Quay.example", "--full-name", "Tove Holm"
    )

    person = User.objects.get(email="tove@quay.example")
    membership = Membership.objects.get(user=person)
    assert (membership.clinic.name, membership.role) == ("Quay Clinic", "administrator")
    assert (person.full_name, person.is_staff, person.has_usable_password()) == ("Tove Holm", False, False)
    path = find_path(out)
    set_password(client, path)
    person.refresh_from_db()
    assert person.check_password(NEW_PASSWORD)
    assert 'name="password1"' not in client.get(path, follow=True).content.decode()
    client.force_login(person)
    assert client.get("/settings/people/").status_code == 200


def test_the_audit_log_tells_of_it_without_names():
    run("create_clinic", "Quay Clinic", "--administrator", "tove@quay.example")

    clinic = Clinic.objects.get()
    events = AuditEvent.objects.filter(chain__clinic=clinic).order_by("position")
    assert [event.action for event in events] == [
        "clinic.created",
        "user.created",
        "membership.created",
        "user.password_link_made",
    ]
    assert {event.actor_id for event in events} == {None}
    assert "tove" not in str([event.details for event in events])
    assert not list(verify_chains())


def test_known_person_keeps_name_and_password():
    person = UserFactory(full_name="Ada Lind")

    out = run("create_clinic", "Quay Clinic", "--administrator", person.email.upper(), "--full-name", "Other")

    assert find_path(out) == ""
    assert "the password they have" in out
    before = person.password
    person.refresh_from_db()
    assert (person.full_name, person.password) == ("Ada Lind", before)
    assert Membership.objects.get(user=person).role == "administrator"


@pytest.mark.parametrize(
    ("name", "email", "sentence"),
    [
        ("own", "new@quay.example", "has this name already"),
        ("  ", "new@quay.example", "Give the clinic a name"),
        ("n" * 121, "new@quay.example", "120 characters, received 121"),
        ("Quay Clinic", "nobody", "name@clinic.example"),
        ("Quay Clinic", "closed", "log-in is closed"),
    ],
)
def test_refusals_are_sentences_and_leave_nothing(name, email, sentence):
    clinics = two_clinics()
    closed = UserFactory(is_active=False)
    before = (Clinic.objects.count(), User.objects.count(), AuditEvent.objects.count())

    with pytest.raises(CommandError, match=sentence):
        run(
            "create_clinic",
            {"own": clinics.own.clinic.name}.get(name, name),
            "--administrator",
            {"closed": closed.email}.get(email, email),
        )

    assert (Clinic.objects.count(), User.objects.count(), AuditEvent.objects.count()) == before


def test_new_operator_sees_the_status_page_and_no_clinic(client):
    path = find_path(run("create_operator", "olu@site.example", "--full-name", "Olu Brandt"))

    set_password(client, path)
    person = User.objects.get(email="olu@site.example")
    assert (person.is_staff, person.is_superuser, person.full_name) == (True, False, "Olu Brandt")
    assert not person.memberships.exists()
    client.force_login(person)
    assert client.get("/status/").status_code == 200
    actions = AuditEvent.objects.filter(object_id=str(person.pk), actor=None).order_by("position")
    assert [event.action for event in actions] == [
        "user.created",
        "user.made_operator",
        "user.password_link_made",
    ]


def test_known_person_becomes_operator_once():
    person = UserFactory()

    outs = [run("create_operator", person.email) for _ in range(2)]

    person.refresh_from_db()
    assert person.is_staff
    assert [find_path(out) for out in outs] == ["", ""]
    assert AuditEvent.objects.filter(action="user.made_operator").count() == 1


def test_a_lost_link_of_an_operator_is_made_anew(client):
    run("create_operator", "olu@site.example")

    set_password(client, find_path(run("create_operator", "olu@site.example")))

    assert User.objects.get(email="olu@site.example").check_password(NEW_PASSWORD)


def test_a_closed_log_in_is_not_made_operator():
    person = UserFactory(is_active=False)

    with pytest.raises(CommandError, match="log-in is closed"):
        run("create_operator", person.email)

    person.refresh_from_db()
    assert not person.is_staff
