"""What is said to be encrypted holds no patient's word: looked for in every column and every file."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from classifier.models import Patient, Prediction, Submission
from classifier.services.file_removals import remove_files
from portal.audit.models import AuditEvent
from tests.factories import PASSWORD
from tests.privacy.conftest import (
    FILE,
    HISTORY,
    MRN,
    NAME,
    NOTE,
    Watch,
    find_canaries,
    picture,
)
from tests.privacy.test_words import WORDS, new_case, read_trail, submit_by_api

DECISION = {"diagnosis": "naevus", "agreement": "agrees", "management": "no_action", "comment": HISTORY}


def read_database() -> dict[str, list[str]]:
    """Every text of every table as it lies in the database, by column."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for column in connection.introspection.get_table_description(cursor, table):
                quote = connection.ops.quote_name
                cursor.execute(f"SELECT {quote(column.name)} FROM {quote(table)}")
                found[f"{table}.{column.name}"] = [str(row[0]) for row in cursor.fetchall()]
    return found


def find_in_database() -> dict[str, list[str]]:
    texts = {column: find_canaries("\n".join(rows)) for column, rows in read_database().items()}
    return {column: hits for column, hits in texts.items() if hits}


def find_in_files(image: Any) -> list[str]:
    """Names of stored files that can be read as they lie."""
    files = [image.original, image.derivative, image.thumbnail]
    paths = [Path(file.storage.path(file.name)) for file in files]
    return [path.name for path in paths if not path.read_bytes().startswith(b"DPE1")]


@pytest.fixture
def reviewed(pages: Client, side: Any, watch: Watch) -> Submission:
    """A case sent, searched for, reviewed and amended on the pages, with words in every field."""
    sent = watch.note(pages.post(reverse("submission-new"), new_case(side)))
    assert sent.status_code == 302
    submission = Submission.objects.get()
    # The worker gave up: there is something to read.
    Prediction.objects.update(
        state="failed", error_code="x", error_message="Gone.", finished_at=submission.submitted_at
    )
    for name, key, data in (
        ("patient-list", None, {"words": MRN}),
        ("submission-search", None, {"word": MRN}),
        ("submission-review", submission.pk, DECISION),
    ):
        answer = watch.note(pages.post(reverse(name, args=[key] if key else []), data))
        assert answer.status_code == 302, (name, answer.content.decode()[:500])
    review = submission.reviews.get()
    amendment = {**DECISION, "amends": review.pk, "amendment_reason": NOTE}
    amended = pages.post(reverse("submission-amend", args=[submission.pk]), amendment)
    assert amended.status_code == 302
    return submission


def test_pages_leave_no_word_in_columns_and_files(reviewed, watch: Watch) -> None:
    assert find_in_database() == {}
    assert find_in_files(reviewed.images.get()) == []
    assert watch.leaks() == {}
    # And yet all of it is there.
    patient, image = reviewed.lesion.patient, reviewed.images.get()
    assert (patient.mrn, image.original_name, reviewed.clinical_history) == (MRN, FILE, HISTORY)


def test_searches_find_what_is_encrypted(reviewed, pages: Client) -> None:
    assert MRN in pages.get(reverse("patient-list")).content.decode()
    assert MRN in pages.get(reverse("submission-list")).content.decode()
    pages.post(reverse("patient-list"), {"words": MRN[:-3].lower()})
    assert MRN in pages.get(reverse("patient-list")).content.decode()
    pages.post(reverse("patient-list"), {"words": f"{MRN}9"})
    assert MRN not in pages.get(reverse("patient-list")).content.decode()


def test_api_leaves_none_either(api: Client, watch: Watch) -> None:
    assert submit_by_api(api, watch).status_code == 202
    assert find_in_database() == {}
    assert find_in_files(Submission.objects.get().images.get()) == []


def test_privacy_pages_and_archive(reviewed, side, watch: Watch) -> None:
    patient, client = reviewed.lesion.patient, Client()
    client.force_login(side.own.administrator)
    for name in ("patient-privacy", "patient-erase"):
        assert watch.note(client.get(reverse(name, args=[patient.pk]))).status_code == 200
    archive = watch.note(client.post(reverse("patient-archive", args=[patient.pk])))
    taken = zipfile.ZipFile(io.BytesIO(archive.getvalue()))
    assert HISTORY in taken.read("patient.json").decode()
    assert find_canaries("\n".join(taken.namelist())) == []
    watch.note(client.get(reverse("audit-trail"), {"patient": patient.public_id}))
    exported = client.post(reverse("audit-export")).getvalue().decode()
    assert find_canaries(exported) == []
    wrong = {"reason": HISTORY, "public_id": NAME}
    assert client.post(reverse("patient-erase", args=[patient.pk]), wrong).status_code == 422
    assert watch.leaks() == {}
    assert find_canaries(read_trail()) == []


def test_erased_patient_is_nowhere(reviewed, side, watch: Watch) -> None:
    patient, client = reviewed.lesion.patient, Client()
    client.force_login(side.own.administrator)
    sure = {"reason": "request", "public_id": patient.public_id}
    assert client.post(reverse("patient-erase", args=[patient.pk]), sure).status_code == 302
    remove_files()
    everything = json.dumps([list(Patient.objects.values()), list(Submission.objects.values())], default=str)
    assert find_canaries(everything) == []
    assert find_in_database() == {}
    assert watch.leaks() == {}


def test_refusals_repeat_nothing(api: Client, pages: Client, watch: Watch) -> None:
    """Words in an address, a token or a log-in that is refused."""
    api.get(f"/api/v1/patients/{NAME}/")
    pages.get(f"/patients/{NAME}/?name={NAME}")
    Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {NAME}"})
    Client().post(reverse("account_login"), {"login": f"{NAME}@clinic.example", "password": PASSWORD})
    assert AuditEvent.objects.filter(action="token.refused").count() == 1
    assert AuditEvent.objects.filter(action="user.login_failed").count() == 1
    assert find_canaries(read_trail()) == []
    assert watch.leaks() == {}


def test_mail_about_an_error_quotes_nobody(pages: Client, side, settings, monkeypatch, watch) -> None:
    """Should an operator turn Django's mails about errors on."""
    settings.ADMINS = [("Operator", "ops@portal.example")]

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError(HISTORY)

    monkeypatch.setattr("classifier.new_case.submit_case", fail)
    answer = pages.post(reverse("submission-new"), new_case(side, images=[picture()]))
    assert answer.status_code == 500
    (sent,) = mail.outbox
    assert find_canaries(f"{sent.subject}\n{sent.body}") == []
    assert not [word for word in WORDS.values() if word in sent.body]
    assert "ValueError: (message withheld" in sent.body
