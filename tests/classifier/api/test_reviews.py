"""Signing and amending over the API, and what a clinic hides until then."""

import threading

import pytest
from django.db import connection

from classifier.models import Review
from tests.classifier.api.conftest import ROOT, codes
from tests.factories import (
    MembershipFactory,
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
)

REVIEWS, PREDICTIONS = f"{ROOT}/reviews/", f"{ROOT}/predictions/"
DECISION = {"diagnosis": "melanoma", "agreement": "agrees", "management": "excise"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    return api(side.own.dermatologist)


def ids(response) -> list[str]:
    return [row["id"] for row in response.json()["results"]]


def test_sign(client, side):
    case = answered_submission(side.own, "malignant")
    tag = client.get(f"{ROOT}/submissions/{case.pk}/")["ETag"]
    response = client.post(REVIEWS, {**DECISION, "submission": case.pk}, HTTP_IF_MATCH=tag)
    review = Review.objects.get()
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver{REVIEWS}{review.pk}/"
    assert (review.signed_by, review.diagnosis) == (side.own.dermatologist, "melanoma")
    assert response.json()["is_current"] is True
    again = client.post(REVIEWS, {**DECISION, "submission": case.pk})
    assert (again.status_code, again.json()["code"]) == (409, "already_reviewed")
    late = client.post(REVIEWS, {**DECISION, "submission": case.pk}, HTTP_IF_MATCH=tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")


def test_agreement_follows_from_the_diagnosis(client, side):
    clear, unclear = answered_submission(side.own, "benign"), answered_submission(side.own, "benign")
    asked = {"diagnosis": "melanoma", "management": "excise"}
    assert client.post(REVIEWS, {**asked, "submission": clear.pk}).json()["agreement"] == "disagrees"
    # What older clients send of it isn't used.
    open_case = {**asked, "diagnosis": "indeterminate", "submission": unclear.pk, "agreement": "agrees"}
    assert client.post(REVIEWS, open_case).json()["agreement"] == "undetermined"


def test_case_of_the_other_clinic_and_case_in_work(client, side):
    theirs = answered_submission(side.other)
    assert codes(client.post(REVIEWS, {**DECISION, "submission": theirs.pk})) == [
        ("does_not_exist", "submission")
    ]
    waiting = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=waiting)
    response = client.post(REVIEWS, {**DECISION, "submission": waiting.pk})
    assert (response.status_code, response.json()["code"]) == (409, "still_in_work")


def test_role_counts_in_the_clinic_of_the_case(client, side):
    MembershipFactory(user=side.own.dermatologist, clinic=side.other.clinic, role="clinician")
    theirs = answered_submission(side.other)
    assert client.post(REVIEWS, {**DECISION, "submission": theirs.pk}).status_code == 403
    assert not Review.objects.exists()


def test_amend(client, side):
    first = ReviewFactory(submission=answered_submission(side.own), signed_by=side.own.dermatologist)
    tag = client.get(f"{REVIEWS}{first.pk}/")["ETag"]
    url = f"{REVIEWS}{first.pk}/amend/"
    assert codes(client.post(url, DECISION)) == [("required", "amendment_reason")]
    asked = {**DECISION, "amendment_reason": "Histology came back."}
    response = client.post(url, asked, HTTP_IF_MATCH=tag)
    assert (response.status_code, response.json()["amends"]) == (201, str(first.pk))
    assert client.get(f"{REVIEWS}{first.pk}/").json()["is_current"] is False
    assert client.post(url, asked).json()["code"] == "already_amended"
    assert client.post(url, asked, HTTP_IF_MATCH=tag).status_code == 412
    assert ids(client.get(REVIEWS, {"is_current": "true"})) == [response.json()["id"]]
    assert ids(client.get(REVIEWS, {"is_current": "false"})) == [str(first.pk)]


@pytest.mark.django_db(transaction=True)
def test_of_eight_signatures_at_once_one_is_taken(side, api):
    case = answered_submission(side.own)
    clients = [api(side.own.dermatologist) for _ in range(8)]
    start, answers = threading.Barrier(8), []

    def sign(client):
        start.wait()
        answers.append(client.post(REVIEWS, {**DECISION, "submission": str(case.pk)}).status_code)
        connection.close()

    threads = [threading.Thread(target=sign, args=(client,)) for client in clients]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(answers) == [201] + [409] * 7
    assert Review.objects.count() == 1


def test_predictions_are_listed_without_shadows_and_by_clinic(client, side):
    case = answered_submission(side.own, "malignant", "refer")
    answered_submission(side.other)
    shadow = PredictionFactory(
        image=case.images.first(), model_version=ModelVersionFactory(shadow=True), is_shadow=True
    )
    found = client.get(PREDICTIONS, {"submission": case.pk, "expand": "model_version"}).json()["results"]
    assert {row["outcome"] for row in found} == {"malignant", "refer"}
    assert all(row["submission"] == str(case.pk) and row["preliminary"] for row in found)
    assert all(row["expanded"]["model_version"]["lifecycle"] == "active" for row in found)
    assert len(ids(client.get(PREDICTIONS, {"outcome": "refer"}))) == 1
    assert len(ids(client.get(PREDICTIONS, {"state": "queued"}))) == 0
    assert client.get(f"{PREDICTIONS}{shadow.pk}/").status_code == 404


def test_prediction_is_withheld_until_somebody_signs(api, side):
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    case = SubmissionFactory(clinic=side.own.clinic)
    refused, judged = (
        PredictionFactory(submission=case, refused=True),
        PredictionFactory(submission=case, state="succeeded", outcome="malignant"),
    )
    reader, sender = api(side.own.dermatologist), api(side.own.integration)
    hidden = [reader.get(f"{PREDICTIONS}{row.pk}/").json() for row in (refused, judged)]
    telling = ("outcome", "probability", "calibrated_probability", "threshold_policy", "refusals")
    telling += ("device", "timings", "is_withheld", "preliminary")
    first, second = ([row[name] for name in telling] for row in hidden)
    assert first == second == [None, None, None, None, [], "", {}, True, True]
    for value in ("benign", "malignant", "refer"):
        assert ids(reader.get(PREDICTIONS, {"outcome": value})) == []
    tag = reader.get(f"{PREDICTIONS}{judged.pk}/")["ETag"]
    assert sender.get(f"{PREDICTIONS}{judged.pk}/").json()["outcome"] == "malignant"
    ReviewFactory(submission=case, signed_by=side.own.dermatologist)
    shown = reader.get(f"{PREDICTIONS}{judged.pk}/", HTTP_IF_NONE_MATCH=tag)
    assert (shown.status_code, shown.json()["outcome"]) == (200, "malignant")


def test_cancel_only_what_was_read(api, side):
    client = api(side.own.integration)
    case = SubmissionFactory(clinic=side.own.clinic)
    prediction = PredictionFactory(submission=case)
    url = f"{ROOT}/submissions/{case.pk}/"
    tag = client.get(url)["ETag"]
    assert client.get(url, HTTP_IF_NONE_MATCH=tag).status_code == 304
    type(prediction).objects.filter(pk=prediction.pk).update(attempt=1)
    assert client.get(url, HTTP_IF_NONE_MATCH=tag).status_code == 200
    assert client.post(f"{url}cancel/", HTTP_IF_MATCH=tag).status_code == 412
    fresh = client.get(url)["ETag"]
    assert client.post(f"{url}cancel/", HTTP_IF_MATCH=fresh).status_code == 200
