"""When a log-in ends by itself: idle too long, or simply too old."""

import datetime as dt

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings as site_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from classifier.models import Submission
from portal.trust.accounts.models import User
from portal.trust.audit.models import AuditEvent
from tests.factories import answered_submission, draw_jpeg, staff_clinic
from tests.support.second_factor import log_in

pytestmark = pytest.mark.django_db
STATUS = "/accounts/session/"


@pytest.fixture
def staff(settings, time_machine):
    settings.DERMAPORT_IDLE_MINUTES = 15
    settings.SESSION_COOKIE_AGE = 12 * 3600
    time_machine.move_to(timezone.now(), tick=False)
    return staff_clinic()


@pytest.fixture
def wait(time_machine):
    return lambda **length: time_machine.shift(dt.timedelta(**length))


def is_in(client, address="/submissions/"):
    return client.get(address).status_code == 200


def test_idle_person_is_logged_out(client, staff, wait):
    log_in(client, staff.clinician)
    wait(minutes=14)
    assert is_in(client)
    wait(minutes=14)
    assert is_in(client), "the last request started the wait anew"
    wait(minutes=15)
    assert client.get("/submissions/")["Location"].startswith("/accounts/login/")
    event = AuditEvent.objects.get(action="user.session_expired")
    assert (event.actor, event.details) == (staff.clinician, {"reason": "idle"})


def test_session_row_is_gone_after_it_ends(client, staff, wait):
    log_in(client, staff.clinician)
    old = client.cookies[site_settings.SESSION_COOKIE_NAME].value
    wait(minutes=16)
    client.get("/submissions/")
    again = Client()
    again.cookies[site_settings.SESSION_COOKIE_NAME] = old
    assert not is_in(again)


def test_api_by_session_ends_too(client, staff, wait):
    log_in(client, staff.clinician)
    wait(minutes=16)
    assert client.get("/api/v1/me/").status_code == 401


def test_what_pages_ask_by_themselves_keeps_nobody_in(client, staff, wait):
    case: Submission = answered_submission(staff)
    log_in(client, staff.clinician)
    for _ in range(3):
        wait(minutes=4, seconds=50)
        assert client.get("/home/columns/").status_code == 200
        assert client.get(f"/submissions/{case.pk}/status/").status_code == 200
        assert client.get(STATUS).json()["person"] == str(staff.clinician.pk)
    wait(minutes=1)
    assert client.get("/home/columns/", headers={"HX-Request": "true"}).status_code == 401


def test_typing_keeps_one_in(client, staff, wait):
    log_in(client, staff.clinician)
    for _ in range(4):
        wait(minutes=10)
        assert client.post(STATUS).json()["seconds_left"] == 15 * 60
    assert is_in(client)


def test_page_learns_how_long_is_left(client, staff, wait):
    log_in(client, staff.clinician)
    wait(minutes=14, seconds=10)
    told = client.get(STATUS).json()
    assert told.pop("csrf_token")
    assert told == {
        "person": str(staff.clinician.pk),
        "clinic": str(staff.clinic.pk),
        "seconds_left": 50,
        "reason": "idle",
    }
    wait(minutes=1)
    assert client.get(STATUS).json()["person"] is None


def test_nothing_lengthens_the_absolute_limit(client, staff, wait):
    log_in(client, staff.clinician)
    for _ in range(12 * 6 - 1):
        wait(minutes=10)
        assert client.post(STATUS).json()["person"]
    wait(minutes=11)
    assert not is_in(client)
    assert AuditEvent.objects.get(action="user.session_expired").details == {"reason": "absolute"}


def test_zero_minutes_end_nothing(client, staff, wait, settings):
    settings.DERMAPORT_IDLE_MINUTES = 0
    log_in(client, staff.clinician)
    wait(hours=11)
    assert is_in(client)


def test_every_page_carries_the_guard(client, staff):
    assert "session-over" not in client.get("/accounts/login/").content.decode()
    log_in(client, staff.clinician)
    page = client.get("/submissions/new/").content.decode()
    assert f'data-person="{staff.clinician.pk}"' in page
    assert 'data-idle-seconds="900"' in page


def test_session_key_given_before_log_in_opens_nothing(client, staff):
    """Session fixation: whoever planted a cookie must not be in once its bearer logs in."""
    planted = client.session
    planted["theme"] = "dark"
    planted.save()
    client.cookies[site_settings.SESSION_COOKIE_NAME] = planted.session_key
    log_in(client, staff.clinician)
    thief = Client()
    thief.cookies[site_settings.SESSION_COOKIE_NAME] = planted.session_key
    assert is_in(client)
    assert not is_in(thief)


def test_session_that_came_along_with_a_token_stays_its_owners(staff, wait):
    client = Client()
    log_in(client, staff.clinician)
    (before,) = UserSession.objects.values_list("user", "last_seen_at")
    wait(minutes=1)
    token = AuthToken.objects.create(user=staff.dermatologist)[1]
    assert client.get("/api/v1/me/", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert list(UserSession.objects.values_list("user", "last_seen_at")) == [before]


def test_session_of_who_was_deactivated_says_nothing(staff, wait):
    client = Client()
    log_in(client, staff.clinician)
    User.objects.update(is_active=False)
    wait(minutes=1)
    assert client.get("/submissions/").status_code == 302
    assert client.get("/accounts/login/").status_code == 200


LATE = {"full_name": "Zephyrine Quillfeather"}
FROM_A_PAGE = {"Referer": "http://testserver/settings/profile/?tab=name"}


def test_form_that_comes_too_late_is_answered_by_a_page_that_says_so(client, staff, wait, caplog):
    """Without script nobody asked before sending: nothing is kept, and the page says what to do."""
    log_in(client, staff.clinician)
    wait(minutes=16)
    answer = client.post("/settings/name/", LATE, headers=FROM_A_PAGE)
    page = answer.content.decode()
    assert answer.status_code == 401
    assert "Nothing of it was saved, submitted or signed" in page
    assert 'href="/accounts/login/?next=/settings/profile/"' in page
    assert "Zephyrine" not in page + caplog.text
    staff.clinician.refresh_from_db()
    assert staff.clinician.full_name != LATE["full_name"]
    assert not AuditEvent.objects.filter(action="access.refused").exists()


def test_new_case_that_comes_too_late_is_read_to_its_end(client, staff, wait):
    """A browser that is still sending its pictures doesn't listen to the answer."""
    log_in(client, staff.clinician)
    wait(minutes=16)
    image = SimpleUploadedFile("lesion.jpg", draw_jpeg(2), "image/jpeg")
    answer = client.post("/submissions/new/", {"clinical_history": "grew", "images": [image]})
    assert "You were logged out before this was sent" in answer.content.decode()
    assert not Submission.objects.exists()


@pytest.mark.parametrize("referer", ["https://evil.example/settings/", "//evil.example", ""])
def test_page_of_an_ended_session_leads_nowhere_else(client, staff, wait, referer):
    log_in(client, staff.clinician)
    wait(minutes=16)
    page = client.post("/settings/name/", LATE, headers={"Referer": referer}).content.decode()
    assert 'href="/accounts/login/?next=/"' in page


def test_session_that_was_ended_elsewhere_says_so_too(client, staff):
    log_in(client, staff.clinician)
    UserSession.objects.get().end()
    assert client.post("/settings/name/", LATE).status_code == 401


def test_script_and_strangers_are_sent_to_the_log_in(client, staff, wait):
    """A script still has what it sent, and who never was here has lost nothing."""
    assert client.post("/settings/name/", LATE)["Location"].startswith("/accounts/login/")
    log_in(client, staff.clinician)
    wait(minutes=16)
    answer = client.post("/settings/name/", LATE, headers={"Sec-Fetch-Mode": "cors"})
    assert answer["Location"].startswith("/accounts/login/")
