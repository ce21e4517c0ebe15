"""Open, expired, accepted, withdrawn; sent again, and not delivered."""

import datetime as dt

import pytest
import time_machine
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Invitation, User
from portal.trust.accounts.models.invitation import InvitationState
from portal.trust.accounts.people.invitations import (
    accept_invitation,
    find_by_code,
    resend_invitation,
    withdraw_invitation,
)
from tests.factories import UserFactory
from tests.portal.invitations.asking import NEW, ask, code_in, open_code, send_by_page, set_password

pytestmark = pytest.mark.django_db


def test_time_runs_out_and_sending_again_begins_it_anew(client, clinics, settings):
    settings.DERMAPORT_INVITATION_DAYS = 2
    issued = ask(clinics)
    with time_machine.travel(timezone.now() + dt.timedelta(days=2, minutes=1), tick=False):
        open_code(client, issued.code)
        page = client.get(reverse("invitation-accept"))
        assert page.status_code == 410
        assert "send it again" in page.text
        assert issued.invitation.state == InvitationState.EXPIRED
        client.force_login(clinics.own.administrator)
        client.post(reverse("invitation-resend", args=[issued.invitation.pk]))
        client.logout()
        open_code(client, code_in(mail.outbox[0]))
        assert set_password(client).url == reverse("account_login")


def test_link_sent_before_ends_when_it_is_sent_again(client, clinics):
    first = ask(clinics)
    open_code(client, first.code)
    second = resend_invitation(actor=clinics.own.administrator, invitation=first.invitation)

    assert client.get(reverse("invitation-accept")).url == reverse("invitation-open")
    assert open_code(client, first.code).status_code == 400
    assert open_code(client, second.code).status_code == 302


def test_inviting_again_renews_the_one_invitation(clinics):
    first = ask(clinics)
    second = ask(clinics, role="administrator")

    assert first.invitation.pk == second.invitation.pk
    assert find_by_code(first.code) is None
    assert find_by_code(second.code).role == "administrator"


def test_withdrawn_invitation_ends_at_once(client, clinics):
    issued = ask(clinics)
    open_code(client, issued.code)
    withdraw_invitation(actor=clinics.own.administrator, invitation=issued.invitation)

    assert set_password(client).status_code == 410
    assert not User.objects.filter(email=NEW).exists()
    with pytest.raises(PeopleError, match="accepted or withdrawn"):
        resend_invitation(actor=clinics.own.administrator, invitation=issued.invitation)
    ask(clinics)


def test_mail_that_did_not_leave_is_shown_until_it_does(client, clinics, settings):
    settings.EMAIL_BACKEND = "tests.portal.invitations.asking.DeadMail"
    answer = send_by_page(client, clinics)
    assert "could not be sent" in answer.text
    assert Invitation.objects.get().is_undelivered
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.force_login(clinics.own.administrator)
    client.post(reverse("invitation-resend", args=[Invitation.objects.get().pk]))
    assert not Invitation.objects.get().is_undelivered
    assert len(mail.outbox) == 1


def test_page_shows_each_state_and_an_empty_one(client, clinics):
    client.force_login(clinics.own.administrator)
    assert "No open invitations" in client.get(reverse("invitations")).text
    issued = {state: ask(clinics, email=f"{state}@clinic.example") for state in InvitationState}
    Invitation.objects.filter(pk=issued["expired"].invitation.pk).update(
        sent_at=timezone.now() - dt.timedelta(days=9), expires_at=timezone.now() - dt.timedelta(days=2)
    )
    withdraw_invitation(actor=clinics.own.administrator, invitation=issued["withdrawn"].invitation)
    accept_invitation(
        person=UserFactory(email="accepted@clinic.example"), invitation=issued["accepted"].invitation
    )

    page = client.get(reverse("invitations"))

    for state in InvitationState:
        assert f"{state}@clinic.example" in page.text
        assert state.label in page.text
        found = Invitation.objects.with_state(state)
        assert [row.email for row in found] == [f"{state}@clinic.example"]
        assert found.get().state == state
    client.force_login(clinics.other.administrator)
    assert "@clinic.example</strong>" not in client.get(reverse("invitations")).text
