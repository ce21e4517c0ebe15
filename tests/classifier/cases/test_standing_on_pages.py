"""One case on every page: benign by the model, signed as melanoma, then proven by histopathology."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from classifier.cases.histopathology import Finding, record_outcome
from classifier.cases.reviews import Decision, sign_review
from classifier.domain.vocabulary import Diagnosis, Histopathology, Management, Procedure
from classifier.models import Submission
from portal.trust.audit.services import record_event
from tests.classifier.cases.looking import chips_of, get, main_of, open_as, rows_of
from tests.factories import (
    LesionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
    restated_together,
    staff_clinic,
)

pytestmark = pytest.mark.django_db

SORTS = ("newest", "oldest", "risk", "state")
OUTCOMES = ("malignant", "indeterminate", "refer", "benign", "unjudged")


@pytest.fixture
def staff():
    return staff_clinic()


@pytest.fixture
def case(staff):
    return answered_submission(staff, "benign", submitted_at=timezone.now() - dt.timedelta(days=2))


def walk(staff, case):
    """Every page on which the case stands, with what it says: name, HTML without the frame."""
    clinician, reader = open_as(staff.clinician), open_as(staff.dermatologist)
    yield "home", main_of(get(clinician, "home"))
    yield "patients", rows_of(get(clinician, "patient-list"))
    yield "patients by risk", rows_of(get(clinician, "patient-list", sort="risk"))
    yield "patient", main_of(get(clinician, "patient-detail", case.lesion.patient_id))
    yield "lesion", main_of(get(clinician, "lesion-detail", case.lesion_id))
    for sort in SORTS:
        yield f"list by {sort}", rows_of(get(clinician, "submission-list", sort=sort))
    yield "worklist", main_of(get(reader, "worklist"))
    yield "case", main_of(get(clinician, "submission-detail", case.pk))
    yield "status", get(clinician, "submission-status", case.pk)
    yield "reading page", main_of(get(reader, "submission-review", case.pk))


def found_under(staff, role="clinician"):
    """Under which outcomes the list shows a case."""
    client = open_as(staff.person(role))
    return {
        outcome
        for outcome in OUTCOMES
        if 'class="row"' in rows_of(get(client, "submission-list", outcome=outcome))
    }


def count_on_dashboard(staff, words, role="administrator"):
    page = get(open_as(staff.person(role)), "dashboard")
    return int(page.partition(f'aria-label="{words}: ')[2].partition(" of ")[0])


def sign(case, staff, diagnosis=Diagnosis.MELANOMA, management=Management.EXCISE):
    decision = Decision(diagnosis=diagnosis, management=management, comment="")
    return sign_review(actor=staff.dermatologist, submission=case, decision=decision)


def prove(case, staff):
    today = timezone.localdate()
    return record_outcome(
        actor=staff.clinician,
        lesion=case.lesion,
        finding=Finding(
            diagnosis=Histopathology.MELANOMA_INVASIVE,
            procedure=Procedure.EXCISION,
            specimen_taken_on=today,
            reported_on=today,
            breslow_mm=Decimal("1.20"),
        ),
    )


class TestOneCaseOnEveryPage:
    def test_benign_by_the_model(self, case, staff):
        for name, html in walk(staff, case):
            assert ("benign", "Benign · Preliminary") in chips_of(html), name
        assert found_under(staff) == {"benign"}
        assert count_on_dashboard(staff, "Benign") == 1

    def test_signed_as_melanoma(self, case, staff):
        sign(case, staff)
        for name, html in walk(staff, case):
            if name == "worklist":
                assert 'class="row"' not in html
                assert ("malignant", "Melanoma · Signed") in chips_of(html)  # among what was signed lately
                continue
            assert ("malignant", "Melanoma · Signed") in chips_of(html), name
            assert_no_green(name, html)
        assert found_under(staff) == {"malignant"}
        assert count_on_dashboard(staff, "Malignant") == 1
        assert count_on_dashboard(staff, "Benign") == 0

    def test_proven_by_histopathology(self, case, staff):
        sign(case, staff)
        prove(case, staff)
        for name, html in walk(staff, case):
            if name == "worklist":
                continue
            assert ("malignant", "Invasive melanoma · Histology") in chips_of(html), name
            assert_no_green(name, html)
        assert found_under(staff) == {"malignant"}
        assert count_on_dashboard(staff, "Malignant") == 1

    def test_histopathology_counts_without_a_signature_and_before_a_signed_naevus(self, case, staff):
        prove(case, staff)
        for name, html in walk(staff, case):
            assert ("malignant", "Invasive melanoma · Histology") in chips_of(html), name
        sign(case, staff, Diagnosis.NAEVUS, Management.NO_ACTION)
        for name, html in walk(staff, case):
            if name == "worklist":
                continue
            assert ("malignant", "Invasive melanoma · Histology") in chips_of(html), name
            assert_no_green(name, html)

    def test_headline_says_who_when_what_next_and_that_the_model_differs(self, case, staff):
        sign(case, staff)
        client = open_as(staff.clinician)
        page = main_of(get(client, "submission-detail", case.pk)).replace("&#x27;", "'")
        name = staff.dermatologist.get_full_name()
        assert f"{name} signed: melanoma, excise," in page
        assert "The model had said benign; the dermatologist's diagnosis differs." in page
        assert "Excise, to be acknowledged by" in page
        prove(case, staff)
        page = main_of(get(client, "submission-detail", case.pk)).replace("&#x27;", "'")
        assert "Pathologist: invasive melanoma, Breslow 1.2 mm, reported" in page
        assert f"{name} had signed: melanoma, excise" in page
        assert "The model had said benign; the pathologist's finding differs." in page
        for name in ("submission-list", "home"):
            rows = main_of(get(client, name)).replace("&#x27;", "'")
            assert "Model: benign; the pathologist's finding differs" in rows, name

    def test_standing_and_next_step_come_before_the_picture_and_actions_last(self, case, staff):
        SubmissionImageFactory(submission=case, with_files=False)
        page = get(open_as(staff.clinician), "submission-detail", case.pk)
        places = ["standing", "picture", "answer", "case-images", "case-history", "case-actions-foot"]
        order = [page.index(f'id="{name}"') for name in (*places, "case-ending")]
        assert order == sorted(order)
        assert page.index("Next step") < page.index('id="picture"')
        foot = page[page.index('id="case-actions-foot"') : page.index('id="case-ending"')]
        assert reverse("submission-report", args=[case.pk]) in foot
        assert reverse("submission-cancel", args=[case.pk]) not in foot


def assert_no_green(name, html):
    """No chip or panel in the colour of benign; only the scale's own bar has one."""
    assert "tone-benign" not in html, name
    assert "Preliminary" not in html, name


class TestWorstOfSeveral:
    def test_cards_show_the_worst_open_standing_and_not_the_latest_case(self, staff):
        lesion = LesionFactory(clinic=staff.clinic)
        early = answered_submission(
            staff, "benign", lesion=lesion, submitted_at=timezone.now() - dt.timedelta(days=9)
        )
        sign(early, staff, management=Management.URGENT_REFERRAL)
        SubmissionImageFactory(submission=answered_submission(staff, "benign", lesion=lesion))
        other = LesionFactory(patient=lesion.patient, body_site="lower_extremity_foot")
        answered_submission(staff, "benign", lesion=other)
        client = open_as(staff.clinician)
        signed = ("malignant", "Melanoma · Signed")
        assert chips_of(rows_of(get(client, "patient-list")))[0] == signed
        patient = main_of(get(client, "patient-detail", lesion.patient_id))
        cards = patient.partition('class="lesion-grid"')[2].partition("</ul>")[0]
        assert sorted(chips_of(cards)) == [("benign", "Benign · Preliminary"), signed]
        assert chips_of(main_of(get(client, "lesion-detail", lesion.pk)))[0] == signed

    def test_patients_by_risk(self, staff):
        worst = answered_submission(staff, "benign", submitted_at=timezone.now() - dt.timedelta(days=9))
        sign(worst, staff, management=Management.URGENT_REFERRAL)
        answered_submission(staff, "malignant", submitted_at=timezone.now() - dt.timedelta(days=1))
        answered_submission(staff, "benign")
        client = open_as(staff.clinician)
        by_risk = chips_of(rows_of(get(client, "patient-list", sort="risk")))
        assert [words for _, words in by_risk] == [
            "Melanoma · Signed",
            "Malignant · Preliminary",
            "Benign · Preliminary",
        ]
        newest = chips_of(rows_of(get(client, "patient-list")))
        assert newest[0] == ("benign", "Benign · Preliminary")

    def test_cases_by_risk(self, staff):
        urgent = answered_submission(staff, "benign", submitted_at=timezone.now() - dt.timedelta(days=9))
        sign(urgent, staff, management=Management.URGENT_REFERRAL)
        malignant = answered_submission(staff, "malignant")
        benign = answered_submission(staff, "benign")
        page = open_as(staff.clinician).get(reverse("submission-list"), {"sort": "risk"})
        assert [row.submission.pk for row in page.context["cases"]] == [urgent.pk, malignant.pk, benign.pk]


class TestReadFirst:
    """A dermatologist of a clinic that hides answers: no page, filter, order or count gives one away."""

    @pytest.fixture
    def staff(self):
        return staff_clinic(hide_result_until_read=True)

    @pytest.mark.parametrize("answer", ["malignant", "refer", "benign"])
    def test_no_page_says_it(self, answer, staff):
        case = answered_submission(staff, answer)
        reader = open_as(staff.dermatologist)
        pages = {
            "home": main_of(get(reader, "home")),
            "patients": rows_of(get(reader, "patient-list")),
            "patient": main_of(get(reader, "patient-detail", case.lesion.patient_id)),
            "lesion": main_of(get(reader, "lesion-detail", case.lesion_id)),
            "list": rows_of(get(reader, "submission-list")),
            "worklist": main_of(get(reader, "worklist")),
            "case": main_of(get(reader, "submission-detail", case.pk)),
            "status": get(reader, "submission-status", case.pk),
        }
        for name, html in pages.items():
            assert ("waiting", "Read first") in chips_of(html), name
            assert {tone for tone, _ in chips_of(html)} <= {"waiting", "plain"}, name
            assert f"tone-{answer}" not in html, name
        assert found_under(staff, "dermatologist") == set()
        assert count_on_dashboard(staff, "Read first", "dermatologist") == 1
        assert count_on_dashboard(staff, answer.capitalize(), "dermatologist") == 0
        assert found_under(staff) == {answer}

    def test_a_refusal_is_not_told_either(self, staff):
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        prediction = PredictionFactory(refused=True, submission=case)
        assert found_under(staff, "dermatologist") == set()
        assert count_on_dashboard(staff, "Not judged", "dermatologist") == 0
        assert "Photos refused" not in get(open_as(staff.dermatologist), "dashboard")
        assert found_under(staff) == {"unjudged"}
        record_event(clinic_id=staff.clinic.pk, action="prediction.refused", obj=prediction)
        told = "refused before the model saw it"
        assert told in get(open_as(staff.clinician), "submission-detail", case.pk)
        assert told not in get(open_as(staff.dermatologist), "submission-detail", case.pk)

    @pytest.mark.parametrize("answer", ["malignant", "refer", "benign"])
    def test_a_case_in_work_does_not_give_it_away_either(self, answer, staff):
        unread = answered_submission(staff, answer, submitted_at=timezone.now() - dt.timedelta(days=3))
        PredictionFactory(submission=SubmissionFactory(lesion=unread.lesion))
        other = answered_submission(staff, "refer", submitted_at=timezone.now() - dt.timedelta(days=2))
        reader, lesion = open_as(staff.dermatologist), unread.lesion
        pages = {
            "patients": rows_of(get(reader, "patient-list")),
            "patient": main_of(get(reader, "patient-detail", lesion.patient_id)).partition("</header>")[0],
            "lesion": main_of(get(reader, "lesion-detail", lesion.pk)).partition("</header>")[0],
        }
        for name, html in pages.items():
            assert {words for _, words in chips_of(html)} == {"Read first"}, name
        rows = reader.get(reverse("patient-list"), {"sort": "risk"}).context["rows"]
        assert [row.patient.pk for row in rows] == [lesion.patient_id, other.lesion.patient_id]

    def test_no_order_gives_it_away(self, staff):
        ages = {"malignant": 3, "refer": 2, "benign": 1}
        with restated_together():
            for answer, days in ages.items():
                answered_submission(staff, answer, submitted_at=timezone.now() - dt.timedelta(days=days))
        reader = open_as(staff.dermatologist)
        cases = reader.get(reverse("submission-list"), {"sort": "risk"}).context["cases"]
        assert [row.submission.model_answer for row in cases] == ["benign", "refer", "malignant"]
        rows = reader.get(reverse("patient-list"), {"sort": "risk"}).context["rows"]
        assert [row.latest.submission.model_answer for row in rows] == ["benign", "refer", "malignant"]

    def test_what_people_said_is_told_without_the_model(self, staff):
        case = answered_submission(staff, "benign")
        prove(case, staff)
        reader = open_as(staff.dermatologist)
        for name in ("submission-list", "worklist"):
            html = main_of(get(reader, name))
            assert ("malignant", "Invasive melanoma · Histology") in chips_of(html), name
            assert "Model: benign" not in html, name
        page = main_of(get(reader, "submission-detail", case.pk))
        assert ("malignant", "Invasive melanoma · Histology") in chips_of(page)
        assert "The model had said" not in page


def test_an_amended_diagnosis_is_what_the_case_is_held_for(staff):
    case = answered_submission(staff, "malignant")
    first = ReviewFactory(submission=case, diagnosis="melanoma", management="excise")
    ReviewFactory(amends=first, diagnosis="naevus", management="no_action")
    assert Submission.objects.get(pk=case.pk).standing == "benign"
    page = main_of(get(open_as(staff.clinician), "submission-detail", case.pk)).replace("&#x27;", "'")
    assert "signed an amendment: melanocytic naevus, no further action" in page
    assert "The model had said malignant; the dermatologist's diagnosis differs." in page
