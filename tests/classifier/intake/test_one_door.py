"""One door: whatever a case must keep is asked of page, REST, FHIR and client alike, in the same words."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.urls import reverse

from classifier.intake import submission as intake
from classifier.models import Lesion, Patient, Prediction, Submission, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.classifier.dicom.samples import build_dicom
from tests.classifier.intake.doors import BORN, DOORS, MRN, PROGRAMS, Asked
from tests.classifier.intake.samples import draw_picture
from tests.factories import (
    LesionFactory,
    PatientFactory,
    TwoClinics,
    active_model,
    draw_jpeg,
    two_clinics,
)
from tests.support.threads import run_in_threads

pytestmark = pytest.mark.usefixtures("model", "stores")
every_door = pytest.mark.parametrize("door", DOORS)


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@pytest.fixture
def model(db):
    return active_model()


@pytest.fixture
def kept(stores):
    """How many rows and files there are."""

    def count() -> list[int]:
        rows = [row.objects.count() for row in (Patient, Lesion, Submission, SubmissionImage, Prediction)]
        return [*rows, sum(path.is_file() for path in stores.rglob("*"))]

    return count


def by(door, side, asked):
    return DOORS[door](side.own, asked)


def known_patient(side, **facts) -> Patient:
    return PatientFactory(clinic=side.own.clinic, mrn=MRN, **{"birth_date": BORN, **facts})


def known_lesion(side, **facts) -> Lesion:
    return LesionFactory(patient=known_patient(side), **facts)


# --- What is refused --------------------------------------------------------------------------
REFUSED = {
    "too many images": (
        Asked(pictures=(draw_jpeg(1),) * 3),
        ["You sent 3 images; one submission takes at most 2."],
    ),
    "long record number": (Asked(mrn="9" * 65), ["65 characters; the limit is 64."]),
    "long question": (Asked(question="q" * 501), ["has 501 characters; the limit is 500."]),
    "long note": (Asked(note="n" * 121), ["has 121 characters; the limit is 120."]),
    "too old": (Asked(birth_date=dt.date(1799, 1, 1)), ["The birth date lies in 1799"]),
    "not born yet": (Asked(birth_date=dt.date(2999, 1, 1)), ["The birth date lies in 2999"]),
    "every fault of every image": (
        Asked(pictures=(draw_jpeg(2, size=100), draw_jpeg(3)[:900])),
        ["This photo is 100×100 pixels", "file ends too early"],
    ),
    "no consent": (Asked(agrees=False), ["This patient has not agreed to have images judged by a model."]),
}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", REFUSED)
@every_door
def test_refused_in_the_same_words_and_nothing_is_left(door, fault, side, kept, settings):
    settings.DERMAPORT_UPLOAD_MAX_IMAGES = 2
    asked, words = REFUSED[fault]
    before = kept()
    answer = by(door, side, asked)
    assert answer.case is None
    assert [line for line in words if line not in answer.words] == []
    assert kept() == before


@pytest.mark.django_db
@every_door
def test_without_an_active_model(door, side, model, kept):
    type(model).objects.update(lifecycle="retired")
    before = kept()
    assert "No model is active" in by(door, side, Asked()).words
    assert kept() == before


@pytest.mark.django_db
@every_door
def test_a_patient_whom_nobody_asked(door, side):
    """A program says in its own language how to send the answer; a person at a page records it."""
    patient = known_patient(side, consents_to_inference=None)
    asked = Asked(patient=patient, agrees=None)
    answer = by(door, side, asked)
    assert "Nobody has recorded whether this patient agrees to have images judged by a model." in answer.words
    assert ("Send the answer" in answer.words) == (door in PROGRAMS)
    Patient.objects.update(consents_to_inference=True)
    assert by(door, side, asked).case.lesion.patient == patient


@pytest.mark.django_db
@every_door
def test_a_patient_who_said_no_is_not_made_to_agree(door, side):
    patient = known_patient(side, consents_to_inference=False)
    answer = by(door, side, Asked(patient=patient, agrees=True))
    assert "This patient has not agreed to have images judged by a model." in answer.words
    patient.refresh_from_db()
    assert patient.consents_to_inference is False


@pytest.mark.django_db
@every_door
def test_only_programs_can_fill_the_queue(door, side, settings):
    """A person with a patient before them isn't sent away because a program is at work."""
    settings.DERMAPORT_API_ACTIVE_PREDICTIONS = 0
    answer = by(door, side, Asked())
    if door in PROGRAMS:
        assert "at most 0 can be at work" in answer.words
    else:
        assert answer.case is not None


# --- Whose lesion -----------------------------------------------------------------------------
@pytest.mark.django_db
@every_door
def test_same_record_number_and_another_birth_date(door, side, kept):
    known_patient(side, birth_date=dt.date(1970, 5, 17))
    before = kept()
    answer = by(door, side, Asked())
    assert "The patient with this record number has another birth date. Check both." in answer.words
    assert "1970" not in answer.words.replace("1970-01-01", "")
    assert kept() == before


@pytest.mark.django_db
@every_door
def test_what_nobody_knew_of_a_known_patient_is_kept(door, side):
    patient = known_patient(side, birth_date=None, sex="unknown", skin_type="")
    asked = Asked(patient=None if door in PROGRAMS else patient, skin_type="III")
    for key in ("first", "second"):
        assert by(door, side, asked.but(key=str(uuid.uuid5(uuid.NAMESPACE_URL, key)))).case
    patient.refresh_from_db()
    assert (patient.birth_date, patient.sex, patient.skin_type) == (BORN, "female", "III")
    (event,) = AuditEvent.objects.filter(action="patient.updated")
    assert (event.object_id, event.details) == (
        str(patient.pk),
        {"fields": ["birth_date", "sex", "skin_type"]},
    )
    assert patient.corrected_at is not None, "record systems that ask what changed are told"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "what"),
    [
        ({"sex": "male"}, "sex"),
        ({"skin_type": "VI"}, "skin type"),
        ({"sex": "lady"}, ""),
        ({"skin_type": "9"}, ""),
    ],
    ids=str,
)
@every_door
def test_what_contradicts_a_known_patient_is_told(door, sent, what, side, kept):
    patient = known_patient(side)
    before = kept()
    answer = by(door, side, Asked(patient=None if door in PROGRAMS else patient, **sent))
    assert answer.case is None
    if what:
        assert f"The patient with this record number has another {what}. Check both." in answer.words
    patient.refresh_from_db()
    assert (patient.sex, patient.skin_type) == ("female", "II")
    assert kept() == before


@pytest.mark.django_db
def test_what_was_typed_of_another_person_is_left_out_with_a_word(side):
    """A page keeps what was typed of a new patient while a known one is chosen; it isn't that one's."""
    patient = known_patient(side, birth_date=None, sex="unknown", skin_type="")
    assert by("page", side, Asked(patient=patient, mrn="MRN-ELSE")).case
    patient.refresh_from_db()
    assert (patient.birth_date, patient.sex) == (None, "unknown")
    # Without a number, what contradicts the known patient is somebody else's, and all of it.
    Patient.objects.update(sex="male")
    assert by("page", side, Asked(patient=patient, mrn="", pictures=(draw_jpeg(2),))).case
    patient.refresh_from_db()
    assert (patient.birth_date, patient.sex) == (None, "male")
    Patient.objects.update(sex="unknown")
    assert by("page", side, Asked(patient=patient, mrn="", pictures=(draw_jpeg(3),))).case
    patient.refresh_from_db()
    assert (patient.birth_date, patient.sex) == (BORN, "female")


# --- Which lesion -----------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize(
    "told",
    [
        {"site": "upper_extremity_wrist"},
        {"side": "left"},
        {"note": "By the scar"},
    ],
    ids=str,
)
@every_door
def test_what_nobody_knew_of_a_known_lesion_is_kept(door, told, side):
    lesion = known_lesion(side, body_site="unspecified", laterality="unspecified", note="")
    asked = Asked(patient=lesion.patient, lesion=lesion, mrn="", birth_date=None, sex="unknown", **told)
    for number in range(2):
        assert by(door, side, asked.but(key=str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))))).case
    lesion.refresh_from_db()
    names = {"site": "body_site", "side": "laterality", "note": "note"}
    assert {getattr(lesion, names[name]) for name in told} == set(told.values())
    (event,) = AuditEvent.objects.filter(action="lesion.updated")
    assert (event.object_id, event.details) == (str(lesion.pk), {"fields": [names[name] for name in told]})
    assert lesion.corrected_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({"site": "head_and_neck_neck"}, "body site"),
        ({"side": "right"}, "side"),
        ({"note": "On the thumb"}, "note"),
    ],
    ids=str,
)
@every_door
def test_what_contradicts_a_known_lesion_is_told(door, told, what, side, kept):
    """A program has slipped in the lesion; at a page it was typed of a new one before a known one was chosen."""
    lesion = known_lesion(side, body_site="upper_extremity_wrist", laterality="left", note="By the scar")
    before = kept()
    answer = by(
        door,
        side,
        Asked(patient=lesion.patient, lesion=lesion, mrn="", birth_date=None, sex="unknown", **told),
    )
    if door in PROGRAMS:
        assert f"This lesion has another {what}. Check both, or leave it out." in answer.words
        assert kept() == before
    else:
        assert answer.case.lesion == lesion
        assert "What you typed of a new lesion was left out: you chose a known one." in answer.notices
    lesion.refresh_from_db()
    assert (lesion.body_site, lesion.laterality, lesion.note) == (
        "upper_extremity_wrist",
        "left",
        "By the scar",
    )


@pytest.mark.django_db
@every_door
def test_a_wider_site_than_that_of_a_known_lesion_is_no_other(door, side):
    lesion = known_lesion(side, body_site="upper_extremity_wrist")
    asked = Asked(patient=lesion.patient, lesion=lesion, mrn="", birth_date=None, sex="unknown")
    assert by(door, side, asked.but(site="upper_extremity")).case.lesion == lesion
    lesion.refresh_from_db()
    assert lesion.body_site == "upper_extremity_wrist"


# --- Which patient ----------------------------------------------------------------------------
# Of a number: what nobody sees in it, and a letter with its accent as one character or as two.
SPELT = {
    "\u00c9-17": [
        "E\u0301-17",
        "\ufeff\u00c9-17",
        "\u00c9\u200b-17",
        "E\u0301-1\u00ad7\u200f",
        " \u00c9-17\ufe0f",
    ]
}


@pytest.mark.django_db
@every_door
def test_one_number_is_one_patient_however_it_is_spelt(door, side):
    ((mrn, spellings),) = SPELT.items()
    for seed, spelt in enumerate([spellings[0], mrn, *spellings[1:]]):
        answer = by(door, side, Asked(mrn=spelt, pictures=(draw_jpeg(seed),)))
        patient = Patient.objects.get()
        assert patient.mrn == mrn
        if door in PROGRAMS or seed == 0:
            assert answer.case.lesion.patient == patient
        else:
            assert "A patient with this MRN is already in your clinic." in answer.words


@pytest.mark.django_db
@every_door
def test_a_number_of_nothing_that_is_seen_is_none(door, side, kept):
    answer = by(door, side, Asked(mrn="\u200b\u00ad"))
    assert "Give the medical record number." in answer.words
    assert kept() == [0] * 6


@pytest.mark.django_db
@every_door
def test_same_record_number_and_the_same_person(door, side):
    """A program means the known patient; a person who chose to create one is told to choose that patient."""
    patient = known_patient(side)
    answer = by(door, side, Asked())
    if door in PROGRAMS:
        assert answer.case.lesion.patient == patient
    else:
        assert (
            "A patient with this MRN is already in your clinic. Choose that patient instead." in answer.words
        )
    assert by(door, side, Asked(patient=patient)).case.lesion.patient == patient
    assert Patient.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "named", ["patient and lesion", "record number and lesion", "new number and lesion", "other clinic"]
)
@every_door
def test_no_lesion_lands_in_the_history_of_another_person(door, named, side):
    """By ids, by numbers, by both: a lesion keeps its patient, and nobody gets another's."""
    patient = known_patient(side)
    place = side.other if named == "other clinic" else side.own
    stranger = LesionFactory(clinic=place.clinic)
    by_id = named in ("patient and lesion", "other clinic")
    mrn = "MRN-NEW" if named == "new number and lesion" else MRN
    answer = by(door, side, Asked(patient=patient if by_id else None, lesion=stranger, mrn=mrn))
    assert not stranger.submissions.exists()
    stranger.refresh_from_db()
    assert stranger.patient.mrn not in (MRN, "MRN-NEW")
    # A page that creates a patient asks for a new lesion with it, whatever else was sent.
    if door == "page" and named == "new number and lesion":
        assert (answer.case.lesion.patient.mrn, answer.case.lesion.submissions.count()) == ("MRN-NEW", 1)
    else:
        assert answer.case is None
        assert not Submission.objects.exists()


# --- Twice, and at once -----------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("picture", [draw_jpeg(1), build_dicom(draw_picture())], ids=["JPEG", "DICOM"])
@every_door
def test_sent_again_it_is_the_same_case(door, picture, side, kept):
    """Of DICOM another file is kept than was sent: the pixels say that it is the same."""
    asked = Asked(pictures=(picture,))
    first = by(door, side, asked).case
    before = kept()
    assert by(door, side, asked).case == first
    assert kept() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes", [{"mrn": "MRN-OTHER"}, {"pictures": (draw_jpeg(7),)}], ids=["patient", "image"]
)
@every_door
def test_a_key_used_for_something_else_does_not_pass_for_a_case_that_was_taken(door, changes, side, kept):
    asked = Asked()
    assert by(door, side, asked).case
    before = kept()
    answer = by(door, side, asked.but(**changes))
    assert answer.case is None
    assert any(words in answer.words for words in ("sent before", "with another request before"))
    assert kept() == before


@pytest.mark.django_db
@every_door
def test_a_key_used_for_another_lesion_of_the_patient(door, side, kept):
    patient = known_patient(side)
    first, second = LesionFactory(patient=patient), LesionFactory(patient=patient)
    asked = Asked(patient=patient, lesion=first)
    assert by(door, side, asked).case.lesion == first
    before = kept()
    assert by(door, side, asked.but(lesion=second)).case is None
    assert by(door, side, asked).case.lesion == first
    assert kept() == before


@pytest.mark.django_db
@every_door
def test_duplicates_are_pointed_out(door, side):
    first = by(door, side, Asked()).case
    other = Asked(mrn="MRN-OTHER")
    if door in PROGRAMS:
        words = f"Your clinic already has this picture, in submission {first.pk}."
        assert words in by(door, side, other).notices
        return
    browser = Browser()
    browser.force_login(side.own.clinician)
    picture = {"clinic": str(side.own.clinic.pk), "image": SimpleUploadedFile("1.jpg", other.pictures[0])}
    asked = browser.post(reverse("submission-check-image"), picture).json()
    patient = first.lesion.patient.public_id
    assert any(line.endswith(f"for patient {patient}.") for line in asked["lines"])
    second = by(door, side, other).case
    page = browser.get(reverse("submission-detail", args=[second.pk])).text
    assert f"for patient {patient}" in page


@pytest.mark.django_db
@pytest.mark.parametrize("born", [BORN, dt.date(1970, 5, 17)], ids=["same person", "another person"])
@every_door
def test_a_lost_race_for_a_record_number(door, born, side, monkeypatch, kept):
    """Somebody creates the patient after this request looked and before it inserts."""
    create, rivals = intake.create_patient, []

    def come_second(**facts):
        rivals.append(PatientFactory(clinic=side.own.clinic, mrn=MRN, birth_date=born))
        return create(**facts)

    monkeypatch.setattr(intake, "create_patient", come_second)
    answer = by(door, side, Asked())
    assert len(rivals) == 1
    if born != BORN:
        assert "The patient with this record number has another birth date." in answer.words
    elif door in PROGRAMS:
        assert answer.case.lesion.patient == rivals[0] == Patient.objects.get()
        assert Lesion.objects.count() == 1
        return
    else:
        assert "A patient with this MRN is already in your clinic." in answer.words
    # The rival came within the transaction that was then undone.
    assert kept() == [0] * 6


@pytest.mark.django_db(transaction=True)
def test_all_doors_at_once_for_one_new_record_number(side, kept):
    """One patient, and every case that was taken in that patient's history: none lost, none twice."""
    names = [*DOORS, *DOORS]
    spots = run_in_threads(
        len(names),
        lambda number: by(names[number], side, Asked(pictures=(draw_jpeg(number),), key=str(uuid.uuid4()))),
    )
    told = [answer for answer in spots if isinstance(answer, Exception)]
    assert not told, told
    patient = Patient.objects.get()
    taken = {answer.case.pk for answer in spots if answer.case}
    assert {case.lesion.patient_id for case in Submission.objects.all()} == {patient.pk}
    assert taken == {*Submission.objects.values_list("pk", flat=True)}
    programs = sum(name in PROGRAMS for name in names)
    assert programs <= len(taken) <= programs + 1
    assert kept() == [1, *[len(taken)] * 4, 3 * len(taken)]
    for name, answer in zip(names, spots, strict=True):
        assert answer.case or (name == "page" and "already in your clinic" in answer.words)


@pytest.mark.django_db(transaction=True)
def test_all_doors_at_once_for_two_people_under_one_number(side):
    """Whoever comes first has the number; the other person's cases are refused by every door."""
    names = [*DOORS, *DOORS]
    people = [BORN] * len(DOORS) + [dt.date(1970, 5, 17)] * len(DOORS)
    spots = run_in_threads(
        len(names),
        lambda number: by(
            names[number],
            side,
            Asked(birth_date=people[number], pictures=(draw_jpeg(number),), key=str(uuid.uuid4())),
        ),
    )
    patient = Patient.objects.get()
    for born, answer in zip(people, spots, strict=True):
        if born != patient.birth_date:
            assert answer.case is None
            assert "has another birth date" in answer.words
        elif answer.case:
            assert answer.case.lesion.patient == patient
    assert Submission.objects.filter(lesion__patient=patient).count() == Submission.objects.count() > 0


def test_every_door_calls_the_one_service(side, monkeypatch):
    """So that no rule is written twice."""
    called = []
    real = intake.submit_case

    def note(**case):
        called.append(case)
        return real(**case)

    for module in ("classifier.pages.new_case", "classifier.api.intake", "classifier.fhir.intake.submit"):
        monkeypatch.setattr(f"{module}.submit_case", note)
    for number, door in enumerate(DOORS):
        assert by(door, side, Asked(mrn=f"MRN-{number}")).case
    assert len(called) == len(DOORS)
