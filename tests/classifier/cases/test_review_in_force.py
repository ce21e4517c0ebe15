"""The review in force: Python, SQL and every door name the same one."""

import pytest
from rest_framework.test import APIClient

from classifier.api.queries import select_reviews
from classifier.exports.cases import SUBMISSION_COLUMNS, describe_submission
from classifier.models import Outcome, Review, Submission
from classifier.privacy.archive_facts import describe_cases
from classifier.standing.reviews import IS_IN_FORCE, find_review_in_force
from classifier.standing.standing import list_in_force
from tests.classifier.report.papers import judge, make_case, read
from tests.factories import OutcomeFactory, ReviewFactory, SubmissionFactory, two_clinics

pytestmark = pytest.mark.django_db
DIAGNOSES = ["naevus", "melanoma", "basal_cell_carcinoma"]


@pytest.fixture
def side(db, stores):
    return two_clinics()


def sign(side, case, versions):
    """A review and its amendments, each with a diagnosis of its own."""
    last = None
    for diagnosis in DIAGNOSES[:versions]:
        last = ReviewFactory(
            submission=case, amends=last, diagnosis=diagnosis, signed_by=side.own.dermatologist
        )
    return last


def test_sql_and_python_agree_on_every_row(side):
    expected = {}
    for versions in (0, 1, 2, 3):
        case = SubmissionFactory(clinic=side.own.clinic)
        expected[case.pk] = sign(side, case, versions)

    found = {case.pk: find_review_in_force(case.reviews.all()) for case in Submission.objects.all()}
    in_sql = set(Review.objects.filter(IS_IN_FORCE))
    told = set(select_reviews(side.own.clinician).filter(is_current=True))

    assert found == expected
    assert in_sql == told == {review for review in expected.values() if review}


def test_sql_and_python_agree_on_findings_too(side):
    first = OutcomeFactory()
    second = OutcomeFactory(corrects=OutcomeFactory(corrects=first))
    other = OutcomeFactory(lesion=first.lesion)
    in_sql = Outcome.objects.with_standing().filter(is_current=True)
    assert set(list_in_force(first.lesion.outcomes.all())) == set(in_sql) == {second, other}


@pytest.mark.parametrize("versions", [1, 2, 3])
def test_every_door_names_the_same_one(side, versions):
    case = make_case(side.own)
    judge(case, "benign")
    review = sign(side, case, versions)
    case = Submission.objects.get(pk=case.pk)
    client = APIClient()
    client.force_authenticate(side.own.clinician)

    (rest,) = client.get("/api/v1/reviews/", {"is_current": True}).json()["results"]
    report = client.get(f"/fhir/r4/DiagnosticReport/{case.pk}").json()
    exported = dict(zip(SUBMISSION_COLUMNS, describe_submission(case, "clinician"), strict=True))
    (archived,) = describe_cases([case])

    assert (rest["id"], rest["diagnosis"]) == (str(review.pk), review.diagnosis)
    assert report["conclusionCode"][0]["coding"][0]["code"] == review.diagnosis
    assert report["status"] == ("final" if versions == 1 else "amended")
    assert (exported["diagnosis"], exported["standing_diagnosis"]) == (review.diagnosis,) * 2
    assert review.diagnosis in archived
    assert review.get_diagnosis_display() in read(side.own.clinician, case)
