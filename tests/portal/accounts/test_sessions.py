"""Where a person is logged in: seen and ended by themselves alone."""

import datetime as dt

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from classifier.tasks import forget_expired_sessions_task
from portal.trust.accounts.sessions.sessions import describe_agent
from portal.trust.audit.models import AuditEvent
from tests.factories import staff_clinic
from tests.support.second_factor import log_in

pytestmark = pytest.mark.django_db
LIST, END = "/accounts/sessions/", "/accounts/sessions/end/"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Mobile/15E148 Safari/604.1"
)
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def person():
    return staff_clinic().clinician


def browser(person, agent, address):
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    log_in(client, person)
    return client


def is_in(client):
    return client.get("/submissions/").status_code == 200


def test_list_says_where_in_words(person):
    browser(person, PHONE, "203.0.113.7")
    desk = browser(person, DESK, "203.0.113.8")
    rows = desk.get(LIST).context["sessions"]
    assert [(row.words, row.address, row.is_current) for row in rows] == [
        ("Firefox on Windows", "203.0.113.8", True),
        ("Safari on iPhone", "203.0.113.7", False),
    ]


def test_one_is_ended(person):
    phone, desk = browser(person, PHONE, "203.0.113.7"), browser(person, DESK, "203.0.113.8")
    row = UserSession.objects.get(ip="203.0.113.7")
    assert desk.post(END, {"session": row.pk}).status_code == 302
    assert is_in(desk)
    assert not is_in(phone)
    assert AuditEvent.objects.get(action="user.sessions_ended").details == {"sessions": 1}


def test_all_others_are_ended(person):
    others = [browser(person, PHONE, f"203.0.113.{n}") for n in range(3)]
    desk = browser(person, DESK, "203.0.113.8")
    desk.post(END)
    assert is_in(desk)
    assert not any(is_in(other) for other in others)


def test_only_ones_own_are_ended(person):
    other = staff_clinic().clinician
    theirs, mine = browser(other, DESK, "203.0.113.9"), browser(person, DESK, "203.0.113.8")
    row = UserSession.objects.get(user=other)
    assert mine.post(END, {"session": row.pk}).status_code == 404
    assert mine.post(END, {"session": "nonsense"}).status_code == 404
    assert mine.post(END, {"session": UserSession.objects.get(user=person).pk}).status_code == 404
    mine.post(END)
    assert is_in(theirs)


def test_session_known_to_the_site_only_is_listed(person):
    client = Client()
    client.force_login(person)
    assert [row.is_current for row in client.get(LIST).context["sessions"]] == [True]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("", "An unknown program"),
        ("curl/8.5.0", "An unknown program"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge on Linux",
        ),
    ],
)
def test_agent_in_words(agent, words):
    assert describe_agent(agent) == words


def test_sessions_that_are_over_are_forgotten(person, settings):
    browser(person, PHONE, "203.0.113.7")
    over = timezone.now() + dt.timedelta(seconds=settings.SESSION_COOKIE_AGE + 60)
    with time_machine.travel(over):
        desk = browser(person, DESK, "203.0.113.8")
        forget_expired_sessions_task()
        assert Session.objects.count() == 1
        assert [row.ip for row in UserSession.objects.all()] == ["203.0.113.8"]
        assert is_in(desk)


def test_session_whose_key_changes_just_now_is_not_forgotten(person):
    browser(person, PHONE, "203.0.113.7")
    Session.objects.all().delete()
    forget_expired_sessions_task()
    assert UserSession.objects.count() == 1
