"""A refused image on every page: why, with the number and the limit, what to do; never a figure."""

import csv
import io

import pytest
from django.urls import reverse

from classifier.models import Prediction, SubmissionImage
from tests.factories import TOO_BLURRED, PredictionFactory, SubmissionFactory

pytestmark = pytest.mark.django_db
SENTENCE = "sharpness 3.1, at least 8 needed. Hold still, refocus and take it again."


@pytest.fixture
def refused(staff):
    case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
    PredictionFactory(refused=True, submission=case)
    return case


def answer_of(page):
    start = page.index('id="answer"')
    return page[start : page.index("</section>", start)]


def show(client, case, name="submission-detail"):
    return client.get(reverse(name, args=[case.pk])).text


class TestCasePage:
    def test_says_why_and_what_to_do(self, refused, staff, log_in):
        page = answer_of(show(log_in(staff.clinician), refused))
        assert SENTENCE in page
        assert "The model was not asked" in page
        assert f"{reverse('submission-new')}?lesion={refused.lesion_id}" in page
        assert "Take it again" in page

    def test_shows_no_figure(self, refused, staff, log_in):
        page = answer_of(show(log_in(staff.clinician), refused))
        assert 'class="scale' not in page
        assert "were malignant" not in page
        assert "unknown" not in page
        assert "Benign" not in page

    def test_tells_the_figures_of_the_gates(self, refused, staff, log_in):
        page = show(log_in(staff.clinician), refused)
        assert "not asked, because the image was refused first" in page
        assert "test-1" in page
        assert "Sharpness" in page

    def test_limits_stand_beside_what_was_measured(self, staff, log_in):
        row = PredictionFactory(submission=SubmissionFactory(clinic=staff.clinic), state="succeeded")
        SubmissionImage.objects.filter(pk=row.image_id).update(
            gate_version="gates-1",
            gated_at=row.finished_at,
            gate_figures={
                "dark_share": 0.2,
                "dark_share_most": 0.1,
                "sharpness": 9.5,
                "sharpness_least": 8.0,
            },
        )
        page = show(log_in(staff.clinician), row.image.submission)
        assert "at most 10%: <strong>not kept</strong>" in page
        assert "at least 8.00</td>" in page
        assert page.index("Sharpness") < page.index("Black part")

    def test_good_image_beside_a_refused_one_is_no_benign_case(self, refused, staff, log_in):
        PredictionFactory(submission=refused, state="succeeded", outcome="benign")
        page = answer_of(show(log_in(staff.clinician), refused))
        assert "could not judge every image, so this case has no answer" in page
        assert "reads this lesion as benign" not in page

    def test_malignant_image_speaks_beside_a_refused_one(self, refused, staff, log_in):
        PredictionFactory(submission=refused, state="succeeded", outcome="malignant")
        page = answer_of(show(log_in(staff.clinician), refused))
        assert "reads this lesion as malignant" in page
        assert "1 of 2 images could not be judged" in page
        assert SENTENCE in page

    def test_row_of_a_judged_case_does_not_tell_the_refusal_of_one_image(self, refused, staff, log_in):
        PredictionFactory(submission=refused, state="succeeded", outcome="malignant")
        page = log_in(staff.clinician).get(reverse("submission-list")).text
        assert "Malignant" in page
        assert "Too blurred to judge" not in page

    def test_only_who_submits_is_asked_for_a_new_picture(self, refused, staff, log_in):
        assert "Take it again" not in answer_of(show(log_in(staff.administrator), refused))


class TestOtherPages:
    @pytest.mark.parametrize("name", ["home", "submission-list"])
    def test_lists_say_why(self, name, refused, staff, log_in):
        page = log_in(staff.clinician).get(reverse(name)).text
        assert "Too blurred to judge: sharpness 3.1, at least 8 needed." in page

    def test_home_asks_for_a_new_image(self, refused, staff, log_in):
        assert "Take a new image" in log_in(staff.clinician).get(reverse("home")).text

    def test_dermatologist_gets_it_on_the_worklist_and_reads_it(self, refused, staff, log_in):
        client = log_in(staff.dermatologist)
        assert "Too blurred to judge" in client.get(reverse("worklist")).text
        page = show(client, refused, "submission-review")
        assert SENTENCE in page
        assert "malignant, threshold" not in page

    def test_hidden_until_read(self, refused, staff, log_in):
        staff.clinic.hide_result_until_read = True
        staff.clinic.save()
        client = log_in(staff.dermatologist)
        assert SENTENCE not in show(client, refused)
        assert "Too blurred" not in client.get(reverse("worklist")).text

    def test_export_names_the_code(self, refused, staff, log_in):
        response = log_in(staff.administrator).post(reverse("submission-export"), {"what": "all"})
        text = response.getvalue().decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["outcome"], row["refusals"]) == ("refer", "blurred")
        assert row["calibrated_probability"] == row["model"] == row["threshold_policy"] == ""

    def test_refused_case_is_counted_as_referred(self, refused, staff, log_in):
        page = log_in(staff.administrator).get(reverse("dashboard")).text
        assert "Refer: 1 of 1" in page
        assert "Photos refused before the model saw them: blurred 1." in page


def test_factory_and_sentence_belong_together():
    row = PredictionFactory(refused=True)
    assert Prediction.objects.get(pk=row.pk).image.gate_refusals == [TOO_BLURRED]
