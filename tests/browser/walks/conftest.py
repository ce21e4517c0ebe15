"""People and cases on this process's own server: no worker runs, the tests give its answers themselves."""

import datetime as dt

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from classifier.models import Submission
from tests.browser.conftest import DESK
from tests.factories import (
    PredictionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    active_model,
    draw_jpeg,
    staff_clinic,
)


@pytest.fixture
def staff():
    active_model()
    return staff_clinic()


@pytest.fixture
def open_as(browser, live_server):
    """Open the portal as a person, in a browser of their own."""
    contexts = []

    def log_in(person, viewport=DESK, **options):
        client = Client()
        client.force_login(person)
        context = browser.new_context(base_url=live_server.url, viewport=viewport, **options)
        contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        return context.new_page()

    yield log_in
    for context in contexts:
        context.close()


@pytest.fixture
def send_case(staff):
    """A case of the clinician with real pictures; each of `images` is an outcome, or empty while it waits."""

    def send(*images, days=3):
        at = timezone.now() - dt.timedelta(days=days)
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician, submitted_at=at)
        for seed, outcome in enumerate(images):
            image = SubmissionImageFactory(submission=case, with_files=True, with_files__seed=seed)
            if outcome:
                PredictionFactory(image=image, state="succeeded", outcome=outcome)
            else:
                PredictionFactory(image=image)
        if any(images):
            # The answer came when the case was sent.
            Submission.objects.filter(pk=case.pk).update(news_at=at)
        case.refresh_from_db()
        return case

    return send


@pytest.fixture
def photos(tmp_path):
    """Paths of drawn pictures."""

    def draw(*seeds):
        paths = [tmp_path / f"photo-{seed}.jpg" for seed in seeds]
        for seed, path in zip(seeds, paths, strict=True):
            path.write_bytes(draw_jpeg(seed, 320))
        return [str(path) for path in paths]

    return draw
