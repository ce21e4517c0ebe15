import datetime as dt

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from classifier.cases.withdrawal import cancel_submission
from classifier.models import Prediction, Submission
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
    staff_clinic,
    submit,
)

pytestmark = pytest.mark.django_db


def show(client, case, name="submission-detail"):
    response = client.get(reverse(name, args=[case.pk]))
    assert response.status_code == 200
    return response.text


@restated_together()
def unanswered(staff, *states, **values):
    case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician, **values)
    for state in states:
        PredictionFactory(submission=case, state=state)
    return case


def answer_of(page):
    """The standing, and the panel of review and model."""
    found = []
    for name in ("standing", "answer"):
        start = page.index(f'id="{name}"')
        found.append(page[start : page.index("</section>", start)])
    return "".join(found)


BLURRED = {
    "sharpness": 1.9,
    "brightness": 180.0,
    "contrast": 16.0,
    "dark_fraction": 0.0,
    "bright_fraction": 0.0,
    "verdict": "check",
}


class TestDoubts:
    """An image that looked poor when it came in, and that the gates let pass."""

    @pytest.fixture
    def case(self, staff):
        case = answered_submission(staff, "benign")
        case.images.update(quality=BLURRED)
        return case

    def test_figure_of_a_blurred_image_is_doubted_and_a_new_one_offered(self, case, staff, log_in):
        page = answer_of(show(log_in(staff.clinician), case))
        assert "This picture looked poor when it came in" in page
        assert "Read its figure with doubt." in page
        assert "Take it again" in page

    def test_one_image_of_several_is_named(self, case, staff, log_in):
        PredictionFactory(submission=case, state="succeeded", outcome="benign")
        page = answer_of(show(log_in(staff.clinician), case))
        assert page.count("Read its figure with doubt.") == 1
        assert "Image 1: This picture looked poor when it came in" in page

    def test_nothing_is_said_of_an_answer_that_is_withheld(self, case, staff, log_in):
        type(staff.clinic).objects.filter(pk=staff.clinic.pk).update(hide_result_until_read=True)
        assert "with doubt" not in answer_of(show(log_in(staff.dermatologist), case))


class TestAnswer:
    @pytest.mark.parametrize(
        ("outcome", "figure", "sentence"),
        [
            ("benign", "about 1 is", "The model reads this lesion as benign."),
            ("malignant", "about 29 are", "The model reads this lesion as malignant."),
            ("refer", "about 4 are", "The model does not decide"),
        ],
    )
    def test_says_what_how_sure_and_what_next(self, outcome, figure, sentence, staff, log_in):
        page = answer_of(show(log_in(staff.clinician), answered_submission(staff, outcome)))
        assert sentence in page
        assert f"in a clinic where 3 in 100 are malignant, {figure} malignant." in page
        assert "not how many lesions are malignant" in page
        assert 'class="scale' in page
        assert "Preliminary until a dermatologist signs it" in page
        assert "Next step" in page
        assert "What the model can&#x27;t judge" in page or "What the model can't judge" in page

    def test_names_model_threshold_device_and_times(self, staff, log_in):
        case = SubmissionFactory(clinic=staff.clinic)
        version = ModelVersionFactory(name="paper-cnn-2", version="1.0")
        PredictionFactory(submission=case, state="succeeded", outcome="benign", model_version=version)
        page = answer_of(show(log_in(staff.clinician), case))
        assert "paper-cnn-2 1.0" in page
        assert f"policy {version.policy['version']}" in page
        assert "CPU: test" in page
        assert "ms judging it" in page

    def test_names_the_image_that_speaks(self, staff, log_in):
        page = answer_of(show(log_in(staff.clinician), answered_submission(staff, "benign", "malignant")))
        assert "The figure is image 2's, the most worrying of 2." in page

    def test_signed_says_who_and_what(self, staff, log_in):
        case = answered_submission(staff, "malignant")
        review = ReviewFactory(submission=case, management="excise", signed_by=staff.dermatologist)
        ReviewFactory(amends=review, management="biopsy", signed_by=staff.dermatologist)
        page = answer_of(show(log_in(staff.clinician), case))
        assert f"Signed by {staff.dermatologist.full_name}" in page
        assert "Biopsy" in page
        assert "Excise" not in page
        assert "Amended because: Histology came back." in page
        assert "Preliminary" not in page

    @pytest.mark.parametrize("states", [["rejected"], ["failed"], ["queued"], ["running"]])
    def test_nothing_benign_without_a_judgement(self, states, staff, log_in):
        page = show(log_in(staff.clinician), unanswered(staff, *states)).lower()
        assert "benign" not in page
        assert "malignant" not in page

    def test_nothing_benign_while_in_work_or_cancelled(self, staff, log_in):
        case = answered_submission(staff, "benign")
        PredictionFactory(submission=case, state="queued")
        assert "benign" not in show(log_in(staff.clinician), case).lower()
        cancel_submission(actor=staff.clinician, submission=case, reason="Sent twice.")
        page = show(log_in(staff.clinician), case)
        assert "benign" not in page.lower()
        assert "It gives no result." in page

    def test_shadow_is_never_shown(self, staff, log_in):
        case = answered_submission(staff, "benign")
        shadow = ModelVersionFactory(shadow=True, name="shadow-net")
        PredictionFactory(
            image=case.images.get(),
            model_version=shadow,
            is_shadow=True,
            state="succeeded",
            outcome="malignant",
        )
        page = show(log_in(staff.clinician), case)
        assert "shadow-net" not in page
        assert "tone-malignant" not in page

    def test_partly_judged_says_so(self, staff, log_in):
        case = answered_submission(staff, "malignant")
        PredictionFactory(submission=case, state="rejected")
        page = answer_of(show(log_in(staff.clinician), case))
        assert "1 of 2 images could not be judged." in page
        assert "Image 2: The file ends too early." in page


class TestReadFirst:
    def test_dermatologist_gets_an_explanation_instead(self, db, log_in):
        staff = staff_clinic(hide_result_until_read=True)
        case = answered_submission(staff, "malignant", "benign")
        page = show(log_in(staff.dermatologist), case)
        assert "shows the model's answer only after" in page.replace("&#x27;", "'")
        for word in ("malignant", "benign", "100 lesions", "scale"):
            assert word not in page.lower().replace("scale=1", "")
        assert "tone-malignant" in show(log_in(staff.clinician), case)

    def test_everywhere_else_too(self, db, log_in):
        staff = staff_clinic(hide_result_until_read=True)
        case = answered_submission(staff, "malignant")
        client = log_in(staff.dermatologist)
        for address in (
            reverse("home"),
            reverse("patient-list"),
            reverse("patient-detail", args=[case.lesion.patient_id]),
            reverse("lesion-detail", args=[case.lesion_id]),
            reverse("submission-status", args=[case.pk]),
        ):
            assert "tone-malignant" not in client.get(address).text, address


class TestProgress:
    def test_polls_only_while_unfinished(self, staff, log_in):
        client, case = log_in(staff.clinician), unanswered(staff, "queued")
        assert 'hx-trigger="every 2s"' in show(client, case)
        assert 'hx-trigger="every 2s"' in show(client, case, "submission-status")
        Prediction.objects.all().delete()
        PredictionFactory(image=case.images.get(), state="succeeded", outcome="benign")
        fragment = show(client, case, "submission-status")
        assert "hx-trigger" not in fragment
        assert "The model reads this lesion as benign." in fragment
        assert fragment.count('hx-swap-oob="outerHTML"') == 7

    def test_without_script_the_page_reloads_itself_until_done(self, staff, log_in):
        client = log_in(staff.clinician)
        assert 'http-equiv="refresh"' in show(client, unanswered(staff, "running"))
        assert 'http-equiv="refresh"' not in show(client, answered_submission(staff, "benign"))

    def test_place_in_the_queue_is_true(self, staff, log_in):
        now = timezone.now()
        cases = [unanswered(staff, "queued") for _ in range(4)]
        for age, case in zip((4, 3, 2, 1), cases, strict=True):
            Prediction.objects.filter(image__submission=case).update(
                queued_at=now - dt.timedelta(minutes=age)
            )
        client = log_in(staff.clinician)
        assert "yours is next" in show(client, cases[0], "submission-status")
        assert "3 images ahead of this one" in show(client, cases[3], "submission-status")

    def test_running_counts_images(self, staff, log_in):
        case = answered_submission(staff, "benign", "benign")
        PredictionFactory(submission=case, state="running")
        assert "2 of 3 images done" in show(log_in(staff.clinician), case, "submission-status")

    def test_polling_leaves_no_event_until_the_answer_is_shown(self, staff, log_in):
        client, case = log_in(staff.clinician), unanswered(staff, "queued")
        viewed = AuditEvent.objects.filter(action="submission.viewed")
        show(client, case, "submission-status")
        assert viewed.count() == 0
        show(client, answered_submission(staff, "benign"), "submission-status")
        assert viewed.count() == 1


class TestActions:
    def test_cancel_asks_first_and_then_does(self, staff, log_in):
        client, case = log_in(staff.clinician), unanswered(staff, "queued")
        address = reverse("submission-cancel", args=[case.pk])
        assert "can't be undone" in client.get(address).text.replace("&#x27;", "'")
        assert Submission.objects.get().cancelled_at is None
        page = client.post(address, follow=True).text
        assert "The case is withdrawn." in page
        assert Submission.objects.get().cancelled_by == staff.clinician

    def test_signed_case_is_not_cancelled(self, staff, log_in):
        case = answered_submission(staff, "benign")
        ReviewFactory(submission=case)
        client = log_in(staff.clinician)
        assert reverse("submission-cancel", args=[case.pk]) not in show(client, case)
        sent = {"withdrawal_reason": "Sent twice."}
        answer = client.post(reverse("submission-cancel", args=[case.pk]), sent)
        assert answer.status_code == 409
        assert "it can't be withdrawn" in answer.text.replace("&#x27;", "'")

    def test_failed_is_tried_again(self, staff, log_in, active_model):
        client, case = log_in(staff.clinician), unanswered(staff, "failed")
        assert "Try again" in show(client, case)
        page = client.post(reverse("submission-retry", args=[case.pk]), follow=True).text
        assert "1 image sent to the model again." in page
        assert "In the queue" in page

    def test_nothing_to_try_again_is_said(self, staff, log_in):
        case = answered_submission(staff, "benign")
        page = log_in(staff.clinician).post(reverse("submission-retry", args=[case.pk]), follow=True).text
        assert "Every image has a result or is in work." in page

    def test_administrators_look_only(self, staff, log_in):
        client, case = log_in(staff.administrator), unanswered(staff, "failed")
        page = show(client, case)
        assert reverse("submission-retry", args=[case.pk]) not in page
        assert reverse("submission-cancel", args=[case.pk]) not in page
        assert client.post(reverse("submission-retry", args=[case.pk])).status_code == 403

    def test_dermatologist_is_led_to_the_review(self, staff, log_in):
        case = answered_submission(staff, "benign")
        assert "Review and sign" in show(log_in(staff.dermatologist), case)
        assert "Review and sign" not in show(log_in(staff.clinician), case)


class TestHistory:
    def test_audit_log_in_plain_words(self, staff, log_in, active_model):
        case = submit(staff.clinician, LesionFactory(clinic=staff.clinic), [1])
        client = log_in(staff.clinician)
        show(client, case)
        page = show(client, case)
        assert "Submitted 1 image" in page
        assert f"<li>{staff.clinician.full_name}, last" in page

    def test_same_picture_is_pointed_out(self, staff, log_in, active_model):
        first, second = (submit(staff.clinician, LesionFactory(clinic=staff.clinic), [1]) for _ in range(2))
        client = log_in(staff.clinician)
        assert f"for patient {first.lesion.patient.public_id}" in show(client, second)
        assert "The same picture" not in show(client, first)

    def test_heading_says_site_and_day(self, staff, log_in):
        case = answered_submission(staff, submitted_at=dt.datetime(2026, 3, 3, 9, tzinfo=dt.UTC))
        client = log_in(staff.clinician)
        with time_machine.travel(dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)):
            client.force_login(staff.clinician)
            page = show(client, case)
        heading = page[page.index("<h1>") + 4 : page.index("</h1>")]
        assert heading.strip() == "Left upper back, submitted 3 March"
