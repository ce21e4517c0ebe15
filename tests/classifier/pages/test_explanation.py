"""Where the model looked, on the page: asked for, watched, seen, and withheld."""

import re

import pytest
from django.urls import reverse

from classifier.cases.readings import record_unseen_reading
from classifier.models import Explanation
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ExplanationFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
LIMITS = "not why, and not where the disease is"
ASK, MAKING = "Show where the model looked", "Making the map of where the model looked"


@pytest.fixture
def case(staff, active_model):
    return answered_submission(staff, "malignant")


@pytest.fixture
def prediction(case):
    return case.images.get().predictions.get()


@pytest.fixture
def client(staff, log_in):
    return log_in(staff.clinician)


@pytest.fixture
def panel(client, prediction):
    def get(page="case"):
        address = reverse("prediction-explanation", args=[prediction.pk])
        return client.get(address, {"page": page}, headers=HTMX).text

    return get


def ask(client, prediction, page="case", **options):
    address = reverse("prediction-explanation", args=[prediction.pk])
    return client.post(f"{address}?page={page}", **options)


def overlay(client, prediction, **options):
    return client.get(reverse("explanation-overlay", args=[prediction.pk]), **options)


def test_a_case_in_work_says_nothing_of_a_map(client, staff):
    case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician)
    PredictionFactory(submission=case, state="queued")
    assert "where it looked" not in client.get(reverse("submission-detail", args=[case.pk])).text


class TestPanel:
    def test_offers_to_ask_and_asks_for_nothing_by_itself(self, panel):
        words = panel()
        assert ASK in words
        assert "hx-trigger" not in words
        assert not Explanation.objects.exists()

    def test_asking_shows_that_it_is_being_made(self, client, prediction):
        words = ask(client, prediction, headers=HTMX).text
        assert MAKING in words
        assert Explanation.objects.get().prediction == prediction

    @pytest.mark.parametrize("state", ["queued", "running"])
    def test_polls_only_while_it_is_being_made(self, panel, prediction, state):
        ExplanationFactory(prediction=prediction, state=state)
        words = panel("review")
        assert MAKING in words
        assert 'hx-trigger="every 2s"' in words
        assert re.search(r'hx-get="[^"]+\?page=review"', words)

    def test_finished_brings_the_overlay_the_limits_and_the_check(self, panel, prediction):
        ExplanationFactory(prediction=prediction, state="succeeded")
        words = panel()
        assert "hx-trigger" not in words
        assert LIMITS in words
        assert "from 91 to 42; with as much blurred elsewhere, to 88" in words
        assert 'hx-swap-oob="outerHTML"' in words
        image = re.search(r'<img class="overlay-image"[^>]*>', words)[0]
        assert reverse("explanation-overlay", args=[prediction.pk]) in image
        assert "hidden" not in image

    def test_map_that_fails_its_check_says_so(self, panel, prediction):
        row = ExplanationFactory.build(prediction=prediction, state="succeeded").figures
        ExplanationFactory(prediction=prediction, state="succeeded", figures=row | {"is_passed": False})
        assert "Don't rely on this map" in panel().replace("&#x27;", "'")

    def test_failed_says_why_and_can_be_tried_again(self, client, panel, prediction):
        ExplanationFactory(prediction=prediction, state="failed")
        words = panel()
        assert "The worker stopped 3 times" in words
        assert "Try again" in words
        assert MAKING in ask(client, prediction, headers=HTMX).text

    def test_no_map_where_there_is_no_figure(self, client, case):
        refused = PredictionFactory(submission=case, state="rejected")
        words = client.get(reverse("prediction-explanation", args=[refused.pk]), headers=HTMX).text
        assert "gave no figure" in words
        assert ASK not in words
        assert "gave no figure" in ask(client, refused, headers=HTMX).text
        assert not Explanation.objects.exists()

    def test_shadow_does_not_exist(self, client, case):
        shadow = PredictionFactory(submission=case, state="succeeded", is_shadow=True)
        assert ask(client, shadow).status_code == 404

    def test_nothing_of_a_cancelled_case(self, client, panel, case, staff, prediction):
        ExplanationFactory(prediction=prediction, state="succeeded", with_file=True)
        case.cancelled_at, case.cancelled_by = case.submitted_at, staff.clinician
        case.save()
        words = panel()
        assert "withdrawn" in words
        assert "42" not in words
        assert overlay(client, prediction).status_code == 404


class TestWithoutScript:
    @pytest.mark.parametrize(
        ("place", "route"), [("case", "submission-detail"), ("review", "submission-review")]
    )
    def test_asking_leads_back_with_the_overlay_on(self, client, prediction, case, place, route):
        found = ask(client, prediction, place)
        address = f"{reverse(route, args=[case.pk])}?image={prediction.image_id}&map=on#picture"
        assert (found.status_code, found["Location"]) == (302, address)

    def test_unknown_page_leads_to_the_case(self, client, prediction, case):
        found = ask(client, prediction, "https://elsewhere.example/")
        assert found["Location"].startswith(reverse("submission-detail", args=[case.pk]))

    def test_overlay_is_hidden_until_asked_for(self, client, prediction, case):
        ExplanationFactory(prediction=prediction, state="succeeded")
        address = reverse("submission-detail", args=[case.pk])
        for query, is_hidden in (("", True), ("?map=on", False)):
            words = client.get(address + query).text
            image = re.search(r'<img class="overlay-image"[^>]*>', words)[0]
            assert ("hidden" in image) is is_hidden
            assert ("Show the picture alone" in words) is not is_hidden


class TestOverlay:
    def test_serves_the_bytes_to_this_person_only(self, client, prediction):
        row = ExplanationFactory(prediction=prediction, state="succeeded", with_file=True)
        response = overlay(client, prediction)
        body = b"".join(response.streaming_content)
        assert body.startswith(b"\x89PNG")
        assert response["Content-Type"] == "image/png"
        assert response["Cache-Control"] == "private, no-cache"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Disposition"] == f'inline; filename="{row.pk}.png"'
        assert "Cookie" in response["Vary"]
        again = overlay(client, prediction, headers={"If-None-Match": response["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_each_look_leaves_an_event(self, client, staff, prediction):
        row = ExplanationFactory(prediction=prediction, state="succeeded", with_file=True)
        overlay(client, prediction)
        event = AuditEvent.objects.get(action="explanation.viewed")
        assert (event.actor, event.object_id) == (staff.clinician, str(row.pk))

    @pytest.mark.parametrize("state", ["queued", "running", "failed"])
    def test_none_before_it_is_made(self, client, prediction, state):
        ExplanationFactory(prediction=prediction, state=state)
        assert overlay(client, prediction).status_code == 404

    def test_lost_file_is_not_found(self, client, prediction):
        ExplanationFactory(prediction=prediction, state="succeeded")
        assert overlay(client, prediction).status_code == 404


class TestPages:
    def test_case_shows_the_panel_of_the_chosen_image(self, client, staff, active_model):
        case = answered_submission(staff, "malignant", "benign")
        chosen = case.images.get(position=2)
        words = client.get(reverse("submission-detail", args=[case.pk]), {"image": chosen.pk}).text
        assert reverse("prediction-explanation", args=[chosen.predictions.get().pk]) in words
        assert '<div id="overlay">' in words

    def test_finished_case_brings_the_panel_with_its_answer(self, client, case, prediction):
        words = client.get(reverse("submission-status", args=[case.pk]), headers=HTMX).text
        assert reverse("prediction-explanation", args=[prediction.pk]) in words

    def test_case_in_work_has_none(self, client, case):
        PredictionFactory(submission=case)
        assert ASK not in client.get(reverse("submission-detail", args=[case.pk])).text

    def test_reading_page_has_it_with_its_key(self, staff, log_in, case):
        words = log_in(staff.dermatologist).get(reverse("submission-review", args=[case.pk])).text
        assert ASK in words
        assert 'data-key="h"' in words
        assert "<kbd>h</kbd>" in words


class TestHiddenUntilRead:
    """A clinic that hides the model's figure hides its map with it."""

    @pytest.fixture
    def reader(self, staff, log_in, case, prediction):
        staff.clinic.hide_result_until_read = True
        staff.clinic.save()
        ExplanationFactory(prediction=prediction, state="succeeded", with_file=True)
        return log_in(staff.dermatologist)

    def test_nothing_before_the_own_read(self, reader, case, prediction):
        for route in ("submission-review", "submission-detail"):
            words = reader.get(reverse(route, args=[case.pk]), {"map": "on"}).text
            assert "where the model looked" not in words.lower()
            assert "overlay-image" not in words
        address = reverse("prediction-explanation", args=[prediction.pk])
        assert [reader.get(address).status_code, reader.post(address).status_code] == [403, 403]
        assert overlay(reader, prediction).status_code == 403
        assert not AuditEvent.objects.filter(action="explanation.viewed").exists()

    def test_shown_after_it(self, reader, staff, case, prediction):
        record_unseen_reading(actor=staff.dermatologist, submission=case, diagnosis="naevus")
        assert "overlay-image" in reader.get(reverse("submission-review", args=[case.pk])).text
        assert overlay(reader, prediction).status_code == 200

    def test_shown_after_a_signature(self, reader, case, prediction):
        ReviewFactory(submission=case)
        assert overlay(reader, prediction).status_code == 200

    def test_shown_to_others(self, reader, client, prediction):
        assert overlay(client, prediction).status_code == 200
