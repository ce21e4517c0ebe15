"""No patient word in a log line, a message, an address, the audit log or an error."""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from classifier import tasks
from classifier.engine import serving
from classifier.engine.run import run_queued
from classifier.models import Patient, Prediction, Submission
from portal.trust.audit.models import AuditEvent
from portal.trust.common.addresses import hide_words
from tests.factories import (
    LesionFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
)
from tests.privacy.conftest import FILE, HISTORY, MRN, NAME, NOTE, QUESTION, Watch, find_canaries, picture
from tests.support.reading import seen

WORDS = {"clinical_question": QUESTION, "clinical_history": HISTORY, "note": NOTE}


def submit_by_api(api, watch, **changes) -> Any:
    fields = {
        "patient_mrn": MRN,
        "body_site": "unspecified",
        "images": [picture()],
        "consents_to_inference": True,
        **WORDS,
        **changes,
    }
    key = {"Idempotency-Key": f"{NAME} {uuid.uuid4()}"}
    return watch.note(api.post("/api/v1/submissions/", fields, headers=key))


def read_audit_log() -> str:
    return json.dumps(list(AuditEvent.objects.values("action", "object_type", "object_id", "details")))


def test_api(api, watch: Watch, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        accepted = submit_by_api(api, watch)
    assert accepted.status_code == 202
    assert len(watch.messages) == 1
    submission = Submission.objects.get()
    for path in (
        f"submissions/{submission.pk}/",
        f"submissions/{submission.pk}/status/",
        "submissions/",
        "patients/",
        f"patients/{submission.lesion.patient_id}/",
        f"lesions/{submission.lesion_id}/",
        f"images/{submission.images.get().pk}/derivative/",
    ):
        assert watch.note(api.get(f"/api/v1/{path}")).status_code == 200, path
    # What is refused is as private as what is taken.
    for wrong in ({"patient_mrn": MRN * 9}, {"birth_date": HISTORY}, {"lesion": NAME}, {"body_site": NOTE}):
        assert submit_by_api(api, watch, **wrong).status_code == 400, wrong
    api.get(f"/api/v1/submissions/?state={NAME}&patient={MRN}")
    api.post(f"/api/v1/submissions/{submission.pk}/cancel/")
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []


def new_case(side, **changes) -> dict[str, Any]:
    return {
        "clinic": side.own.clinic.pk,
        "request_key": uuid.uuid4(),
        "patient": "new",
        "mrn": MRN,
        "sex": "male",
        "consents_to_inference": "on",
        "lesion": "new",
        "body_site": "unspecified",
        "laterality": "unspecified",
        "capture_kind": "dermoscopic",
        "priority": "routine",
        "images": [picture()],
        **WORDS,
        **changes,
    }


def test_pages(pages, side, watch: Watch, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        sent = watch.note(pages.post(reverse("submission-new"), new_case(side)))
    assert sent.status_code == 302, sent.content.decode()[:2000]
    assert len(watch.messages) == 1
    submission = Submission.objects.get()
    patient = submission.lesion.patient
    assert (patient.mrn, submission.images.get().original_name) == (MRN, FILE)
    Prediction.objects.update(
        state="rejected",
        error_code="truncated",
        error_message="Too short.",
        finished_at=submission.submitted_at,
    )
    for name, key in (
        ("home", None),
        ("home-columns", None),
        ("patient-list", None),
        ("patient-detail", patient.pk),
        ("patient-edit", patient.pk),
        ("lesion-detail", submission.lesion_id),
        ("submission-new", None),
        ("submission-detail", submission.pk),
        ("submission-status", submission.pk),
        ("submission-cancel", submission.pk),
        ("submission-list", None),
        ("submission-review", submission.pk),
        ("worklist", None),
        ("dashboard", None),
        ("image-derivative", submission.images.get().pk),
    ):
        response = watch.note(pages.get(reverse(name, args=[key] if key else [])))
        assert response.status_code == 200, name
    assert len(watch.addresses) > 100, "the pages show addresses, and these were looked at"
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []


def test_searches_and_forms(pages, side, watch: Watch) -> None:
    """What a person types goes by POST and comes back in no address."""
    case = answered_submission(side.own)
    Patient.objects.update(mrn=MRN)
    signed = ReviewFactory(submission=answered_submission(side.own, lesion=case.lesion))
    decision = {"diagnosis": "naevus", "agreement": "agrees", "management": "no_action", "comment": HISTORY}
    amendment = {**decision, "amends": signed.pk, "amendment_reason": NOTE}
    for name, key, data in (
        ("patient-list", None, {"words": MRN}),
        ("submission-search", None, {"word": MRN}),
        ("submission-find-patient", None, {"clinic": side.own.clinic.pk, "words": MRN}),
        ("submission-check-image", None, {"clinic": side.own.clinic.pk, "image": picture()}),
        ("submission-new", None, new_case(side, body_site="nowhere", birth_date=HISTORY)),
        ("patient-edit", case.lesion.patient_id, {"sex": NAME}),
        ("submission-review", case.pk, decision | seen(case)),
        ("submission-amend", signed.submission_id, amendment | seen(signed.submission)),
        ("submission-export", None, {}),
    ):
        response = watch.note(pages.post(reverse(name, args=[key] if key else []), data))
        assert response.status_code < 500, name
        if name in ("patient-list", "submission-search"):
            assert MRN in watch.note(pages.get(response["Location"])).content.decode()
    assert watch.note(pages.get(reverse("patient-list"))).status_code == 200
    assert watch.note(pages.get(reverse("submission-list"))).status_code == 200
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []


@pytest.mark.parametrize("fault", [ValueError, KeyError, RuntimeError])
def test_bug_tells_nobody_what_it_stumbled_over(clients, side, watch: Watch, monkeypatch, fault) -> None:
    api, pages = clients
    case = SubmissionFactory(clinic=side.own.clinic, clinical_history=HISTORY)

    def fail(*_: Any, **__: Any) -> None:
        name = case.clinical_history
        try:
            stumble(name)
        except fault as error:
            raise fault(f"{name} again") from error

    def stumble(name: str) -> None:
        raise fault(name)

    monkeypatch.setattr("classifier.api.views.base.record_viewed", fail)
    monkeypatch.setattr("classifier.pages.submission.record_viewed", fail)
    answers = [
        api.get(f"/api/v1/submissions/{case.pk}/"),
        pages.get(reverse("submission-detail", args=[case.pk])),
    ]
    for answer in answers:
        assert answer.status_code == 500
        assert find_canaries(answer.content.decode()) == []
    assert watch.leaks() == {}
    log = watch.log.getvalue()
    assert f"{fault.__name__}: (message withheld" in log
    assert "in fail" in log, "the place of the bug must stay visible"


def test_report(clients, side, watch: Watch) -> None:
    """Its typeface lacks some of the letters, which whoever draws it would tell the log."""
    patient = PatientFactory(clinic=side.own.clinic, mrn=MRN)
    case = SubmissionFactory(
        clinic=side.own.clinic,
        lesion=LesionFactory(patient=patient, note=f"{NOTE} שלום"),
        clinical_history=f"{HISTORY} 中文",
        clinical_question=QUESTION,
    )
    image = SubmissionImageFactory(submission=case, with_files=True, original_name=FILE)
    PredictionFactory(image=image, state="succeeded", outcome="malignant")
    addresses = (f"/api/v1/submissions/{case.pk}/report/", reverse("submission-report", args=[case.pk]))
    for client, address in zip(clients, addresses, strict=True):
        answer = watch.note(client.get(address))
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/pdf"
    assert watch.leaks() == {}
    log = watch.log.getvalue()
    assert not re.search(r"中|U\+4E2D|Glyph", log)
    assert find_canaries(read_audit_log()) == []


def test_worker(side, watch: Watch, api, monkeypatch) -> None:
    submit_by_api(api, watch)

    def fail(*_: Any) -> None:
        raise ValueError(HISTORY)

    monkeypatch.setattr(serving, "load_predictor", lambda _: None)
    monkeypatch.setattr(serving, "predict", fail)
    # A bug is raised to the task, whose log is the next test.
    with contextlib.suppress(ValueError):
        run_queued(budget_seconds=1)
    assert Prediction.objects.get().attempt > 0
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []
    assert find_canaries(json.dumps(list(Prediction.objects.values()), default=str)) == []


def test_failing_task(watch: Watch, db, monkeypatch) -> None:
    def fail() -> None:
        raise ValueError(HISTORY)

    monkeypatch.setattr(tasks.prediction_claims, "reconcile", fail)
    tasks.reconcile_predictions_task.apply()
    assert "ValueError: (message withheld" in watch.log.getvalue()
    assert watch.leaks() == {}


def test_tasks_take_nothing_about_anybody() -> None:
    """A task without parameters can't carry a patient's word."""
    for task in (tasks.run_predictions_task, tasks.reconcile_predictions_task):
        assert task.run.__code__.co_argcount == 0
        assert task.ignore_result


def test_nothing_of_a_patient_is_cached(api, watch: Watch) -> None:
    submit_by_api(api, watch)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM portal_cache")
        kept = [str(row[0]) for row in cursor.fetchall()]
    assert find_canaries("\n".join(kept)) == []


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/patients/0b0d0a4e-7c55-4b1c-a1f7-0c9d3e6f0a11/edit/", None),
        ("/api/v1/submissions/", None),
        ("/accounts/login/", None),
        (f"/patients/{NAME}/", "/patients/…/"),
        (f"/api/v1/patients/{MRN}/x", "/api/v1/patients/…/…"),
        ("/accounts/password/reset/key/2a-secret/", "/accounts/password/reset/key/…/"),
    ],
)
def test_log_keeps_of_an_address_what_is_ours(path: str, kept: str | None) -> None:
    assert hide_words(path) == (kept or path)
