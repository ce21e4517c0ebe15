"""The five jobs against the portal's own code."""

from __future__ import annotations

import datetime as dt

import pytest

from classifier.client import ApiError, Client, ClientCredentials, ImageFile
from classifier.engine.run import run_queued
from classifier.models import Lesion, Patient, Prediction, Submission
from tests.classifier.client.conftest import LOST, SITE, UNREACHABLE
from tests.classifier.client.portal import problem
from tests.factories import draw_jpeg
from tests.support.oauth import register
from tests.support.people import service_account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("model", "stores", "network")]
SPOT = {
    "patient_mrn": "MRN-1",
    "birth_date": dt.date(1961, 2, 3),
    "consents_to_inference": True,
    "body_site": "lower_extremity_thigh",
}


def image(seed: int = 1) -> ImageFile:
    return ImageFile(name=f"{seed}.jpg", data=draw_jpeg(seed))


def count_rows() -> list[int]:
    return [model.objects.count() for model in (Patient, Lesion, Submission, Prediction)]


def test_case_from_submission_to_outcome(portal, side):
    client = portal()
    accepted = client.submissions.create([image()], **SPOT, clinical_question="Is excision advised?")
    assert accepted.state == "in_work"
    assert not client.submissions.status(accepted).is_finished
    assert run_queued(budget_seconds=5) == 1

    case = client.submissions.wait(accepted)
    assert (case.images[0].prediction.outcome, case.preliminary) == ("benign", True)
    assert client.submissions.refresh(case) is case
    assert client.reports.read(case)["status"] == "preliminary"
    assert client.images.derivative(case.images[0])[:2] == b"\xff\xd8"

    with pytest.raises(ApiError) as told:
        client.reviews.sign(case, diagnosis="naevus", management="no_action")
    assert (told.value.status, told.value.code) == (403, "permission_denied")
    with pytest.raises(ApiError) as told:
        client.images.dicom(case.images[0])
    assert told.value.status == 403

    dermatologist = portal(side.own.dermatologist)
    assert dermatologist.images.dicom(case.images[0])[128:132] == b"DICM"
    signed = dermatologist.reviews.sign(case, diagnosis="naevus", management="no_action")
    assert signed.is_current
    with pytest.raises(ApiError) as told:
        dermatologist.reviews.sign(case, diagnosis="naevus", management="no_action")
    assert told.value.status in (409, 412)
    amended = dermatologist.reviews.amend(
        signed, reason="Histopathology", diagnosis="melanoma", management="excise", agreement="disagrees"
    )
    assert amended.amends == signed.id
    assert client.reports.read(case)["status"] == "amended"

    found = client.outcomes.record(
        case.lesion.id,
        diagnosis="melanoma_in_situ",
        procedure="excision",
        specimen_taken_on=dt.date(2026, 3, 2),
        reported_on=dt.date(2026, 3, 9),
    )
    assert [row.id for row in client.outcomes.list(lesion=case.lesion.id)] == [found.id]
    assert client.submissions.refresh(case).review.diagnosis == "melanoma"


@pytest.mark.parametrize("faults", [[LOST], [LOST, LOST], [UNREACHABLE, LOST], [problem(503, "unavailable")]])
def test_lost_answer_makes_no_second_case(portal, bridge, faults):
    bridge.faults = faults
    accepted = portal().submissions.create([image()], **SPOT)
    assert count_rows() == [1, 1, 1, 1]
    assert accepted.id == str(Submission.objects.get().pk)
    assert len({request.headers["Idempotency-Key"] for request in bridge.posts}) == 1


def test_lost_signature_is_signed_once(portal, bridge, side):
    case = portal().submissions.create([image()], **SPOT)
    run_queued(budget_seconds=5)
    bridge.faults = [LOST]
    review = portal(side.own.dermatologist).reviews.sign(case.id, diagnosis="naevus", management="no_action")
    assert review.id == str(Submission.objects.get().reviews.get().pk)


def test_too_much_at_work_is_waited_for(portal, settings, bridge):
    settings.DERMAPORT_API_ACTIVE_PREDICTIONS = 1
    client = portal(patience=60.0)
    client.submissions.create([image(1)], **SPOT)
    # The server names ten seconds; here they are over at once.
    told = []
    client.connection._pause = lambda asked, *_: told.append(asked) or run_queued(budget_seconds=5)
    client.submissions.create([image(2)], **SPOT)
    assert told == [10.0]
    assert Submission.objects.count() == 2


def test_too_much_at_work_and_no_patience(portal, settings):
    settings.DERMAPORT_API_ACTIVE_PREDICTIONS = 1
    client = portal(patience=1.0)
    client.submissions.create([image(1)], **SPOT)
    with pytest.raises(ApiError) as told:
        client.submissions.create([image(2)], **SPOT)
    assert (told.value.code, told.value.retry_after) == ("too_many_active", 10.0)


def test_bad_file_is_refused_with_its_place(portal):
    with pytest.raises(ApiError) as told:
        portal().submissions.create([image(), ImageFile(name="b.jpg", data=b"nothing")], **SPOT)
    assert told.value.status == 400
    assert [(one.field, one.code) for one in told.value.fields] == [("images.1", "unsupported_format")]
    assert count_rows() == [0, 0, 0, 0]


def test_cursor_is_followed_over_all_pages(portal):
    client = portal()
    ids = [client.submissions.create([image(seed)], **SPOT).id for seed in range(5)]
    assert [row.id for row in client.submissions.list(page_size=2, ordering="submitted_at")] == ids
    page = client.submissions.page(page_size=3)
    assert [row.id for row in page.results] == ids[:1:-1]
    back = client.submissions.page(client.submissions.page(page.next, page_size=3).previous, page_size=3)
    assert back.results == page.results


def test_system_acts_by_client_credentials(side, bridge):
    service = service_account(side.own.clinic)
    scopes = ["submissions:read", "submissions:write"]
    made = register(side.own, "system", service=service, scopes=scopes)
    credentials = ClientCredentials(made.application.client_id, made.secret, " ".join(scopes))
    client = Client(SITE, credentials, transport=bridge)
    accepted = client.submissions.create([image()], **SPOT)
    assert client.submissions.get(accepted.id).submitted_by.id == str(service.user_id)
    with pytest.raises(ApiError) as told:
        client.patients.get(accepted.patient)
    assert told.value.code == "scope_missing"
    with pytest.raises(ApiError) as told:
        Client(SITE, ClientCredentials(made.application.client_id, "wrong"), transport=bridge).me()
    assert (told.value.status, told.value.code) == (401, "invalid_client")


def test_another_clinic_is_not_found(portal, side):
    accepted = portal().submissions.create([image()], **SPOT)
    with pytest.raises(ApiError) as told:
        portal(side.other.integration).submissions.get(accepted.id)
    assert (told.value.status, told.value.code) == (404, "not_found")


def test_withdrawn_case_and_changed_patient(portal):
    client = portal()
    accepted = client.submissions.create([image()], **SPOT)
    patient = client.patients.get(accepted.patient, expand=["clinic"])
    assert patient.expanded.clinic.id == patient.clinic
    newer = client.patients.change(patient, sex="female")
    assert newer.sex == "female"
    with pytest.raises(ApiError) as told:
        client.patients.change(patient, sex="male")
    assert told.value.code == "changed_meanwhile"
    assert client.submissions.cancel(accepted.id).state == "cancelled"
