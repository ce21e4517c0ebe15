"""The lesion's outline on the pages: asked for, watched, drawn over the picture, compared with the last visit."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from classifier.models import Outline
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    OUTLINE_MEASURES,
    OutlineFactory,
    answered_submission,
    outline_network,
    refused_image,
    staff_clinic,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
ASK, MAKING, SHOW = "Outline the lesion", "Outlining the lesion", "Show the outline of the lesion"
NO_VERDICT = "No part of the answer, and no diagnosis."


@pytest.fixture
def case(staff, active_model):
    outline_network()
    return answered_submission(staff, "malignant")


@pytest.fixture
def image(case):
    return case.images.get()


@pytest.fixture
def client(staff, log_in):
    return log_in(staff.clinician)


def address(image, page="case"):
    return f"{reverse('image-outline', args=[image.pk])}?page={page}"


def case_page(client, case, **query):
    return client.get(reverse("submission-detail", args=[case.pk]), query).text


def test_the_case_offers_it_and_asking_queues_it(client, case, image, staff):
    assert ASK in case_page(client, case)
    answer = client.post(address(image), headers=HTMX).text
    assert MAKING in answer
    assert 'hx-trigger="every 2s"' in answer
    assert Outline.objects.get().requested_by == staff.clinician
    assert MAKING in case_page(client, case)


def test_done_it_lies_over_the_picture_with_its_measures(client, case, image):
    OutlineFactory(image=image, state="succeeded")
    answer = client.get(address(image), headers=HTMX).text
    corners = [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]
    points = " ".join(f"{x * image.width:.1f},{y * image.height:.1f}" for x, y in corners)
    assert answer.count(f'points="{points}"') == 2
    assert f'viewBox="0 0 {image.width} {image.height}"' in answer
    for words in (
        "25.0 % of the picture",
        "60 % of the picture",
        "2 of 6: light brown, dark brown",
        NO_VERDICT,
    ):
        assert words.replace("'", "&#x27;") in answer
    assert "hx-trigger" not in answer
    assert AuditEvent.objects.get(action="outline.viewed").object_type == "classifier.outline"


def test_on_the_page_it_is_hidden_until_asked_for_and_works_without_script(client, case, image):
    OutlineFactory(image=image, state="succeeded")
    page = case_page(client, case)
    assert 'data-overlay-toggle="outline-overlay"' in page
    assert page.partition('<svg class="overlay-outline"')[2].partition(">")[0].rstrip().endswith("hidden")
    shown = case_page(client, case, image=image.pk, outline="on")
    assert (
        not shown.partition('<svg class="overlay-outline"')[2].partition(">")[0].rstrip().endswith("hidden")
    )
    plain = client.post(address(image))
    assert plain.status_code == 302
    assert plain["Location"].endswith("&outline=on#picture")


def test_millimetres_and_a_cut_lesion_are_said(client, image):
    measures = {**OUTLINE_MEASURES, "area_mm2": 23.44, "diameter_mm": 6.15, "is_cut": True}
    OutlineFactory(image=image, state="succeeded", measures=measures)
    answer = client.get(address(image), headers=HTMX).text
    assert "23.4 mm²" in answer
    assert "6.2 mm" in answer or "6.1 mm" in answer
    assert "part of it may lie outside" in answer


def test_failed_it_says_why_and_offers_it_again(client, image):
    OutlineFactory(
        image=image, state="failed", error_code="no_lesion_found", error_message="No lesion stands out."
    )
    answer = client.get(address(image), headers=HTMX).text
    assert "The lesion could not be outlined. No lesion stands out." in answer
    assert "Outline it again" in answer


def test_without_a_network_it_says_so_and_changes_nothing(client, image):
    network = outline_network()
    network.lifecycle = "retired"
    network.save()
    answer = client.post(address(image), headers=HTMX).text
    assert "No network that outlines lesions is registered" in answer
    assert "manage.py register_models" in answer
    assert not Outline.objects.exists()


def test_a_refused_picture_says_so(client, case):
    answer = client.post(address(refused_image(submission=case, position=2)), headers=HTMX).text
    assert "can&#x27;t be judged, so it is not outlined either" in answer


def test_the_reading_page_offers_it_before_the_own_reading(staff, log_in, case, image):
    staff.clinic.hide_result_until_read = True
    staff.clinic.save()
    client = log_in(staff.dermatologist)
    page = client.get(reverse("submission-review", args=[case.pk])).text
    assert ASK in page
    assert MAKING in client.post(address(image, "review"), headers=HTMX).text


def test_another_clinic_sees_nothing_of_it(log_in, image):
    OutlineFactory(image=image, state="succeeded")
    client = log_in(staff_clinic().clinician)
    assert client.get(address(image)).status_code == 404
    assert client.post(address(image)).status_code == 404


class TestLesion:
    @pytest.fixture
    def visits(self, staff, case):
        earlier = answered_submission(
            staff, "benign", lesion=case.lesion, submitted_at=timezone.now() - dt.timedelta(days=90)
        )
        return earlier.images.get(), case.images.get()

    def page(self, client, case):
        return client.get(reverse("lesion-detail", args=[case.lesion_id])).text

    def test_it_says_what_changed_and_how_far_it_moves_by_itself(self, client, case, visits):
        before, now = visits
        OutlineFactory(image=before, state="succeeded")
        OutlineFactory(image=now, state="succeeded", measures={**OUTLINE_MEASURES, "area": 0.5})
        page = self.page(client, case)
        assert "+100 %" in page
        assert "more than it moves without any change; moves by up to 20 % without any change" in page
        assert "within what it moves by itself" in page
        assert "taken from the same distance" in page
        assert 'data-overlay-toggle="outline-before outline-now"' in page

    def test_without_both_outlines_it_says_what_to_do(self, client, case, visits):
        OutlineFactory(image=visits[0], state="succeeded")
        page = self.page(client, case)
        assert "Outline both pictures on their cases" in page
        assert '<th scope="col">Change</th>' not in page

    def test_a_cut_lesion_is_not_compared(self, client, case, visits):
        for image in visits:
            OutlineFactory(image=image, state="succeeded", measures={**OUTLINE_MEASURES, "is_cut": True})
        assert "reaches the edge of a picture" in self.page(client, case)
