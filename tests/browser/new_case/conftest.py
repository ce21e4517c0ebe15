"""People, pictures and a browser on this process's own server: no stack is needed for the form."""

import re

import pytest
from django.core.cache import cache

from classifier.pages import new_submission
from tests.browser.conftest import DESK
from tests.browser.new_case.steps import give_password
from tests.factories import active_model, draw_jpeg, staff_clinic


@pytest.fixture
def staff():
    active_model()
    return staff_clinic()


@pytest.fixture
def visit(browser, live_server):
    # Counts log-ins by address: all tests come from one, and quick ones more than thirty times a minute.
    cache.clear()
    contexts = []

    def log_in(person, viewport=DESK, **options):
        context = browser.new_context(base_url=live_server.url, viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto("/accounts/login/")
        give_password(page, person)
        page.wait_for_url(re.compile(r"^(?!.*/login/)"))
        return page

    yield log_in
    for context in contexts:
        context.close()


@pytest.fixture
def photos(tmp_path):
    """Paths of drawn pictures."""

    def draw(*seeds):
        paths = [tmp_path / f"photo-{seed}.jpg" for seed in seeds]
        for seed, path in zip(seeds, paths, strict=True):
            path.write_bytes(draw_jpeg(seed, 320))
        return [str(path) for path in paths]

    return draw


@pytest.fixture
def lose_answer(monkeypatch):
    """From the call on, the next case is stored and its answer lost."""

    def lose():
        answer, lost = new_submission.HttpResponseClientRedirect, []

        def break_once(address):
            if not lost:
                lost.append(address)
                raise OSError("the answer is lost")
            return answer(address)

        monkeypatch.setattr(new_submission, "HttpResponseClientRedirect", break_once)

    return lose
