"""Each line of the audit log about a patient's data names the patient, on the page and in the export."""

import csv
import datetime as dt
import io
import uuid

import pytest
from django.utils import timezone

from classifier.intake.idempotency import SEALED_FOR, read_answer
from classifier.models import (
    Consent,
    EmergencyAccess,
    IdempotentRequest,
    ReadingClaim,
    WebhookDelivery,
    WebhookEvent,
)
from classifier.models.audit_subjects import OF_PATIENTS
from portal.trust.audit.services import record_event
from portal.trust.encryption.sealed import seal
from tests.factories import (
    AcknowledgementFactory,
    ExplanationFactory,
    LesionFactory,
    OutcomeFactory,
    OutlineFactory,
    ReadingFactory,
    ReviewFactory,
    answered_submission,
)
from tests.support.webhooks import WebhookDeliveryFactory, WebhookEndpointFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(clinics):
    """One row of each kind that belongs to a patient of the own clinic."""
    staff = clinics.own
    case = answered_submission(staff)
    patient, image = case.lesion.patient, case.images.get()
    review = ReviewFactory(submission=case)
    consent = Consent.objects.filter(patient=patient).first() or Consent.objects.create(
        patient=patient,
        purpose="teaching",
        is_given=True,
        recorded_at=timezone.now(),
        recorded_by=staff.clinician,
    )
    delivery = WebhookDeliveryFactory(endpoint=WebhookEndpointFactory(clinic=staff.clinic))
    WebhookEvent.objects.filter(pk=delivery.event_id).update(submission=case)
    now = timezone.now()
    made = [
        *(patient, case.lesion, case, image, image.predictions.get(), review, consent),
        ExplanationFactory(prediction=image.predictions.get()),
        OutlineFactory(image=image),
        OutcomeFactory(lesion=case.lesion),
        ReadingFactory(submission=case, reader=staff.dermatologist),
        AcknowledgementFactory(review=review),
        ReadingClaim.objects.create(
            submission=case, reader=staff.dermatologist, claimed_at=now, until=now + dt.timedelta(minutes=10)
        ),
        WebhookDelivery.objects.get(pk=delivery.pk),
        WebhookEvent.objects.get(pk=delivery.event_id),
        EmergencyAccess.objects.create(
            user=clinics.other.dermatologist,
            home_clinic=clinics.other.clinic,
            patient=patient,
            clinic=staff.clinic,
            reason="Referred tonight.",
            granted_at=now,
            expires_at=now + dt.timedelta(minutes=30),
        ),
    ]
    return {row._meta.label_lower: row for row in made}


@pytest.fixture
def show(client, clinics):
    client.force_login(clinics.own.administrator)
    return lambda **query: client.get("/settings/audit/", query)


def test_every_kind_has_a_row_here(rows):
    assert set(rows) == set(OF_PATIENTS)


@pytest.mark.parametrize("kind", sorted(OF_PATIENTS))
def test_line_names_the_patient(kind, rows, show, client, clinics):
    patient = rows["classifier.patient"]
    record_event(clinic_id=clinics.own.clinic.pk, action="test.seen", obj=rows[kind])
    html = show().content.decode()
    found = show(patient=patient.public_id, action="test.seen").context["rows"]
    export = client.post("/settings/audit/export/?action=test.seen").getvalue().decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(export, newline=""))

    assert f'Patient <a href="/patients/{patient.pk}/">{patient.public_id}</a>' in html
    assert [row.event.object_type for row in found] == [kind]
    assert line["patient_id"] == patient.public_id


def test_refused_request_names_the_patient_that_was_asked_for(rows, show, clinics):
    patient = rows["classifier.patient"]
    details = {"status": 403, "object": str(rows["classifier.submission"].pk)}
    record_event(clinic_id=clinics.own.clinic.pk, action="access.refused", details=details)

    assert patient.public_id in show().content.decode()
    assert len(show(patient=patient.public_id).context["rows"]) == 1


def test_repeated_answer_names_the_patient_of_what_was_made(rows, show, clinics):
    """Long after the request itself is forgotten."""
    patient, case = rows["classifier.patient"], rows["classifier.submission"]
    request = IdempotentRequest.objects.create(
        caller=clinics.own.integration,
        clinic=clinics.own.clinic,
        key_digest="k",
        fingerprint="f",
        created_at=timezone.now(),
        claimed_at=timezone.now(),
        status=201,
        location=f"https://portal.example/api/v1/submissions/{case.pk}/",
        sealed_answer=seal(b"{}", purpose=SEALED_FOR),
    )
    read_answer(actor=clinics.own.integration, request=request)
    request.delete()

    assert patient.public_id in show(action="answer.repeated").content.decode()
    assert len(show(patient=patient.public_id, action="answer.repeated").context["rows"]) == 1


def test_patient_of_another_clinic_is_not_named(show, clinics):
    theirs = answered_submission(clinics.other)
    record_event(clinic_id=clinics.own.clinic.pk, action="test.seen", obj=theirs)
    details = {"object": str(theirs.pk)}
    record_event(clinic_id=clinics.own.clinic.pk, action="access.not_found", details=details)

    assert theirs.lesion.patient.public_id not in show().content.decode()


def test_lines_about_nobody_and_about_what_is_gone_stand_without(show, clinics):
    record_event(clinic_id=clinics.own.clinic.pk, action="clinic.updated", obj=clinics.own.clinic)
    gone = LesionFactory.build(pk=uuid.uuid4())
    record_event(clinic_id=clinics.own.clinic.pk, action="lesion.viewed", obj=gone)

    assert [row.patient for row in show().context["rows"]] == [None, None]


def test_full_page_costs_no_more_queries_than_a_line_of_each_kind(
    rows, show, clinics, django_assert_max_num_queries
):
    def fill(times):
        for row in [*rows.values()] * times:
            record_event(clinic_id=clinics.own.clinic.pk, action="test.seen", obj=row)

    fill(1)
    with django_assert_max_num_queries(60) as few:
        show()
    for _ in range(3):
        fill(1)
        answered_submission(clinics.own)
    with django_assert_max_num_queries(len(few.captured_queries)):
        show()


def test_kinds_read_in_plain_words(rows, show, clinics):
    for kind in ("classifier.submissionimage", "classifier.outcome"):
        record_event(clinic_id=clinics.own.clinic.pk, action="test.seen", obj=rows[kind])
    words = [word for _, word in show().context["form"].fields["kind"].choices]

    assert words == ["Anything", "histopathology", "image"]
