"""Lists, details, polling: what is shown, to whom, in how many queries, and the audit log it leaves."""

import datetime as dt
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classifier.engine.queue import position_in_queue
from classifier.intake import DERIVATIVE_CONTENT_TYPE
from classifier.models import Prediction, SubmissionImage
from portal.trust.audit.models import AuditEvent
from portal.trust.encryption.storage import EncryptedFileSystemStorage
from tests.classifier.api.conftest import ROOT
from tests.factories import (
    TOO_BLURRED,
    LesionFactory,
    MembershipFactory,
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    active_model,
    answered_submission,
    restate,
    restated_together,
)

pytestmark = pytest.mark.django_db
SUBMISSIONS = f"{ROOT}/submissions/"


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def ids(response) -> list[str]:
    return [row["id"] for row in response.json()["results"]]


def test_result_of_a_case(client, side):
    case = answered_submission(side.own, "malignant")
    prediction = Prediction.objects.get()
    PredictionFactory(
        image=prediction.image,
        model_version=ModelVersionFactory(shadow=True),
        is_shadow=True,
        state="succeeded",
        outcome="benign",
    )
    body = client.get(f"{SUBMISSIONS}{case.pk}/").json()
    assert body["state"] == "awaiting_review"
    assert body["preliminary"] is True
    assert body["patient"]["mrn"] == case.lesion.patient.mrn
    assert body["status_url"].endswith(f"/api/v1/submissions/{case.pk}/status/")
    (image,) = body["images"]
    (answer,) = image["predictions"]
    version = prediction.model_version
    assert answer["outcome"] == "malignant"
    assert answer["probability"] == answer["calibrated_probability"] == 0.91
    assert answer["threshold_policy"] == version.policy
    assert answer["model_version"] == {
        "id": str(version.pk),
        "name": version.name,
        "version": version.version,
        "sha256": version.sha256,
    }
    assert (answer["device"], answer["state"]) == ("CPU: test", "succeeded")
    assert answer["timings"]["predict_ms"] == 5.0
    assert answer["position_in_queue"] is None
    assert (answer["error_code"], answer["error_message"]) == ("", "")


def test_result_is_preliminary_until_signed(client, side):
    case = answered_submission(side.own)
    review = ReviewFactory(submission=case, signed_by=side.own.dermatologist)
    ReviewFactory(amends=review, signed_by=side.own.dermatologist)
    body = client.get(f"{SUBMISSIONS}{case.pk}/").json()
    assert body["preliminary"] is False
    assert body["state"] == "reviewed"
    first, amendment = body["reviews"]
    assert first["signed_by"]["name"] == side.own.dermatologist.full_name
    assert amendment["amends"] == first["id"]


def test_result_is_withheld_from_the_reader_until_signed(api, side):
    """A clinic may let its dermatologists read the image before they see the model's answer."""
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    case = answered_submission(side.own, "malignant")

    def read(person):
        client = api(person)
        body = client.get(f"{SUBMISSIONS}{case.pk}/").json()
        answer = body["images"][0]["predictions"][0]
        found = ids(client.get(SUBMISSIONS, {"outcome": "malignant"}))
        return body["is_withheld"], answer["outcome"], answer["probability"], len(found)

    assert read(side.own.dermatologist) == (True, None, None, 0)
    assert read(side.own.integration) == (False, "malignant", 0.91, 1)
    assert read(side.own.clinician) == (False, "malignant", 0.91, 1)
    ReviewFactory(submission=case, signed_by=side.own.dermatologist)
    assert read(side.own.dermatologist) == (False, "malignant", 0.91, 1)


def test_refused_image_says_why_and_holds_no_figure(client, side):
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case, refused=True)
    PredictionFactory(submission=case, state="succeeded")
    body = client.get(f"{SUBMISSIONS}{case.pk}/").json()
    refused, judged = body["images"]
    answer = refused["predictions"][0]
    assert (answer["state"], answer["outcome"]) == ("succeeded", "refer")
    assert answer["probability"] is answer["calibrated_probability"] is answer["threshold_policy"] is None
    assert answer["refusals"] == refused["gate"]["refusals"] == [TOO_BLURRED]
    assert (refused["gate"]["version"], refused["gate"]["figures"]) == ("test-1", {"sharpness": 3.1})
    assert judged["gate"] is None
    assert judged["predictions"][0]["refusals"] == []


def test_refusal_is_withheld_like_any_outcome(api, side):
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case, refused=True)
    (image,) = api(side.own.dermatologist).get(f"{SUBMISSIONS}{case.pk}/").json()["images"]
    assert image["gate"] is None
    assert (image["predictions"][0]["outcome"], image["predictions"][0]["refusals"]) == (None, [])


def test_unfinished_and_failed_images_say_so(client, side):
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case, state="rejected")
    PredictionFactory(submission=case)
    body = client.get(f"{SUBMISSIONS}{case.pk}/").json()
    rejected, queued = [image["predictions"][0] for image in body["images"]]
    assert rejected["error_code"] == "truncated"
    assert rejected["error_message"]
    assert (rejected["outcome"], queued["outcome"]) == (None, None)
    assert (queued["position_in_queue"], queued["probability"], queued["threshold_policy"]) == (0, None, None)


def test_position_in_queue_is_that_of_the_queue(client, side):
    now = timezone.now()
    with restated_together():
        for minutes, rank in ((5, 1), (4, 0), (3, 1), (3, 1), (1, 0)):
            PredictionFactory(
                submission=SubmissionFactory(clinic=side.own.clinic),
                queue_rank=rank,
                queued_at=now - dt.timedelta(minutes=minutes),
            )
    PredictionFactory(
        submission=SubmissionFactory(clinic=side.other.clinic), queued_at=now - dt.timedelta(hours=1)
    )
    PredictionFactory(
        model_version=ModelVersionFactory(shadow=True), is_shadow=True, queued_at=now - dt.timedelta(hours=2)
    )
    shown = {
        answer["id"]: answer["position_in_queue"]
        for row in client.get(SUBMISSIONS).json()["results"]
        for image in row["images"]
        for answer in image["predictions"]
    }
    mine = Prediction.objects.filter(image__clinic=side.own.clinic)
    assert shown == {str(row.pk): position_in_queue(row) for row in mine}
    assert sorted(shown.values()) == [0, 1, 3, 4, 5]


def test_polling_until_finished(client, side):
    case = SubmissionFactory(clinic=side.own.clinic)
    first, second = PredictionFactory(submission=case), PredictionFactory(submission=case)
    url = f"{SUBMISSIONS}{case.pk}/status/"
    response = client.get(url)
    assert response.json() == {
        "id": str(case.pk),
        "state": "in_work",
        "is_finished": False,
        "images": 2,
        "images_finished": 0,
        "position_in_queue": 0,
        "url": f"http://testserver{SUBMISSIONS}{case.pk}/",
    }
    assert int(response["Retry-After"]) > 0
    now = timezone.now()
    done = {"state": "failed", "error_code": "broken", "finished_at": now}
    Prediction.objects.filter(pk__in=[first.pk, second.pk]).update(**done)
    restate(case)
    finished = client.get(url)
    assert (finished.json()["is_finished"], finished.json()["state"]) == (True, "no_result")
    assert "Retry-After" not in finished
    # An image is tried again: the case is in work again.
    PredictionFactory(image=first.image, queued_at=now + dt.timedelta(seconds=1))
    assert client.get(url).json()["images_finished"] == 1


def test_polling_shows_nothing_of_the_patient_and_leaves_no_event(client, side):
    case = answered_submission(side.own)
    response = client.get(f"{SUBMISSIONS}{case.pk}/status/")
    assert case.lesion.patient.mrn not in response.content.decode()
    assert not AuditEvent.objects.exists()


def test_cancel(client, side):
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case)
    url = f"{SUBMISSIONS}{case.pk}/cancel/"
    body = client.post(url).json()
    assert body["state"] == "cancelled"
    assert body["images"][0]["predictions"][0]["state"] == "cancelled"
    again = client.post(url)
    assert again.status_code == 409
    assert again.json()["code"] == "already_cancelled"
    assert AuditEvent.objects.filter(action="submission.cancelled").count() == 1


def test_me_names_roles_and_rights(api, side):
    MembershipFactory(
        user=side.own.dermatologist, clinic=side.other.clinic, role="clinician", is_active=False
    )
    body = api(side.own.dermatologist).get(f"{ROOT}/me/").json()
    (membership,) = body["memberships"]
    assert membership["clinic"] == {"id": str(side.own.clinic.pk), "name": side.own.clinic.name}
    assert membership["role"] == "dermatologist"
    assert set(membership["may"]) == {
        *("view_cases", "submit", "cancel", "review", "record_outcome", "export", "report"),
    }


def test_model_versions(client):
    version = active_model()
    ModelVersionFactory()
    (row,) = client.get(f"{ROOT}/model-versions/", {"lifecycle": "active"}).json()["results"]
    assert (row["sha256"], row["specification"]["policy"]) == (version.sha256, version.policy)


@pytest.mark.usefixtures("tmp_path")
def test_derivative(client, side, stores):
    image = SubmissionImageFactory(submission__clinic=side.own.clinic, with_files=True)
    url = f"{ROOT}/images/{image.pk}/derivative/"
    for accept in ("*/*", "image/*", "application/json"):
        response = client.get(url, HTTP_ACCEPT=accept)
        assert response.status_code == 200
        assert response["Content-Type"] == DERIVATIVE_CONTENT_TYPE
        assert response["Cache-Control"] == "private, no-store"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert image.original_name not in response["Content-Disposition"]
        with image.derivative.open() as file:
            assert b"".join(response.streaming_content) == file.read()
    assert AuditEvent.objects.filter(action="submissionimage.viewed", object_id=image.pk).count() == 3


def test_lost_derivative_is_unavailable(client, side):
    image = SubmissionImageFactory(submission__clinic=side.own.clinic)
    response = client.get(f"{ROOT}/images/{image.pk}/derivative/", HTTP_ACCEPT="image/*")
    assert response.status_code == 503
    assert response.json()["code"] == "image_unavailable"


def test_derivative_that_was_changed_in_the_store_is_unavailable(client, side, stores, monkeypatch):
    field = SubmissionImage._meta.get_field("derivative")
    monkeypatch.setattr(field, "storage", EncryptedFileSystemStorage(location=stores / "encrypted"))
    image = SubmissionImageFactory(submission__clinic=side.own.clinic, with_files=True)
    path = Path(image.derivative.path)
    path.write_bytes(path.read_bytes()[:-1])
    response = client.get(f"{ROOT}/images/{image.pk}/derivative/", HTTP_ACCEPT="image/*")
    assert (response.status_code, response.json()["code"]) == (503, "image_unavailable")
    assert "Tell your operator" in response.json()["detail"]


def test_reading_leaves_one_event_each(client, side):
    case = answered_submission(side.own)
    client.get(f"{SUBMISSIONS}{case.pk}/")
    client.get(f"{ROOT}/patients/{case.lesion.patient_id}/")
    client.get(f"{ROOT}/lesions/{case.lesion_id}/")
    client.get(SUBMISSIONS, {"state": "in_work", "page_size": 5})
    events = AuditEvent.objects.filter(chain__clinic=side.own.clinic).order_by("position")
    assert [(event.action, event.object_id) for event in events] == [
        ("submission.viewed", str(case.pk)),
        ("patient.viewed", str(case.lesion.patient_id)),
        ("lesion.viewed", str(case.lesion_id)),
        ("submissions.listed", ""),
    ]
    assert all(event.actor == side.own.integration for event in events)
    assert events[3].details == {"rows": 0, "filters": ["state"], "source": "api"}


def test_refused_reading_leaves_no_event(api, side):
    case = answered_submission(side.own)
    api(side.other.integration).get(f"{SUBMISSIONS}{case.pk}/")
    assert not AuditEvent.objects.filter(action="submission.viewed").exists()


def count_queries(client, url) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("path", ["submissions", "patients", "lesions", "model-versions"])
def test_lists_take_a_constant_number_of_queries(client, side, path):
    def add():
        case = answered_submission(side.own, "benign", "malignant")
        ReviewFactory(submission=case)
        PredictionFactory(submission=case)
        ModelVersionFactory()

    add()
    client.get(f"{ROOT}/{path}/")
    few = count_queries(client, f"{ROOT}/{path}/")
    [add() for _ in range(6)]
    assert count_queries(client, f"{ROOT}/{path}/") == few <= 22


@pytest.mark.parametrize("path", ["predictions", "reviews", "lesions"])
def test_patients_that_come_along_take_a_constant_number_of_queries(api, side, path):
    """For a reader who is not to know yet, each patient's standing asks what is still unread of them."""
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    client = api(side.own.dermatologist)
    address = f"{ROOT}/{path}/?expand=patient"

    def add():
        lesion = LesionFactory(clinic=side.own.clinic)
        answered_submission(side.own, "malignant", lesion=lesion)
        ReviewFactory(submission=answered_submission(side.own, lesion=lesion), diagnosis="melanoma")

    add()
    client.get(address)
    few = count_queries(client, address)
    [add() for _ in range(4)]
    assert count_queries(client, address) == few


def test_detail_and_status_take_a_constant_number_of_queries(client, side):
    small, large = (SubmissionFactory(clinic=side.own.clinic) for _ in range(2))
    for case, images in ((small, 1), (large, 10)):
        [PredictionFactory(submission=case) for _ in range(images)]
    for suffix in ("", "status/"):
        client.get(f"{SUBMISSIONS}{small.pk}/{suffix}")
        few = count_queries(client, f"{SUBMISSIONS}{small.pk}/{suffix}")
        assert count_queries(client, f"{SUBMISSIONS}{large.pk}/{suffix}") == few


def test_every_answer_is_kept_out_of_caches(client, side):
    case = answered_submission(side.own)
    for path in (
        "me/",
        "submissions/",
        f"submissions/{case.pk}/",
        "submissions/x/",
        "patients/",
        "model-versions/",
    ):
        response = client.get(f"{ROOT}/{path}")
        assert response["Cache-Control"] == "private, no-store", path
