"""By mail alone; nobody learns who has an account, and no log keeps the code."""

import logging
import re

import pytest
from django.core import mail
from django.urls import reverse

from portal.trust.accounts.models import Invitation
from portal.trust.accounts.people.invitations import find_by_code
from portal.trust.audit.models import AuditEvent
from tests.portal.invitations.asking import ask, code_in, open_code, send_by_page, set_password

pytestmark = pytest.mark.django_db


def test_administrator_learns_nothing_of_accounts_elsewhere(client, clinics):
    answers = [
        send_by_page(client, clinics, email=email)
        for email in (clinics.other.clinician.email, "nobody-has-this@clinic.example")
    ]
    words = [re.sub(r"\S+@\S+|csrf\S+ value=\S+", "", answer.text) for answer in answers]
    said = [re.findall(r"on its way by mail", text) for text in words]
    assert said[0] == said[1] != []
    bodies = [re.sub(r"#?\S+:\S+|[\w-]+@\S+", "", message.body) for message in mail.outbox]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("code", ["", "x", "a:b", "a" * 300, "é:…"])
def test_unknown_code_is_refused_alike(client, clinics, code):
    answer = open_code(client, code)
    assert answer.status_code == 400
    assert "invitation" not in client.session


def test_forged_signature_finds_nothing(clinics):
    issued = ask(clinics)
    secret, _, _ = issued.code.rpartition(":")
    assert find_by_code(issued.code) == issued.invitation
    assert find_by_code(f"{secret}:{'A' * 43}") is None


def test_only_a_hash_is_kept_and_nothing_is_said_in_logs_or_audit_log(client, clinics, caplog):
    caplog.set_level(logging.DEBUG)
    send_by_page(client, clinics)
    code = code_in(mail.outbox[0])
    open_code(client, code)
    client.get(reverse("invitation-accept"))
    set_password(client)

    secret = code.rpartition(":")[0]
    kept = str(list(Invitation.objects.values()))
    audit_log = str(list(AuditEvent.objects.values("action", "object_id", "details")))
    assert secret not in kept
    for place in (caplog.text, audit_log):
        assert secret not in place
        assert "tove" not in place.lower()
    assert "#" not in reverse("invitation-open")
    actions = AuditEvent.objects.filter(chain__clinic=clinics.own.clinic).values_list("action", flat=True)
    assert list(actions) == ["invitation.created", "user.created", "invitation.accepted"]
