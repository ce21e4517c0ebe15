"""People on this process's own server: no stack is needed for the form."""

import pytest

from classifier.pages import new_submission
from tests.factories import active_model, staff_clinic


@pytest.fixture
def staff():
    active_model()
    return staff_clinic()


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
