"""The kind belongs to each picture: sent as form parts or in JSON, and only dermoscopic ones are judged."""

from __future__ import annotations

import base64

import pytest

from classifier.models import Prediction, Submission, SubmissionImage
from tests.classifier.api.conftest import codes, form, jpeg
from tests.factories import draw_jpeg

SUBMISSIONS = "/api/v1/submissions/"
pytestmark = pytest.mark.usefixtures("stores", "model")
KINDS = ["overview", "clinical", "dermoscopic"]
TYPES = ["", "", "contact_polarized"]


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def pictures() -> list:
    return [jpeg(seed, name=f"{seed}.jpg") for seed in range(3)]


def stored() -> list[tuple[str, str]]:
    rows = SubmissionImage.objects.order_by("position")
    return list(rows.values_list("capture_kind", "dermoscopic_type"))


def by_form(client):
    sent = form(images=pictures(), capture_kinds=KINDS, dermoscopic_types=TYPES)
    return client.post(SUBMISSIONS, sent, format="multipart")


def by_json(client):
    images = [
        {
            "data": base64.b64encode(draw_jpeg(seed)).decode(),
            "capture_kind": kind,
            **({"dermoscopic_type": lit} if lit else {}),
        }
        for seed, (kind, lit) in enumerate(zip(KINDS, TYPES, strict=True))
    ]
    return client.post(SUBMISSIONS, form(images=images), format="json")


@pytest.mark.parametrize("send", [by_form, by_json])
def test_each_picture_keeps_its_kind_and_one_is_judged(client, send):
    accepted = send(client)
    assert accepted.status_code == 202, accepted.content
    assert stored() == list(zip(KINDS, TYPES, strict=True))
    assert Prediction.objects.get().image.capture_kind == "dermoscopic"
    told = client.get(accepted.json()["url"]).json()["images"]
    assert [(one["capture_kind"], one["dermoscopic_type"]) for one in told] == stored()
    assert [len(one["predictions"]) for one in told] == [0, 0, 1]
    status = client.get(accepted.json()["status_url"]).json()
    assert (status["images"], status["images_finished"], status["is_finished"]) == (3, 2, False)


def test_a_case_without_a_dermoscopic_picture_is_for_a_reader_at_once(client):
    accepted = client.post(SUBMISSIONS, form(capture_kinds=["clinical"]), format="multipart").json()
    assert accepted["state"] == "awaiting_review"
    assert client.get(accepted["status_url"]).json()["is_finished"]


def test_without_a_word_a_picture_is_dermoscopic(client):
    client.post(SUBMISSIONS, form(), format="multipart")
    assert stored() == [("dermoscopic", "")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"capture_kinds": ["overview"] * 2}, [("kinds_mismatch", "capture_kinds")]),
        ({"dermoscopic_types": ["", ""]}, [("kinds_mismatch", "dermoscopic_types")]),
        ({"capture_kinds": ["close-up"]}, [("invalid_choice", "capture_kinds.0")]),
        (
            {"capture_kinds": ["overview"], "dermoscopic_types": ["contact_polarized"]},
            [("type_of_other_kind", "images.0")],
        ),
    ],
)
def test_a_kind_that_can_not_be_is_told(client, changes, expected):
    refused = client.post(SUBMISSIONS, form(**changes), format="multipart")
    assert codes(refused) == expected
    assert not Submission.objects.exists()
