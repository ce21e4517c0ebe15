"""What people type finds their cases and patients, shows itself, and is gone with the list it was made in."""

import datetime as dt
import logging

import pytest
from django.urls import reverse

from classifier.cases.search import read_terms, search_cases, search_patients
from classifier.models import Patient, Submission
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    PatientFactory,
    ReviewFactory,
    SubmissionFactory,
    TwoClinics,
    answered_submission,
    two_clinics,
)

pytestmark = pytest.mark.django_db

DOORS = {
    "patient-list": ("patient-list", "words", "Patients found for"),
    "submission-list": ("submission-search", "word", "Cases found for"),
}


@pytest.fixture
def side() -> TwoClinics:
    return two_clinics()


@pytest.fixture
def case(side):
    """The one to be found, beside another of the same clinic and one like it elsewhere."""
    side.own.clinician.full_name = "Ada Quist-Berg"
    side.own.clinician.save()
    facts = {"mrn": "NG-2045", "birth_date": dt.date(1961, 5, 17)}
    found = None
    for staff in (side.other, side.own):
        patient = PatientFactory(clinic=staff.clinic, **facts)
        lesion = LesionFactory(patient=patient, body_site="upper_extremity_shoulder", laterality="left")
        found = SubmissionFactory(lesion=lesion, submitted_by=staff.clinician)
    patient = PatientFactory(clinic=side.own.clinic, mrn="ELSE-1", birth_date=dt.date(1980, 1, 2))
    lesion = LesionFactory(
        patient=patient,
        body_site="trunk_anterior_trunk_anterior_abdomen_periumbilical_region_umbilicus",
        laterality="right",
    )
    other = SubmissionFactory(lesion=lesion, submitted_by=side.own.administrator)
    other.submitted_by.full_name = "Bo Nilsen"
    other.submitted_by.save()
    return found


def find(side, words):
    """The cases and the patients that `words` find: one rule behind both lists."""
    clinic = side.own.clinic
    cases = search_cases(Submission.objects.filter(clinic=clinic), words, clinic=clinic)
    patients = search_patients(Patient.objects.filter(clinic=clinic), words, clinic=clinic)
    assert {case.lesion.patient_id for case in cases} == {patient.pk for patient in patients}
    return list(cases)


@pytest.mark.parametrize(
    "words",
    [
        *("NG-2045", "ng-2045", "g-20", "shoulder", "Left shoulder", "should", "left"),
        *("1961", "17.5.1961", "17.05.1961", "1961-05-17", "17/5/1961", "17 May 1961", "May 17, 1961"),
        *("Quist", "ada quist", "berg", "shoulder 1961", "quist shoulder ng-20"),
    ],
)
def test_what_people_type_finds_it_alone(side, case, words):
    assert find(side, words) == [case]


@pytest.mark.parametrize(
    "words", ["right shoulder", "18.5.1961", "1962", "houlder", "nobody", "ear", "quist 1980"]
)
def test_what_does_not_fit_finds_nothing(side, case, words):
    assert find(side, words) == []


def test_region_finds_its_finer_sites(side, case):
    assert [found.lesion.body_site for found in find(side, "abdomen")] == [
        "trunk_anterior_trunk_anterior_abdomen_periumbilical_region_umbilicus"
    ]


def test_public_id_finds_it(side, case):
    assert find(side, case.lesion.patient.public_id.lower()) == [case]
    assert find(side, case.lesion.patient.public_id[2:7]) == [case]


def test_who_signed_and_who_follows_up_find_it(side, case):
    side.own.dermatologist.full_name = "Clara Winther"
    side.own.dermatologist.save()
    ReviewFactory(
        submission=answered_submission(side.own, lesion=case.lesion), signed_by=side.own.dermatologist
    )

    assert [found.lesion for found in find(side, "winther")] == [case.lesion]


def test_whole_record_number_is_found_without_decrypting_the_others(side, case, monkeypatch):
    PatientFactory(clinic=side.own.clinic, mrn="NG-20456")
    monkeypatch.setattr("classifier.cases.search._match_patients", lambda *_: pytest.fail("not needed"))

    assert find(side, "NG-2045") == [case]


def test_number_that_may_be_a_year_finds_both(side, case):
    numbered = PatientFactory(clinic=side.own.clinic, mrn="1961")
    clinic = side.own.clinic

    found = search_patients(Patient.objects.filter(clinic=clinic), "1961", clinic=clinic)

    assert {patient.mrn for patient in found} == {"NG-2045", numbered.mrn}


def test_words_of_two_lesions_do_not_add_up(side, case):
    LesionFactory(
        patient=case.lesion.patient,
        body_site="trunk_anterior_trunk_anterior_abdomen_periumbilical_region_umbilicus",
        laterality="right",
    )

    assert find(side, "right shoulder") == []


def test_terms():
    assert [(term.text, term.day) for term in read_terms("Left, 17 may 1961")] == [
        ("", dt.date(1961, 5, 17)),
        ("left", None),
    ]
    assert [term.text for term in read_terms("31.2.1961")] == ["31.2.1961"]


@pytest.mark.parametrize("route", DOORS)
class TestKept:
    """Every search that a session keeps."""

    def search(self, client, route, words, follow=True):
        address, name, _ = DOORS[route]
        return client.post(reverse(address), {name: words}, follow=follow)

    @pytest.fixture
    def visitor(self, client, side, case):
        client.force_login(side.own.clinician)
        return client

    def test_shows_itself_with_a_way_to_clear_it(self, visitor, route):
        found = self.search(visitor, route, "left shoulder")
        html = found.content.decode()

        assert f"{DOORS[route][2]} <strong>“left shoulder”</strong>" in html
        assert f'href="{reverse(route)}" data-clear-search' in html
        assert "ELSE-1" not in html

    def test_does_not_come_back_on_a_later_visit(self, visitor, route):
        self.search(visitor, route, "left shoulder")
        html = visitor.get(reverse(route)).content.decode()

        assert "ELSE-1" in html
        assert "left shoulder”" not in html

    def test_stays_through_filters_and_pages(self, visitor, route):
        found = self.search(visitor, route, "left shoulder", follow=False)["Location"]
        key = found.partition("search=")[2]
        html = visitor.get(f"{found}&page=1").content.decode()
        chips = [part.split('"')[0] for part in html.split('class="filter')[1:]]

        assert key
        assert chips
        assert html.count(f"search={key}") >= 3

    def test_words_stand_in_no_address_log_or_audit_log(self, visitor, route, caplog):
        with caplog.at_level(logging.DEBUG):
            found = self.search(visitor, route, "NG-2045")

        assert all("2045" not in address for address, _ in found.redirect_chain)
        assert "NG-2045" not in caplog.text
        assert "NG-2045" not in str(list(AuditEvent.objects.values_list("details", flat=True)))
        assert "NG-2045" not in str(dict(visitor.session))

    def test_says_when_it_is_over(self, visitor, route):
        html = visitor.get(reverse(route), {"search": "long-gone"}).content.decode()

        assert "That search has ended, so everything is shown." in html
        assert "ELSE-1" in html

    def test_page_says_what_it_finds(self, visitor, route):
        html = visitor.get(reverse(route)).content.decode()

        assert "birth dates or years" in html
        assert 'aria-describedby="search-hint"' in html

    def test_few_are_kept(self, visitor, route):
        for number in range(15):
            self.search(visitor, route, f"x{number}", follow=False)

        assert len(visitor.session["searches"]) == 10
