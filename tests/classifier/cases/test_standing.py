"""What a case, a lesion and a patient are held for: the rule."""

import datetime as dt
import itertools
import uuid

import pytest
from django.utils import timezone

from classifier.cases.withdrawal import cancel_submission
from classifier.domain.vocabulary import Diagnosis, Management, Standing
from classifier.models import Lesion, Patient, Submission
from classifier.standing.columns import find_differences
from classifier.standing.standing import Held, decide_patient, find_agreement, rank
from tests.factories import (
    AcknowledgementFactory,
    LesionFactory,
    OutcomeFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
)


def taken(days):
    """The days of a specimen taken so many days ago."""
    day = timezone.localdate()
    return {"specimen_taken_on": day - dt.timedelta(days=days), "reported_on": day}


def held(row):
    row.refresh_from_db()
    return row.standing, row.standing_basis


@pytest.mark.django_db
class TestCase:
    @pytest.mark.parametrize(
        ("outcomes", "standing"),
        [
            (["benign"], "benign"),
            (["benign", "refer"], "refer"),
            (["benign", "refer", "malignant"], "malignant"),
        ],
    )
    def test_model(self, staff, outcomes, standing):
        assert held(answered_submission(staff, *outcomes)) == (standing, "model")

    def test_signature_outweighs_the_model(self, staff):
        case = answered_submission(staff, "benign")
        review = ReviewFactory(submission=case, diagnosis="melanoma", signed_by=staff.dermatologist)
        assert held(case) == ("malignant", "review")
        assert (case.standing_diagnosis, case.standing_person, case.standing_at) == (
            "melanoma",
            staff.dermatologist,
            review.signed_at,
        )
        assert case.model_answer == "benign"
        ReviewFactory(amends=review, diagnosis="naevus")
        assert held(case) == ("benign", "review")

    def test_malignant_histopathology_outweighs_all(self, staff):
        case = answered_submission(staff, "benign")
        ReviewFactory(submission=case, diagnosis="naevus")
        finding = OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_in_situ")
        assert held(case) == ("malignant", "histopathology")
        assert case.standing_person == finding.recorded_by
        OutcomeFactory(lesion=case.lesion, diagnosis="naevus", **taken(0))
        assert held(case) == ("malignant", "histopathology"), "a later benign specimen takes nothing back"

    def test_benign_histopathology_speaks_of_what_came_before_its_specimen(self, staff):
        before, after = answered_submission(staff, "malignant"), answered_submission(staff, "malignant")
        Submission.objects.filter(pk=after.pk).update(lesion=before.lesion)
        Submission.objects.filter(pk=before.pk).update(submitted_at=timezone.now() - dt.timedelta(days=9))
        OutcomeFactory(lesion=before.lesion, diagnosis="naevus", **taken(3))
        assert held(before) == ("benign", "histopathology")
        assert held(after) == ("malignant", "model")

    def test_benign_histopathology_ends_the_urgency_of_what_was_ordered(self, staff):
        case = answered_submission(staff, "malignant")
        ReviewFactory(submission=case, diagnosis="melanoma", management="urgent_referral")
        assert Submission.objects.get().standing_rank == 0
        OutcomeFactory(lesion=case.lesion, diagnosis="naevus", **taken(0))
        assert Submission.objects.get().standing_rank == rank("benign", "histopathology")

    def test_what_is_ordered_after_benign_histopathology_is_urgent(self, staff):
        case = answered_submission(staff, "malignant")
        OutcomeFactory(lesion=case.lesion, diagnosis="naevus", **taken(0))
        ReviewFactory(submission=case, diagnosis="melanoma", management="urgent_referral")
        assert held(case) == ("benign", "histopathology")
        assert case.standing_rank == 0, "the specimen may have missed it"

    @pytest.mark.parametrize(
        ("outcome", "expected"),
        [
            ("benign", ("indeterminate", "histopathology")),
            ("malignant", ("malignant", "model")),
            ("refer", ("refer", "model")),
        ],
    )
    def test_inconclusive_histopathology_makes_nothing_benign(self, staff, outcome, expected):
        case = answered_submission(staff, outcome)
        OutcomeFactory(lesion=case.lesion, diagnosis="inconclusive", **taken(0))
        assert held(case) == expected

    @pytest.mark.parametrize(
        ("earlier", "later", "expected"),
        [
            ("naevus", "inconclusive", ("indeterminate", "histopathology")),
            ("inconclusive", "naevus", ("benign", "histopathology")),
        ],
    )
    def test_newest_of_several_specimens_decides(self, staff, earlier, later, expected):
        case = answered_submission(staff, "benign", submitted_at=timezone.now() - dt.timedelta(days=9))
        ReviewFactory(submission=case, diagnosis="naevus", management="excise")
        # Recorded the other way round: the day of the specimen counts.
        OutcomeFactory(lesion=case.lesion, diagnosis=later, **taken(1))
        OutcomeFactory(lesion=case.lesion, diagnosis=earlier, **taken(5))
        assert held(case) == held(case.lesion) == expected

    def test_corrected_histopathology_counts_no_more(self, staff):
        case = answered_submission(staff, "benign")
        wrong = OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
        OutcomeFactory(corrects=wrong, diagnosis="naevus", **taken(0))
        assert held(case) == ("benign", "histopathology")

    def test_withdrawn(self, staff):
        case = SubmissionFactory(
            clinic=staff.clinic, cancelled_at=timezone.now(), cancelled_by=staff.clinician
        )
        OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
        assert held(case) == ("withdrawn", "state")

    def test_not_judged(self, staff):
        refused = PredictionFactory(refused=True).image.submission
        assert held(refused) == ("not_judged", "state")
        failed = PredictionFactory(state="failed").image.submission
        assert held(failed) == ("not_judged", "state")
        overview = SubmissionImageFactory(capture_kind="overview").submission
        assert held(overview) == ("not_judged", "state")
        assert (overview.state, overview.model_answer) == ("awaiting_review", "not_asked")

    def test_close_up_says_nothing_of_the_case(self, staff):
        case = answered_submission(staff, "benign")
        SubmissionImageFactory(submission=case, capture_kind="clinical")
        assert held(case) == ("benign", "model")


@pytest.mark.django_db
class TestLesionAndPatient:
    def test_worst_open_not_the_latest(self, staff):
        first = answered_submission(staff, "malignant")
        answered_submission(staff, "benign", lesion=first.lesion)
        lesion = Lesion.objects.get()
        assert (lesion.standing, lesion.standing_case) == ("malignant", first)
        other = LesionFactory(patient=lesion.patient)
        answered_submission(staff, "refer", lesion=other)
        patient = Patient.objects.get()
        assert (patient.standing, patient.standing_lesion) == ("malignant", lesion)
        ReviewFactory(submission=first, diagnosis="naevus")
        patient.refresh_from_db()
        assert (patient.standing, patient.standing_lesion) == ("refer", other)

    def test_not_judged_is_settled_by_a_later_case(self, staff):
        first = PredictionFactory(submission=SubmissionFactory(clinic=staff.clinic), state="failed")
        lesion = first.image.submission.lesion
        assert held(lesion)[0] == "not_judged"
        answered_submission(staff, "benign", lesion=lesion)
        assert held(lesion)[0] == "benign"

    def test_not_judged_after_a_benign_one_is_open(self, staff):
        first = answered_submission(staff, "benign")
        PredictionFactory(submission=SubmissionFactory(lesion=first.lesion), state="failed")
        assert held(first.lesion)[0] == "not_judged"

    @pytest.mark.parametrize("management", ["urgent_referral", "excise", "see_in_person"])
    def test_what_cant_be_told_is_open_while_its_order_is(self, staff, management):
        first = answered_submission(staff, "refer")
        review = ReviewFactory(submission=first, diagnosis="indeterminate", management=management)
        later = answered_submission(staff, "benign", lesion=first.lesion)
        ReviewFactory(submission=later, diagnosis="naevus")
        assert held(first.lesion) == ("indeterminate", "review")
        assert held(first.lesion.patient) == ("indeterminate", "review")
        AcknowledgementFactory(review=review)
        assert held(first.lesion) == ("benign", "review")

    @pytest.mark.parametrize("diagnosis", ["indeterminate", "naevus"])
    def test_a_newer_urgent_referral_hides_no_melanoma(self, staff, diagnosis):
        proven = answered_submission(staff, "malignant")
        OutcomeFactory(lesion=proven.lesion, diagnosis="melanoma_invasive")
        other = answered_submission(staff, "refer", lesion=LesionFactory(patient=proven.lesion.patient))
        ReviewFactory(submission=other, diagnosis=diagnosis, management="urgent_referral")
        patient = Patient.objects.get()
        assert (patient.standing, patient.standing_lesion) == ("malignant", proven.lesion)
        signed = answered_submission(staff, "malignant")
        ReviewFactory(submission=signed, diagnosis="melanoma", management="excise")
        newer = answered_submission(staff, "refer", lesion=signed.lesion)
        ReviewFactory(submission=newer, diagnosis=diagnosis, management="urgent_referral")
        assert held(signed.lesion) == ("malignant", "review")

    def test_a_naevus_to_be_referred_hides_nothing_that_is_not_benign(self, staff):
        """The order keeps its place; green stands before nothing else."""
        signed = answered_submission(staff, "benign")
        ReviewFactory(submission=signed, diagnosis="naevus", management="urgent_referral")
        assert held(signed.lesion) == ("benign", "review")
        later = answered_submission(staff, "refer", lesion=signed.lesion)
        assert held(signed.lesion) == ("refer", "model")
        assert (signed.lesion.standing_case, signed.lesion.standing_rank) == (later, 0)
        other = answered_submission(staff, "malignant", lesion=LesionFactory(patient=signed.lesion.patient))
        patient = Patient.objects.get()
        assert (patient.standing, patient.standing_basis) == ("malignant", "model")
        assert (patient.standing_lesion, patient.standing_rank) == (other.lesion, 0)

    def test_finding_stands_with_a_case_of_which_it_speaks(self, staff):
        for first in "0a":
            pk = uuid.UUID(first * 32)
            case = answered_submission(staff, "malignant", pk=pk)
            OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
            assert Lesion.objects.get(pk=case.lesion_id).standing_case == case

    def test_withdrawn_says_nothing(self, staff):
        case = answered_submission(staff, "benign")
        cancel_submission(actor=staff.clinician, submission=case, reason="Sent twice.")
        assert held(case.lesion) == ("", "")
        assert held(case.lesion.patient) == ("", "")

    def test_specimen_without_a_case(self, staff):
        lesion = LesionFactory(clinic=staff.clinic)
        OutcomeFactory(lesion=lesion, diagnosis="melanoma_invasive")
        assert held(lesion) == ("malignant", "histopathology")
        assert held(lesion.patient) == ("malignant", "histopathology")
        assert not list(find_differences())


class TestRank:
    def test_what_people_found_comes_before_what_the_model_says(self):
        order = [
            ("malignant", "histopathology", ""),
            ("malignant", "model", ""),
            ("indeterminate", "review", ""),
            ("refer", "model", ""),
            ("not_judged", "state", ""),
            ("in_work", "state", ""),
            ("benign", "model", ""),
            ("benign", "review", ""),
            ("withdrawn", "state", ""),
        ]
        ranks = [rank(*row) for row in order]
        assert ranks == sorted(ranks)
        assert len(set(ranks)) == len(ranks)

    @pytest.mark.parametrize("standing", [one for one in Standing if one != Standing.WITHDRAWN])
    def test_urgent_referral_is_first_whatever_the_diagnosis(self, standing):
        assert rank(standing, "review", Management.URGENT_REFERRAL) == 0

    @pytest.mark.parametrize("management", [Management.URGENT_REFERRAL, Management.EXCISE, Management.BIOPSY])
    @pytest.mark.parametrize(
        "other",
        [
            ("malignant", "model"),
            ("indeterminate", "review"),
            ("refer", "model"),
            ("not_judged", "state"),
            ("in_work", "state"),
        ],
    )
    def test_benign_with_an_order_keeps_its_place_and_not_the_word(self, management, other):
        naevus = Held("benign", "review", standing_rank=rank("benign", "review", management))
        worse = Held(*other, standing_rank=rank(*other))
        for found in ([(naevus, "naevus"), (worse, "other")], [(worse, "other"), (naevus, "naevus")]):
            worst, key = decide_patient(found)
            assert (worst.standing, key) == (other[0], "other")
            assert worst.standing_rank == min(naevus.standing_rank, worse.standing_rank)

    def test_agreement_follows_from_the_diagnosis(self):
        found = {
            (diagnosis, answer): find_agreement(diagnosis, answer)
            for diagnosis, answer in itertools.product(Diagnosis, ["benign", "malignant", "refer"])
        }
        assert found["melanoma", "benign"] == found["naevus", "malignant"] == "disagrees"
        assert found["melanoma", "malignant"] == found["naevus", "benign"] == "agrees"
        assert found["indeterminate", "benign"] == "undetermined"
        assert found["melanoma", "refer"] == "no_result"
