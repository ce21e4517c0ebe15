"""Record numbers in one form: what is left out, where it is looked for, and who still looks alike."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from django.urls import reverse

from classifier.cases.search import find_candidates, search_cases, search_patients
from classifier.domain.record_numbers import clean_mrn, fold_mrn
from classifier.models import Patient, Submission
from classifier.patients.look_alikes import find_look_alikes
from classifier.privacy.emergency_access import open_emergency
from tests.classifier.fhir.conftest import check, post_search
from tests.factories import LesionFactory, PatientFactory, SubmissionFactory, TwoClinics, two_clinics
from tests.support.by_token import call_by_token

UNSEEN = [
    *(
        "\u00ad",
        "\u034f",
        "\u061c",
        "\u115f",
        "\u17b4",
        "\u180e",
        "\u200b",
        "\u200c",
        "\u200d",
        "\u200e",
        "\u202a",
    ),
    *(
        "\u2060",
        "\u2066",
        "\u2800",
        "\u3164",
        "\ufe0f",
        "\ufeff",
        "\uffa0",
        "\U000e0041",
        "\U000e0101",
        "\x07",
    ),
]


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@pytest.mark.parametrize("unseen", UNSEEN, ids=lambda one: f"U+{ord(one):04X}")
def test_what_nobody_sees_is_left_out(unseen):
    for spelt in (f"{unseen}A-1", f"A{unseen}-1", f"A-1{unseen}", f" A-1 {unseen} "):
        assert clean_mrn(spelt) == "A-1", ascii(spelt)
    assert clean_mrn(unseen) == ""


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("MRN  1", "MRN 1"),
        ("\u00a0MRN\u20031\n", "MRN 1"),
        ("E\u0301-1", "\u00c9-1"),
        ("E\u200d\u0301-1", "\u00c9-1"),
        ("\u212b-1", "\u00c5-1"),
        ("病歴-1", "病歴-1"),
        ("=1+1|\\", "=1+1|\\"),
    ],
)
def test_form(sent, kept):
    assert clean_mrn(sent) == clean_mrn(kept) == kept


def test_numbers_that_differ_stay_apart_and_are_found_alike():
    """A wide digit, another dash or case is seen: it makes another number, which a person may misread."""
    spelt = ["A-1", "a-1", "\uff21-\uff11", "A\u20111", "A - 1"]
    assert len({clean_mrn(one) for one in spelt}) == len(spelt)
    assert {fold_mrn(one) for one in spelt} == {"a-1"}
    assert fold_mrn("A-1") != fold_mrn("A-11")


@pytest.mark.parametrize("spelt", ["\u00c9-17", "E\u0301-17", "\u200b\u00c9-\u00ad17"], ids=ascii)
def test_found_by_every_search(side, spelt):
    staff = side.own
    patient = PatientFactory(clinic=staff.clinic, mrn="\u00c9-17")
    case = SubmissionFactory(lesion=LesionFactory(patient=patient))
    PatientFactory(clinic=staff.clinic, mrn="E-18")
    rows = Patient.objects.filter(clinic=staff.clinic)
    assert list(search_patients(rows, spelt, clinic=staff.clinic)) == [patient]
    assert list(search_patients(rows, f"{spelt[:-1]}", clinic=staff.clinic)) == [patient], "a part of it"
    assert list(search_cases(Submission.objects.all(), spelt, clinic=staff.clinic)) == [case]
    assert find_candidates(user=staff.clinician, clinic=staff.clinic, words=spelt).patients[0] == patient
    system = f"urn:dermaport:identifier:mrn:{staff.clinic.pk}"
    for identifier in (f"{system}|{spelt}", spelt):
        bundle = check(post_search(call_by_token(staff.integration), "Patient", identifier=identifier))
        assert [entry["resource"]["id"] for entry in bundle["entry"]] == [str(patient.pk)]
    opened = open_emergency(
        actor=side.other.clinician,
        home_clinic=side.other.clinic,
        clinic=staff.clinic,
        reason="Unconscious in our emergency room.",
        mrn=spelt,
        birth_date=patient.birth_date,
    )
    assert opened.patient == patient


def test_look_alikes_are_listed_for_an_administrator(side):
    staff = side.own
    numbers = ["A-1", "B-2", "a\u2013 1", "C-3", "\u200bB-2", "B\u00ad-2", "D-4"]
    made = {mrn: PatientFactory(clinic=staff.clinic, mrn=mrn) for mrn in numbers}
    PatientFactory(clinic=side.other.clinic, mrn="D-4")
    PatientFactory(
        clinic=staff.clinic,
        mrn="d-4",
        birth_date=None,
        sex="unknown",
        skin_type="",
        erased_at="2026-01-01T00:00Z",
    )
    groups = [
        [made[mrn].pk for mrn in group] for group in (("A-1", "a\u2013 1"), ("B-2", "\u200bB-2", "B\u00ad-2"))
    ]
    assert find_look_alikes(Patient.objects.filter(clinic=staff.clinic)) == groups
    browser = Browser()
    browser.force_login(staff.administrator)
    address = reverse("patient-list")
    assert "Look-alike numbers" in browser.get(address).text
    page = browser.get(address, {"show": "alike"})
    shown = [row.patient.pk for row in page.context["rows"]]
    assert shown == [pk for group in groups for pk in group]
    assert "record numbers look alike" in page.text
    searched = browser.post(address, {"words": "A-1", "show": "alike"}, follow=True)
    assert [row.patient.pk for row in searched.context["rows"]] == groups[0], (
        "with those that words don't find"
    )
    browser.force_login(staff.clinician)
    others = browser.get(address, {"show": "alike"})
    assert "Look-alike numbers" not in others.text
    assert len(others.context["rows"]) == len(made)
