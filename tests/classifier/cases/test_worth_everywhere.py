"""What a figure is worth in its clinic, and that a picture is unlike what was learned: every door says the same."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse

from classifier.labels.answers import FAR, REFERRALS
from classifier.labels.probability import NO_RANGE, NO_WORTH, describe_worth
from classifier.models import Submission as Case
from classifier.models import WebhookDelivery
from classifier.outbox import announce_predictions
from classifier.webhooks.delivery import write_request
from portal.trust.accounts.people.services import update_clinic
from portal.trust.audit.services import record_event
from tests.classifier.cases.doors import ROOT, api, read_archive, read_by_client, read_export, read_fhir
from tests.classifier.cases.looking import get, main_of, open_as, rows_of
from tests.classifier.report.papers import add_image, make_case, read
from tests.factories import PredictionFactory, two_clinics
from tests.support.webhooks import WebhookEndpointFactory

UNLIKE = "unlike the pictures it learned from"
WITH_RANGE = {"predictive_low": 0.041, "predictive_high": 0.42}
CANNOT_TELL = {"predictive_value": None}
SENTENCE = "Of 100 lesions like this in a clinic where 3 in 100 are malignant, about 29 are malignant."


@pytest.fixture
def side(db, stores):
    return two_clinics()


def answer(side, **prediction) -> Any:
    """A case of one picture that was judged, with what the engine writes beside it."""
    case = make_case(side.own, mrn=f"MRN-{Case.objects.count()}")
    values = {"state": "succeeded", "outcome": "malignant", **prediction}
    if prediction.get("far"):
        del values["outcome"]
    row = PredictionFactory(image=add_image(case), **values)
    with transaction.atomic():
        record_event(clinic_id=case.clinic_id, action="prediction.succeeded", obj=row)
    return row


def case_of(row):
    return row.image.submission


def words_of(page: str) -> str:
    return " ".join(html.unescape(main_of(page)).split())


def open_case(side, row, person=None) -> str:
    return words_of(get(open_as(person or side.own.clinician), "submission-detail", case_of(row).pk))


def open_reading(side, row) -> str:
    client = open_as(side.own.dermatologist)
    return words_of(client.get(reverse("submission-review", args=[case_of(row).pk]), follow=True).text)


def read_observation(side, row, person=None) -> dict[str, Any]:
    return api(person or side.own.clinician).get(f"/fhir/r4/Observation/{row.pk}").json()


def read_prediction(side, row, person=None) -> dict[str, Any]:
    return api(person or side.own.clinician).get(f"{ROOT}/predictions/{row.pk}/").json()


def notes_of(observation) -> str:
    return " ".join(note["text"] for note in observation.get("note", []))


# What each door says in words, of a figure and of a picture without ground.
DOORS: dict[str, Callable[[Any, Any], str]] = {
    "case page": open_case,
    "reading page": open_reading,
    "paper": lambda side, row: read(side.own.clinician, case_of(row)),
    "REST": lambda side, row: json.dumps(read_prediction(side, row)),
    "FHIR": lambda side, row: notes_of(read_observation(side, row)),
    "archive": lambda side, row: json.dumps(read_archive(side, case_of(row))[0]),
    "client": lambda side, row: str(read_by_client(side, case_of(row))[0].images[0].prediction),
}


@pytest.mark.parametrize(
    ("columns", "sentences"),
    [
        (WITH_RANGE, (SENTENCE, "In hospitals that it never learned from, it was 4 to 42.")),
        ({}, (SENTENCE, NO_RANGE)),
        (CANNOT_TELL, (NO_WORTH,)),
    ],
    ids=["with its range", "without", "a network that can't tell"],
)
def test_every_door_tells_what_the_figure_is_worth_as_it_was_set_then(side, columns, sentences):
    row = answer(side, **columns)
    assert describe_worth(row) == " ".join(sentences)
    # What the clinic sets later counts for later answers.
    update_clinic(actor=side.own.administrator, clinic=side.own.clinic, kind="dermatology")
    for name, tell in DOORS.items():
        told = tell(side, row)
        assert [sentence in told for sentence in sentences] == [True] * len(sentences), name
    numbers = [row.predictive_value, row.predictive_low, row.predictive_high, 0.03]
    names = ("value", "low", "high", "prevalence")
    rest = read_prediction(side, row)
    assert [rest["predictive_value"][name] for name in names] == numbers
    assert (rest["referral"], rest["distance"], rest["calibrated_probability"]) == (None, None, 0.91)
    codes = ("predictive-value", "predictive-value-low", "predictive-value-high", "prevalence")
    observation = read_observation(side, row)
    figures = {
        part["code"]["coding"][0]["code"]: part["valueQuantity"]["value"] for part in observation["component"]
    }
    assert [figures.get(code) for code in codes] == numbers
    assert observation["valueQuantity"]["value"] == 0.91
    columns = ("predictive_value", "predictive_low", "predictive_high", "prevalence")
    archived = read_archive(side, case_of(row))[0]["submissions"][0]["images"][0]["predictions"][0]
    for told in (read_export(side), read_by_client(side, case_of(row))[1]):
        assert [float(told[name]) if told[name] else None for name in columns] == pytest.approx(numbers)
    assert [archived[name] for name in columns] == numbers


def test_every_door_says_that_a_picture_is_unlike_what_was_learned(side):
    row = answer(side, far=True)
    case = case_of(row)
    for name, tell in DOORS.items():
        told = tell(side, row)
        assert UNLIKE in told.lower(), name
        # A picture without ground has no figure.
        assert ("in a clinic where" in told, "score <" in told) == (False, False), name
    for page in (open_case(side, row), read(side.own.clinician, case)):
        assert FAR.sentence in page
        assert FAR.next_step in page
        assert "too close" not in page
    assert f"Image 1 referred. {REFERRALS['unlike_training']}" in open_case(side, row)
    clinician = open_as(side.own.clinician)
    lists = {
        "submissions": rows_of(get(clinician, "submission-list")),
        "home": main_of(get(clinician, "home")),
        "patient": main_of(get(clinician, "patient-detail", case.lesion.patient_id)),
        "lesion": main_of(get(clinician, "lesion-detail", case.lesion_id)),
        "worklist": rows_of(get(open_as(side.own.dermatologist), "worklist")),
    }
    assert {name: REFERRALS["unlike_training"] in told for name, told in lists.items()} == dict.fromkeys(
        lists, True
    )
    rest = read_prediction(side, row)
    assert rest["referral"] == {"code": "unlike_training", "message": REFERRALS["unlike_training"]}
    assert (rest["outcome"], rest["is_judged"], rest["distance"]) == ("refer", True, 2.5)
    assert [rest[name] for name in ("probability", "calibrated_probability", "predictive_value")] == [
        None
    ] * 3
    observation = read_observation(side, row)
    absent = observation["dataAbsentReason"]
    assert [one["code"] for one in absent["coding"]] == ["unknown", "unlike_training"]
    assert observation["interpretation"][0]["coding"][0]["code"] == "refer"
    assert not observation.keys() & {"valueQuantity", "component"}
    assert FAR.sentence in read_fhir(side, case)["conclusion"]
    record, line = read_by_client(side, case)
    assert record.images[0].prediction.referral.code == "unlike_training"
    exported = read_export(side)
    for told in (exported, line):
        assert (told["outcome"], told["referral"], told["calibrated_probability"]) == (
            "refer",
            "unlike_training",
            "",
        )
    assert exported["model"]
    archived = read_archive(side, case)[0]["submissions"][0]["images"][0]["predictions"][0]
    assert (archived["outcome"], archived["calibrated_probability"]) == ("refer", None)


def test_a_webhook_tells_why(side):
    WebhookEndpointFactory(clinic=side.own.clinic, events=["prediction.refused"])
    for row in (answer(side, far=True), answer(side, outcome="refer")):
        with transaction.atomic():
            announce_predictions([row.pk])
    rows = WebhookDelivery.objects.select_related("event__clinic", "endpoint").order_by("created_at")
    payloads = [json.loads(write_request(one).body) for one in rows]
    assert [payload["data"]["code"] for payload in payloads] == ["unlike_training", "policy"]


@pytest.mark.parametrize("columns", [{"far": True}, WITH_RANGE], ids=["far", "figure"])
def test_who_is_to_read_first_is_told_neither(side, columns):
    row = answer(side, **columns)
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    reader = side.own.dermatologist
    doors = {
        "case page": open_case(side, row, reader),
        "reading page": open_reading(side, row),
        "list": rows_of(get(open_as(reader), "submission-list")),
        "lesion": main_of(get(open_as(reader), "lesion-detail", case_of(row).lesion_id)),
        "worklist": rows_of(get(open_as(reader), "worklist")),
        "REST": json.dumps(read_prediction(side, row, reader)),
        "FHIR": json.dumps(read_observation(side, row, reader)),
        "paper": read(reader, case_of(row)),
    }
    hints = (UNLIKE, "unlike_training", "100 lesions")
    assert {name: [hint for hint in hints if hint in told.lower()] for name, told in doors.items()} == {
        name: [] for name in doors
    }
    rest, observation = read_prediction(side, row, reader), read_observation(side, row, reader)
    hidden = ("referral", "distance", "predictive_value", "calibrated_probability", "threshold_policy")
    assert [rest[name] for name in hidden] == [None] * len(hidden)
    assert not observation.keys() & {"valueQuantity", "component", "interpretation", "note"}
    assert [one["code"] for one in observation["dataAbsentReason"]["coding"]] == ["masked"]


def test_a_far_picture_beside_others_is_named_and_never_speaks_for_them(side):
    row = answer(side, outcome="benign")
    case = case_of(row)
    PredictionFactory(image=add_image(case, seed=2), far=True)
    page, paper = open_case(side, row), read(side.own.clinician, case)
    assert FAR.sentence in page
    PredictionFactory(image=add_image(case, seed=3), state="succeeded", outcome="refer")
    page, paper = open_case(side, row), read(side.own.clinician, case)
    for told in (page, paper, open_reading(side, row)):
        assert "Image 2: Unlike the pictures it learned from. The model gives no figure for it." in told
        assert "about 4 are malignant." in told
    for told in (page, paper):
        assert "its figure is too close to the threshold" in told
        assert "The figure is image 3's" in told
    assert "unlike_training" not in json.dumps(read_export(side))
