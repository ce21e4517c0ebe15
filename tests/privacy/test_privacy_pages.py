"""No patient's word leaks from the pages of privacy, from refusals or from mails about errors."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

from django.core import mail
from django.test import Client
from django.urls import reverse

from portal.trust.audit.models import AuditEvent
from tests.factories import PASSWORD
from tests.privacy.conftest import (
    HISTORY,
    NAME,
    Watch,
    find_canaries,
    picture,
)
from tests.privacy.raw import reviewed
from tests.privacy.test_words import WORDS, new_case, read_audit_log

__all__ = ["reviewed"]


def test_privacy_pages_and_archive(reviewed, side, watch: Watch) -> None:
    patient, client = reviewed.lesion.patient, Client()
    client.force_login(side.own.administrator)
    for name in ("patient-privacy", "patient-erase"):
        assert watch.note(client.get(reverse(name, args=[patient.pk]))).status_code == 200
    archive = watch.note(client.post(reverse("patient-archive", args=[patient.pk])))
    taken = zipfile.ZipFile(io.BytesIO(archive.getvalue()))
    assert HISTORY in taken.read("patient.json").decode()
    assert find_canaries("\n".join(taken.namelist())) == []
    watch.note(client.get(reverse("audit-log"), {"patient": patient.public_id}))
    exported = client.post(reverse("audit-export")).getvalue().decode("utf-8-sig")
    assert find_canaries(exported) == []
    details = [row["details"] for row in csv.DictReader(io.StringIO(exported))]
    assert {"images": 1, "submissions": 1} in [json.loads(each) for each in details if each]
    wrong = {"reason": HISTORY, "public_id": NAME}
    assert client.post(reverse("patient-erase", args=[patient.pk]), wrong).status_code == 422
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []


def test_refusals_repeat_nothing(api: Client, pages: Client, watch: Watch) -> None:
    """Words in an address, a token or a log-in that is refused."""
    api.get(f"/api/v1/patients/{NAME}/")
    pages.get(f"/patients/{NAME}/?name={NAME}")
    Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {NAME}"})
    Client().post(reverse("account_login"), {"login": f"{NAME}@clinic.example", "password": PASSWORD})
    assert AuditEvent.objects.filter(action="token.refused").count() == 1
    assert AuditEvent.objects.filter(action="user.login_failed").count() == 1
    assert find_canaries(read_audit_log()) == []
    assert watch.leaks() == {}


def test_mail_about_an_error_quotes_nobody(pages: Client, side, settings, monkeypatch, watch) -> None:
    """Should an operator turn Django's mails about errors on."""
    settings.ADMINS = [("Operator", "ops@portal.example")]

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError(HISTORY)

    monkeypatch.setattr("classifier.pages.new_case.submit_case", fail)
    answer = pages.post(reverse("submission-new"), new_case(side, images=[picture()]))
    assert answer.status_code == 500
    (sent,) = mail.outbox
    assert find_canaries(f"{sent.subject}\n{sent.body}") == []
    assert not [word for word in WORDS.values() if word in sent.body]
    assert "ValueError: (message withheld" in sent.body
