"""What a case is held for, in one word and in sentences."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db.models import OuterRef

from classifier.cases.rows import load_cases
from classifier.domain.states import PredictionState
from classifier.domain.vocabulary import Diagnosis, Histopathology, Management
from classifier.labels.standing import format_case, format_model_below, label_case
from classifier.models import Lesion, Patient, Submission
from classifier.standing.hiding import (
    HIDES_STANDING,
    hides_standing,
    hides_worst,
    when_place_is_hidden,
    when_worst_is_hidden,
)
from classifier.standing.summary import summarise
from tests.factories import (
    AcknowledgementFactory,
    OutcomeFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    UserFactory,
    answered_submission,
    staff_clinic,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def case():
    return answered_submission(staff_clinic(), "benign")


def say(case, role=None):
    fresh = load_cases(Submission.objects.filter(pk=case.pk)).get()
    return format_case(fresh, summarise(fresh, role=role))


def sign(case, diagnosis=Diagnosis.MELANOMA, management=Management.EXCISE, **review):
    signer = UserFactory(full_name="Dr Okafor")
    at = dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC)
    return ReviewFactory(
        submission=case, diagnosis=diagnosis, management=management, signed_by=signer, signed_at=at, **review
    )


def prove(case, diagnosis=Histopathology.MELANOMA_INVASIVE, breslow_mm=Decimal("1.20")):
    taken, reported = dt.date(2199, 3, 2), dt.date(2199, 3, 9)
    return OutcomeFactory(
        lesion=case.lesion,
        diagnosis=diagnosis,
        breslow_mm=breslow_mm,
        specimen_taken_on=taken,
        reported_on=reported,
    )


def test_signature_speaks_first_and_the_model_second(case):
    sign(case)
    words = say(case)
    assert words.sentence == "Dr Okafor signed: melanoma, excise, 3 March."
    assert words.second == ("The model had said benign; the dermatologist's diagnosis differs.",)
    assert words.next_step == "Excise, to be acknowledged by 31 March."


def test_histopathology_speaks_before_both(case):
    review = sign(case)
    prove(case)
    words = say(case)
    assert words.sentence == "Pathologist: invasive melanoma, Breslow 1.2 mm, reported 9 March 2199."
    assert words.second == (
        "Dr Okafor had signed: melanoma, excise, 3 March.",
        "The model had said benign; the pathologist's finding differs.",
    )
    assert words.next_step == "Excise, to be acknowledged by 31 March."
    AcknowledgementFactory(review=review)
    assert say(case).next_step == "See that the patient is treated and followed up for this finding."


def test_no_further_action_is_not_the_step_after_a_melanoma(case):
    sign(case, Diagnosis.NAEVUS, Management.NO_ACTION)
    prove(case)
    words = say(case)
    assert words.next_step == "No treatment is signed for this finding. Have a dermatologist decide it now."
    assert words.second[0] == (
        "Dr Okafor had signed: melanocytic naevus, no further action, 3 March; "
        "the pathologist's finding differs."
    )


@pytest.mark.parametrize("management", [Management.BIOPSY, Management.URGENT_REFERRAL])
def test_what_was_carried_out_is_not_the_next_step(case, management):
    review = sign(case, management=management)
    label = Management(management).label
    assert say(case).next_step.startswith(f"{label}, to be acknowledged by")
    AcknowledgementFactory(review=review)
    assert say(case).next_step == f"{label}: acknowledged."
    prove(case, Histopathology.NAEVUS, None)
    assert say(case).next_step == "A dermatologist signs what follows from the finding."


def test_an_inconclusive_finding_does_not_tell_that_the_unread_answer_is_benign(case):
    case.clinic.hide_result_until_read = True
    case.clinic.save()
    prove(case, Histopathology.INCONCLUSIVE, None)
    case.refresh_from_db()
    assert (case.standing, case.standing_basis) == ("indeterminate", "histopathology")
    fresh = load_cases(Submission.objects.filter(pk=case.pk)).get()
    assert hides_standing(fresh, "dermatologist")
    assert not hides_standing(fresh, "clinician")
    assert Submission.objects.filter(HIDES_STANDING).get() == case
    assert say(case, role="dermatologist").sentence.startswith(
        "Your clinic shows the model's answer only after"
    )
    for rows in (Lesion.objects, Patient.objects):
        where = "lesion" if rows.model is Lesion else "lesion__patient"
        hidden = when_worst_is_hidden(Submission.objects.filter(**{where: OuterRef("pk")}))
        [row] = rows.filter(hidden)
        assert hides_worst(row, case.clinic, "dermatologist", has_unread=True)
    sign(case, Diagnosis.NAEVUS, Management.NO_ACTION)
    assert not Submission.objects.filter(HIDES_STANDING).exists()
    assert say(case, role="dermatologist").sentence.startswith("Pathologist: inconclusive")


@pytest.mark.parametrize(
    ("diagnosis", "management", "is_hidden"),
    [
        (Diagnosis.INDETERMINATE, Management.FOLLOW_UP, True),
        (Diagnosis.NAEVUS, Management.EXCISE, True),
        (Diagnosis.NAEVUS, Management.NO_ACTION, True),
        (Diagnosis.NAEVUS, Management.URGENT_REFERRAL, True),
        (Diagnosis.INDETERMINATE, Management.URGENT_REFERRAL, True),
        (Diagnosis.MELANOMA, Management.EXCISE, False),
    ],
)
def test_what_people_said_of_a_neighbour_does_not_give_an_unread_answer_away(
    case, diagnosis, management, is_hidden
):
    """A lesion "can't be told" above an unread case says that the model doesn't hold that for malignant."""
    case.clinic.hide_result_until_read = True
    case.clinic.save()
    sign(case, diagnosis, management)
    PredictionFactory(
        submission=SubmissionFactory(clinic=case.clinic, lesion=case.lesion),
        state=PredictionState.SUCCEEDED,
        outcome="benign",
    )
    for rows in (Lesion.objects, Patient.objects):
        where = "lesion" if rows.model is Lesion else "lesion__patient"
        cases = Submission.objects.filter(**{where: OuterRef("pk")})
        row = rows.get()
        assert hides_worst(row, case.clinic, "dermatologist", has_unread=True) == is_hidden
        assert rows.filter(when_worst_is_hidden(cases)).exists() == is_hidden
        assert not hides_worst(row, case.clinic, "clinician", has_unread=True)
        # What people refer urgently comes first whatever the model said: its place tells nothing.
        is_moved = rows.filter(when_place_is_hidden(when_worst_is_hidden(cases))).exists()
        assert is_moved == (is_hidden and management != Management.URGENT_REFERRAL)


def test_the_same_diagnosis_differs_from_nothing(case):
    sign(case, Diagnosis.NAEVUS, Management.NO_ACTION)
    assert say(case).second == ("The model had said benign.",)
    assert say(case).next_step == "No further action."


def test_an_inconclusive_finding_stands_below_a_signed_melanoma(case):
    sign(case)
    prove(case, Histopathology.INCONCLUSIVE, None)
    words = say(case)
    assert words.sentence.startswith("Dr Okafor signed: melanoma")
    assert words.second[0] == "Pathologist: inconclusive, reported 9 March 2199."


def test_an_unread_answer_is_not_told_beside_the_finding(case):
    case.clinic.hide_result_until_read = True
    case.clinic.save()
    prove(case)
    words = say(case, role="dermatologist")
    assert words.sentence.startswith("Pathologist: invasive melanoma")
    assert words.second == ()


def test_rows_say_the_model_in_small_where_people_decided(case):
    assert format_model_below(case) == ""
    sign(case)
    case.refresh_from_db()
    assert format_model_below(case) == "Model: benign; the dermatologist's diagnosis differs"
    assert (label_case(case).word, label_case(case).note) == ("Melanoma", "Signed")
    prove(case)
    case.refresh_from_db()
    assert format_model_below(case) == "Model: benign; the pathologist's finding differs"
    assert (label_case(case).word, label_case(case).note) == ("Invasive melanoma", "Histology")
