"""Pages that hand back what was sent: before a confirmation, and after a session had ended.

Names of fields come from the browser as their values do.
"""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from tests.factories import answered_submission, staff_clinic
from tests.security.hostile import ELEMENT, LONG, SHORT, find_injected
from tests.support.second_factor import log_in

pytestmark = pytest.mark.django_db
SENT = {"comment": LONG, "clinical_history": SHORT, LONG: "named by the browser", SHORT: LONG}


@pytest.fixture
def staff(settings, time_machine):
    settings.DERMAPORT_STEP_UP_MINUTES = 10
    settings.DERMAPORT_SIGNING_SESSION_HOURS = 0
    settings.DERMAPORT_IDLE_MINUTES = 15
    time_machine.move_to(timezone.now(), tick=False)
    return staff_clinic()


@pytest.fixture
def wait(time_machine):
    return lambda minutes: time_machine.shift(dt.timedelta(minutes=minutes))


def check(page):
    html = page.content.decode()
    assert find_injected(html) == []
    assert html.count(f"&lt;{ELEMENT}") >= len(SENT), "the words are there, as text"


def test_before_a_confirmation(client, staff, wait):
    log_in(client, staff.dermatologist)
    wait(11)
    case = answered_submission(staff)
    page = client.post(f"/submissions/{case.pk}/review/?{urlencode({'from': LONG})}", SENT)
    assert (page.status_code, "step_up_password" in page.content.decode()) == (403, True)
    check(page)


def test_after_a_session_that_ended(client, staff, wait):
    log_in(client, staff.clinician)
    wait(16)
    page = client.post("/submissions/search/", SENT, QUERY_STRING=f"from={SHORT}")
    # What was typed is not shown there at all.
    assert (page.status_code, find_injected(page.content.decode())) == (401, [])
    assert ELEMENT not in page.content.decode()
