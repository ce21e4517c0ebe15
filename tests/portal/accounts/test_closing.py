"""What a person logged in with ends with their access, and stays ended."""

import pytest
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Membership, User
from portal.trust.accounts.people.closing import end_membership, reopen_membership
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    MembershipFactory,
    answered_submission,
)

pytestmark = pytest.mark.django_db


def membership_of(staff, user):
    return Membership.objects.get(clinic=staff.clinic, user=user)


def log_in(user):
    client = Client()
    client.force_login(user)
    return client


def token_of(user):
    return Client(headers={"Authorization": f"Bearer {AuthToken.objects.create(user=user)[1]}"})


def leave(clinics, user, **chosen):
    address = reverse("person-leave", args=[membership_of(clinics.own, user).pk])
    return log_in(clinics.own.administrator).post(address, chosen)


def test_sessions_and_tokens_end_at_once_and_never_revive(clinics):
    person = clinics.own.clinician
    row, session, token = membership_of(clinics.own, person), log_in(person), token_of(person)
    assert (session.get(reverse("home")).status_code, token.get("/api/v1/me/").status_code) == (200, 200)

    end_membership(actor=clinics.own.administrator, membership=row)

    assert session.get(reverse("home")).status_code == 302
    assert token.get("/api/v1/me/").status_code == 401
    reopen_membership(actor=clinics.own.administrator, membership=row)
    assert session.get(reverse("home")).status_code == 302, "the old session stays ended"
    assert token.get("/api/v1/me/").status_code == 401
    assert log_in(User.objects.get(pk=person.pk)).get(reverse("home")).status_code == 200


def test_place_elsewhere_keeps_the_session_but_opens_nothing_here(clinics):
    person = clinics.own.clinician
    MembershipFactory(clinic=clinics.other.clinic, user=person, role="clinician")
    case = answered_submission(clinics.own, "benign")
    session, token = log_in(person), token_of(person)

    end_membership(actor=clinics.own.administrator, membership=membership_of(clinics.own, person))

    assert session.get(reverse("home")).context["clinic"] == clinics.other.clinic
    assert session.get(reverse("submission-detail", args=[case.pk])).status_code == 404
    assert token.get(f"/api/v1/submissions/{case.pk}/").status_code == 404


def test_whole_log_in_closes_and_opens_again(clinics):
    person = clinics.own.clinician
    assert leave(clinics, person, close_log_in="on").status_code == 302
    person.refresh_from_db()
    assert not person.is_active
    assert not Client().login(email=person.email, password="correct-horse-battery-staple")
    row = membership_of(clinics.own, person)
    client = log_in(clinics.own.administrator)
    assert "log-in closed" in client.get(reverse("people")).text
    client.post(reverse("person-active", args=[row.pk]), {"active": "yes"})
    person.refresh_from_db()
    assert person.is_active
    actions = set(
        AuditEvent.objects.filter(chain__clinic=clinics.own.clinic).values_list("action", flat=True)
    )
    assert {"user.closed", "user.shut_out", "user.reopened", "membership.deactivated"} <= actions


@pytest.mark.parametrize("who", ["works elsewhere", "operator"])
def test_log_in_of_others_can_not_be_closed(clinics, who):
    person = clinics.own.clinician
    if who == "operator":
        User.objects.filter(pk=person.pk).update(is_staff=True)
    else:
        MembershipFactory(clinic=clinics.other.clinic, user=person, is_active=False)
    row = Membership.objects.select_related("user").get(clinic=clinics.own.clinic, user=person)
    with pytest.raises(PeopleError) as error:
        end_membership(actor=clinics.own.administrator, membership=row, close_log_in=True)
    assert error.value.code == "not_yours_to_close"
    row.refresh_from_db()
    assert row.is_active
    page = log_in(clinics.own.administrator).get(reverse("person-leave", args=[row.pk]))
    assert "close_log_in" not in page.text


def test_log_in_that_somebody_else_closed_stays_closed(clinics):
    person = clinics.own.clinician
    row = membership_of(clinics.own, person)
    end_membership(actor=clinics.own.administrator, membership=row)
    User.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(PeopleError, match="closed by somebody else"):
        reopen_membership(actor=clinics.own.administrator, membership=row)
    row.refresh_from_db()
    assert not row.is_active


def test_log_in_that_the_operator_closed_after_the_clinic_had_stays_closed(clinics):
    """What the clinic did once says nothing of who closed it now."""
    person, by = clinics.own.clinician, clinics.own.administrator
    row = membership_of(clinics.own, person)
    end_membership(actor=by, membership=row, close_log_in=True)
    assert User.objects.get(pk=person.pk).closed_by == clinics.own.clinic
    reopen_membership(actor=by, membership=membership_of(clinics.own, person))
    assert User.objects.get(pk=person.pk).closed_by is None
    end_membership(actor=by, membership=membership_of(clinics.own, person))
    User.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(PeopleError, match="closed by somebody else"):
        reopen_membership(actor=by, membership=membership_of(clinics.own, person))


def test_last_administrator_can_not_leave(clinics):
    answer = leave(clinics, clinics.own.administrator, close_log_in="on")
    assert answer.status_code == 400
    assert "at least one active administrator" in answer.text
    clinics.own.administrator.refresh_from_db()
    assert clinics.own.administrator.is_active
