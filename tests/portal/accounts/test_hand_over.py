"""A person leaves: what is open of theirs goes to colleagues in the same step."""

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from classifier.cases.hand_over import end_access, find_open_work, hand_over_work
from classifier.cases.inbox import build_inbox
from classifier.cases.readings import record_unseen_reading
from classifier.domain.errors import InvalidInputError
from classifier.models import Submission
from portal.trust.accounts.models import Membership
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    MembershipFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def colleague(clinics):
    return MembershipFactory(clinic=clinics.own.clinic, role="clinician").user


@pytest.fixture
def reader(clinics):
    return MembershipFactory(clinic=clinics.own.clinic, role="dermatologist").user


def membership_of(staff, user):
    return Membership.objects.get(clinic=staff.clinic, user=user)


def log_in(user):
    client = Client()
    client.force_login(user)
    return client


def leave(clinics, user, **chosen):
    address = reverse("person-leave", args=[membership_of(clinics.own, user).pk])
    return log_in(clinics.own.administrator).post(address, chosen)


def begin_reading(staff, case):
    record_unseen_reading(actor=staff.dermatologist, submission=case, diagnosis="naevus")


def test_page_shows_what_is_open_and_nothing_else(clinics):
    person, staff = clinics.own.clinician, clinics.own
    open_case = answered_submission(staff, "malignant")
    in_work = SubmissionFactory(clinic=staff.clinic, submitted_by=person)
    PredictionFactory(submission=in_work, state="queued")
    done = answered_submission(staff, "benign")
    ReviewFactory(submission=done, signed_by=staff.dermatologist, diagnosis="naevus", management="no_action")
    Submission.objects.filter(pk=done.pk).update(is_unread=False)
    for other, submitter in ((staff, staff.dermatologist), (clinics.other, person)):
        case = SubmissionFactory(clinic=other.clinic, submitted_by=submitter)
        PredictionFactory(submission=case, state="succeeded")

    page = log_in(staff.administrator).get(reverse("person-leave", args=[membership_of(staff, person).pk]))

    assert {row.submission.pk for row in page.context["awaited"]["rows"]} == {open_case.pk, in_work.pk}
    assert page.context["readings"]["count"] == 0
    assert membership_of(staff, person).is_active, "looking ends nothing"


def test_cases_go_to_the_colleague_in_the_same_step(clinics, colleague):
    case = answered_submission(clinics.own, "malignant")
    answer = leave(clinics, clinics.own.clinician, responsible=colleague.pk)

    assert answer.url == reverse("people")
    case.refresh_from_db()
    assert (case.submitted_by, case.responsible) == (clinics.own.clinician, colleague)
    assert not membership_of(clinics.own, clinics.own.clinician).is_active
    inbox = build_inbox(user=colleague, clinic=clinics.own.clinic, role="clinician")
    assert [(row.submission.pk, row.note) for row in inbox.needs] == [(case.pk, "Result back")]
    event = AuditEvent.objects.get(action="submission.handed_over")
    assert event.details == {"as": "responsible", "to": str(colleague.pk)}
    page = log_in(colleague).get(reverse("submission-detail", args=[case.pk]))
    assert "Handed over to a colleague" in page.text
    mine = log_in(colleague).get(reverse("submission-list") + "?scope=mine")
    assert [row.submission.pk for row in mine.context["cases"]] == [case.pk]


@pytest.mark.parametrize(("management", "is_unread"), [("excise", False), ("no_action", True)])
def test_what_is_signed_goes_too_until_it_was_opened_and_done(clinics, colleague, management, is_unread):
    case = answered_submission(clinics.own, "malignant")
    ReviewFactory(submission=case, signed_by=clinics.own.dermatologist, management=management)
    Submission.objects.filter(pk=case.pk).update(is_unread=is_unread)

    leave(clinics, clinics.own.clinician, responsible=colleague.pk)

    case.refresh_from_db()
    assert (case.responsible, case.is_unread) == (colleague, True)
    inbox = build_inbox(user=colleague, clinic=clinics.own.clinic, role="clinician")
    assert [row.submission.pk for row in inbox.needs] == [case.pk]


def test_what_is_judged_anew_is_nothing_to_open_yet(clinics, colleague):
    case = answered_submission(clinics.own, "malignant")
    PredictionFactory(submission=case, state="queued")
    case.refresh_from_db()
    assert (case.state, case.is_unread, case.news_at is None) == ("in_work", False, False)
    leave(clinics, clinics.own.clinician, responsible=colleague.pk)
    case.refresh_from_db()
    assert (case.responsible, case.is_unread) == (colleague, False)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer and locks no row")
def test_patients_are_locked_before_the_audit_log(clinics, colleague, reader):
    """Whoever changes a case holds its patient and waits for the audit log: the other way round is a deadlock."""
    staff = clinics.own
    own = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.dermatologist)
    PredictionFactory(submission=own, state="succeeded")
    begin_reading(staff, answered_submission(staff, "malignant"))
    with CaptureQueriesContext(connection) as queries:
        end_access(
            actor=staff.administrator,
            membership=membership_of(staff, staff.dermatologist),
            responsible=colleague,
            reader=reader,
        )
    locks = [query["sql"] for query in queries.captured_queries if " FOR " in query["sql"]]
    first = next(number for number, sql in enumerate(locks) if 'FROM "audit_auditchain"' in sql)
    patients = [number for number, sql in enumerate(locks) if sql.startswith('SELECT "classifier_patient"')]
    assert patients[0] < first
    assert {re.findall(r"FOR [A-Z ]+?(?= OF |$)", locks[number])[0] for number in patients} == {
        "FOR NO KEY UPDATE"
    }


def test_begun_readings_go_to_another_dermatologist(clinics, reader):
    case = answered_submission(clinics.own, "malignant")
    untouched = answered_submission(clinics.own, "malignant")
    begin_reading(clinics.own, case)

    leave(clinics, clinics.own.dermatologist, reader=reader.pk)

    case.refresh_from_db()
    untouched.refresh_from_db()
    assert (case.reader, untouched.reader) == (reader, None)
    inbox = build_inbox(user=reader, clinic=clinics.own.clinic, role="dermatologist")
    assert (inbox.needs[0].submission.pk, inbox.needs[0].note) == (case.pk, "Waits for review, handed to you")
    assert "Handed to you" in log_in(reader).get(reverse("worklist")).text
    assert AuditEvent.objects.filter(
        action="submission.read_unseen", actor=clinics.own.dermatologist
    ).exists()


def test_who_takes_over_must_be_said(clinics, colleague):
    answered_submission(clinics.own, "malignant")
    for wrong in (
        {},
        {"responsible": clinics.other.clinician.pk},
        {"responsible": clinics.own.integration.pk},
    ):
        assert leave(clinics, clinics.own.clinician, **wrong).status_code == 400
    assert membership_of(clinics.own, clinics.own.clinician).is_active
    assert leave(clinics, clinics.own.clinician, responsible="nobody").status_code == 302
    assert not membership_of(clinics.own, clinics.own.clinician).is_active


def test_what_nobody_took_can_be_handed_over_later(clinics, colleague):
    case = answered_submission(clinics.own, "malignant")
    leave(clinics, clinics.own.clinician, responsible="nobody")
    assert leave(clinics, clinics.own.clinician, responsible=colleague.pk).status_code == 302
    case.refresh_from_db()
    assert case.responsible == colleague
    work = find_open_work(person=clinics.own.clinician, clinic_id=clinics.own.clinic.pk)
    assert not work.awaited.exists()


def test_handed_over_work_moves_on_when_the_colleague_leaves_too(clinics, colleague):
    case = answered_submission(clinics.own, "malignant")
    leave(clinics, clinics.own.clinician, responsible=colleague.pk)
    leave(clinics, colleague, responsible=clinics.own.dermatologist.pk)
    case.refresh_from_db()
    assert case.responsible == clinics.own.dermatologist


def test_service_refuses_strangers_and_undoes_all(clinics, colleague):
    case = answered_submission(clinics.own, "malignant")
    row = membership_of(clinics.own, clinics.own.clinician)
    for stranger in (clinics.other.clinician, clinics.own.clinician, clinics.own.administrator):
        with pytest.raises(InvalidInputError) as error:
            end_access(actor=clinics.own.administrator, membership=row, responsible=stranger)
        assert error.value.code == "colleague_unknown"
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.is_active, case.responsible) == (True, None)
    for actor in (clinics.own.dermatologist, clinics.other.administrator):
        with pytest.raises(PermissionDenied):
            hand_over_work(actor=actor, membership=row, responsible=colleague)
        with pytest.raises(PermissionDenied):
            end_access(actor=actor, membership=row)


def test_open_work_stops_the_short_way(clinics):
    answered_submission(clinics.own, "malignant")
    row = membership_of(clinics.own, clinics.own.clinician)
    client = log_in(clinics.own.administrator)
    answer = client.post(reverse("person-active", args=[row.pk]), {"active": "no"})
    assert answer.url == reverse("person-leave", args=[row.pk])
    row.refresh_from_db()
    assert row.is_active
