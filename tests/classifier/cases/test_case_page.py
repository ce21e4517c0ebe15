"""The pictures of a case on its page: whose answer is shown, of what kind each is, what was not judged."""

import pytest
from django.urls import reverse

from classifier.domain.vocabulary import CaptureKind
from classifier.models import Prediction
from tests.classifier.cases.looking import chips_of, get, main_of, open_as
from tests.factories import (
    PredictionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
    staff_clinic,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    return staff_clinic()


class TestPictureOfTheAnswer:
    def test_it_is_swapped_when_the_result_arrives(self, staff):
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        first = SubmissionImageFactory(submission=case, capture_kind=CaptureKind.DERMOSCOPIC)
        second = SubmissionImageFactory(submission=case, capture_kind=CaptureKind.DERMOSCOPIC)
        waiting = [PredictionFactory(image=image) for image in (first, second)]
        client = open_as(staff.clinician)
        page = client.get(reverse("submission-detail", args=[case.pk]))
        assert page.context["shown"].image == first
        poll = page.context["poll"]
        assert "image=" not in poll
        # Half done: the fragment keeps asking and still knows what is on the screen.
        assert client.get(poll).context["poll"] == poll
        finish(waiting)
        PredictionFactory(image=first, state="succeeded", outcome="benign")
        PredictionFactory(image=second, state="succeeded", outcome="malignant")
        fragment = client.get(poll).text
        assert fragment.count('id="picture"') == 1
        swapped = fragment[fragment.index('id="picture"') :]
        assert reverse("image-derivative", args=[second.pk]) in swapped
        assert "image 2 of 2" in swapped
        # The overlay and the panel come inside the picture, not once more by themselves.
        assert fragment.count('id="explanation"') == fragment.count('id="overlay"') == 1

    def test_the_same_picture_keeps_its_zoom(self, staff):
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        waiting = PredictionFactory(submission=case)
        client = open_as(staff.clinician)
        poll = client.get(reverse("submission-detail", args=[case.pk])).context["poll"]
        finish([waiting])
        PredictionFactory(image=waiting.image, state="succeeded", outcome="benign")
        fragment = client.get(poll).text
        assert 'id="picture"' not in fragment
        assert 'id="explanation"' in fragment

    def test_a_picture_that_was_chosen_stays(self, staff):
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        waiting = [PredictionFactory(submission=case) for _ in range(2)]
        first, second = (row.image for row in waiting)
        client = open_as(staff.clinician)
        page = client.get(reverse("submission-detail", args=[case.pk]), {"image": str(first.pk)})
        finish(waiting)
        PredictionFactory(image=first, state="succeeded", outcome="benign")
        PredictionFactory(image=second, state="succeeded", outcome="malignant")
        response = client.get(page.context["poll"])
        assert response.context["shown"].image == first
        assert 'id="picture"' not in response.text


def finish(predictions):
    """Make room for the answers of what waited."""
    Prediction.objects.filter(pk__in=[row.pk for row in predictions]).delete()


class TestKinds:
    @pytest.fixture
    def mixed(self, staff):
        """An overview and a close-up beside a dermoscopic picture, as pathways send them."""
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        SubmissionImageFactory(submission=case, capture_kind=CaptureKind.OVERVIEW)
        SubmissionImageFactory(submission=case, capture_kind=CaptureKind.CLINICAL)
        image = SubmissionImageFactory(
            submission=case, capture_kind=CaptureKind.DERMOSCOPIC, dermoscopic_type="contact_polarized"
        )
        PredictionFactory(image=image, state="succeeded", outcome="malignant")
        return case

    def test_each_picture_says_its_kind_and_only_dermoscopic_ones_are_judged(self, mixed, staff):
        page = main_of(get(open_as(staff.clinician), "submission-detail", mixed.pk))
        for words in ("Overview", "Clinical close-up", "Dermoscopic, contact, polarised"):
            assert words in page
        assert page.count("Not for the model") == 2
        assert "could not be judged" not in page
        assert "There is no result" not in page
        assert "Failed" not in page
        assert "the most worrying of" not in page

    def test_the_picture_shown_is_the_dermoscopic_one(self, mixed, staff):
        page = open_as(staff.clinician).get(reverse("submission-detail", args=[mixed.pk]))
        assert page.context["shown"].image.position == 3

    def test_progress_counts_what_the_model_judges(self, mixed, staff):
        PredictionFactory(submission=mixed, state="running")
        assert "1 of 2 images done" in get(open_as(staff.clinician), "submission-status", mixed.pk)

    def test_without_a_dermoscopic_picture_it_waits_for_a_reader(self, staff):
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        SubmissionImageFactory(submission=case, capture_kind=CaptureKind.CLINICAL)
        page = main_of(get(open_as(staff.clinician), "submission-detail", case.pk))
        assert "The model was not asked: it judges dermoscopic pictures only." in page
        assert "A dermatologist reads this case." in page
        assert "Failed" not in page
        assert "Try again" not in page
        reading = get(open_as(staff.dermatologist), "submission-detail", case.pk)
        assert reverse("submission-review", args=[case.pk]) in reading


class TestNotJudged:
    def test_a_refusal_is_not_judged_and_refer_is_too_close_to_call(self, staff):
        refused = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        PredictionFactory(refused=True, submission=refused)
        close = answered_submission(staff, "refer")
        client = open_as(staff.clinician)
        page = main_of(get(client, "submission-detail", refused.pk))
        assert ("failed", "Not judged") in chips_of(page)
        assert "Refer" not in [words for _, words in chips_of(page)]
        assert ("refer", "Refer · Preliminary") in chips_of(
            main_of(get(client, "submission-detail", close.pk))
        )
        for outcome, row in (("unjudged", refused), ("refer", close)):
            cases = client.get(reverse("submission-list"), {"outcome": outcome}).context["cases"]
            assert [found.submission.pk for found in cases] == [row.pk]

    def test_each_refused_picture_has_its_figures_one_click_away(self, staff):
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
        PredictionFactory(refused=True, submission=case)
        PredictionFactory(refused=True, submission=case)
        page = main_of(get(open_as(staff.clinician), "submission-detail", case.pk))
        folded = "".join(part.partition("</details>")[0] for part in page.split("<details")[1:])
        assert folded.count("Sharpness") == 2
        assert "Sharpness" not in page.replace(folded, "").partition("<details")[0]
