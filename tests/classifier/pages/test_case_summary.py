import pytest

from classifier.domain.states import Headline
from classifier.models import Submission
from classifier.standing.summary import summarise, summary_prefetches
from tests.factories import (
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
    restated_together,
    staff_clinic,
)

pytestmark = pytest.mark.django_db


def load(submission):
    return (
        Submission.objects.select_related("clinic")
        .prefetch_related(*summary_prefetches())
        .get(pk=submission.pk)
    )


@restated_together()
def case_of(staff, *answers, **values):
    """A case with one image for each answer: an outcome or a state."""
    case = SubmissionFactory(clinic=staff.clinic, **values)
    for answer in answers:
        if answer in ("benign", "malignant", "refer"):
            PredictionFactory(submission=case, state="succeeded", outcome=answer)
        else:
            PredictionFactory(submission=case, state=answer)
    return load(case)


@pytest.mark.parametrize(
    ("answers", "headline"),
    [
        (["benign"], Headline.BENIGN),
        (["benign", "benign"], Headline.BENIGN),
        (["benign", "malignant", "refer"], Headline.MALIGNANT),
        (["benign", "refer"], Headline.REFER),
        (["refer", "failed"], Headline.REFER),
        (["malignant", "failed", "rejected"], Headline.MALIGNANT),
        (["benign", "rejected"], Headline.INCOMPLETE),
        (["benign", "failed"], Headline.INCOMPLETE),
        (["rejected", "rejected"], Headline.REJECTED),
        (["rejected", "failed"], Headline.FAILED),
        (["failed"], Headline.FAILED),
        (["queued"], Headline.QUEUED),
        (["malignant", "queued"], Headline.RUNNING),
        (["benign", "running"], Headline.RUNNING),
        ([], Headline.FAILED),
    ],
)
def test_most_worrying_image_speaks(staff, answers, headline):
    assert summarise(case_of(staff, *answers)).headline == headline


@pytest.mark.parametrize("answers", [["benign", "queued"], ["rejected"], ["failed", "benign"], ["running"]])
def test_nothing_unjudged_is_called_benign(staff, answers):
    summary = summarise(case_of(staff, *answers))
    assert summary.outcome == ""
    assert summary.prediction is None


def test_cancelled_case_shows_no_outcome_not_even_of_its_images(staff, django_user_model):
    case = answered_submission(staff, "malignant")
    Submission.objects.filter(pk=case.pk).update(cancelled_at=case.submitted_at, cancelled_by=staff.clinician)
    summary = summarise(load(case))
    assert summary.headline == Headline.CANCELLED
    assert [answer.outcome for answer in summary.answers] == [""]


def test_retry_replaces_the_failure_before_it(staff):
    image = SubmissionImageFactory(submission=SubmissionFactory(clinic=staff.clinic))
    failed = PredictionFactory(image=image, state="failed")
    PredictionFactory(image=image, state="succeeded", outcome="benign", model_version=failed.model_version)
    assert summarise(load(image.submission)).headline == Headline.BENIGN


def test_shadow_never_speaks(staff):
    case = answered_submission(staff, "benign")
    PredictionFactory(
        image=case.images.get(),
        model_version=ModelVersionFactory(shadow=True),
        is_shadow=True,
        state="succeeded",
        outcome="malignant",
    )
    assert summarise(load(case)).headline == Headline.BENIGN


def test_speaker_is_the_image_with_the_highest_figure(staff):
    case = SubmissionFactory(clinic=staff.clinic)
    for figure in (0.7, 0.95, 0.8):
        PredictionFactory(submission=case, state="succeeded", outcome="malignant", probability=figure)
    summary = summarise(load(case))
    assert summary.prediction.calibrated_probability == 0.95
    assert summary.image.position == 2


class TestHiddenUntilRead:
    def test_dermatologist_reads_first(self, db):
        case = load(answered_submission(staff_clinic(hide_result_until_read=True), "malignant"))
        summary = summarise(case, role="dermatologist")
        assert summary.headline == Headline.HIDDEN
        assert summary.outcome == ""
        assert summary.prediction is None
        assert [answer.outcome for answer in summary.answers] == [""]

    @pytest.mark.parametrize("role", ["clinician", "administrator", None])
    def test_others_see_it(self, db, role):
        case = load(answered_submission(staff_clinic(hide_result_until_read=True), "malignant"))
        assert summarise(case, role=role).headline == Headline.MALIGNANT

    def test_shown_once_signed(self, db):
        case = answered_submission(staff_clinic(hide_result_until_read=True), "malignant")
        ReviewFactory(submission=case)
        assert summarise(load(case), role="dermatologist").headline == Headline.MALIGNANT

    def test_other_clinics_hide_nothing(self, staff):
        case = load(answered_submission(staff, "malignant"))
        assert summarise(case, role="dermatologist").headline == Headline.MALIGNANT

    def test_failure_is_not_hidden(self, db):
        case = case_of(staff_clinic(hide_result_until_read=True), "failed")
        assert summarise(case, role="dermatologist").headline == Headline.FAILED
