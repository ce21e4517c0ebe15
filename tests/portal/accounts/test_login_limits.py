"""Guessing passwords gets slower and slower, and keeps nobody out who has been here before."""

import datetime as dt
import threading

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from portal.trust.accounts.login.limits import ACCOUNT, PAIR, count_attempt
from portal.trust.accounts.models import LoginWait
from portal.trust.audit.models import AuditEvent
from tests.factories import PASSWORD, staff_clinic
from tests.support.second_factor import log_in

pytestmark = pytest.mark.django_db
WRONG = "a wrong password"


@pytest.fixture
def person():
    return staff_clinic().clinician


@pytest.fixture
def wait(time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    return lambda seconds: time_machine.shift(dt.timedelta(seconds=seconds))


def try_from(address, person, password=WRONG):
    client = Client(REMOTE_ADDR=address)
    page = log_in(client, person, password)
    return client, page


def fail(person, times, start=0):
    """Failures from everywhere: another address each."""
    for n in range(times):
        try_from(f"203.0.113.{start + n}", person)


def is_in(client):
    return "_auth_user_id" in client.session


def test_waits_double_up_to_a_quarter_of_an_hour():
    assert [ACCOUNT.wait_after(n) for n in (4, 5, 6, 7, 8, 12, 60)] == [0, 30, 60, 120, 240, 900, 900]
    assert PAIR.wait_after(5) == 60
    assert PAIR.wait_after(60) == 3600


def test_account_waits_and_opens_again(person, wait):
    fail(person, 5)
    client, page = try_from("203.0.113.99", person, password="correct-horse-battery-staple")
    assert "Too many failed" in page.content.decode()
    assert not is_in(client)
    wait(31)
    client, _ = try_from("203.0.113.99", person, password="correct-horse-battery-staple")
    assert is_in(client)
    assert not LoginWait.objects.filter(failures__gt=1).exists()


def test_refused_tries_make_no_wait_longer(person, wait):
    fail(person, 5)
    fail(person, 20, start=100)
    assert {row.failures for row in LoginWait.objects.all()} == {5, 1}
    wait(31)
    client, _ = try_from("203.0.113.99", person, password="correct-horse-battery-staple")
    assert is_in(client)


def test_known_device_is_not_kept_out_by_strangers(person, wait):
    """Not even by those behind the same address, as in one clinic."""
    colleague = Client(REMOTE_ADDR="198.51.100.1")
    log_in(colleague, person)
    colleague.post("/accounts/logout/")
    fail(person, 5)
    for _ in range(12):
        log_in(Client(REMOTE_ADDR="198.51.100.1"), person, WRONG)
    log_in(colleague, person)
    assert is_in(colleague)


def test_known_device_has_its_own_limit(person, wait):
    thief = Client(REMOTE_ADDR="198.51.100.1")
    log_in(thief, person)
    thief.post("/accounts/logout/")
    for _ in range(5):
        log_in(thief, person, WRONG)
    assert "Too many failed" in log_in(thief, person).content.decode()


@pytest.mark.parametrize("change", ["another person", "made up", "new password"])
def test_device_is_known_for_its_person_and_password_only(person, wait, change):
    client = Client()
    other = staff_clinic().clinician
    log_in(client, other if change == "another person" else person)
    client.post("/accounts/logout/")
    if change == "made up":
        client.cookies["device"] = client.cookies["device"].value[:-4] + "AAAA"
    if change == "new password":
        person.set_password("seven-quiet-herons-wade")
        person.save()
    fail(person, 5)
    assert "Too many failed" in log_in(client, person, "seven-quiet-herons-wade").content.decode()


def test_cookie_is_out_of_scripts_reach_and_names_nobody(person):
    client = Client()
    log_in(client, person)
    cookie = client.cookies["device"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert person.email not in cookie.value


def test_unknown_address_waits_in_the_same_way(person, wait):
    person.email = "nobody@clinic.example"
    fail(person, 5)
    _, page = try_from("203.0.113.99", person)
    assert "Too many failed" in page.content.decode()


def test_new_password_by_mail_ends_the_wait(client, person, wait, mailoutbox):
    fail(person, 5)
    client.post("/accounts/password/reset/", {"email": person.email})
    link = mailoutbox[-1].body.split("http://testserver")[1].split()[0]
    address = client.get(link).url
    new = "seven-quiet-herons-wade"
    client.post(address, {"password1": new, "password2": new})
    client, _ = try_from("203.0.113.99", person, password=new)
    assert is_in(client)


def test_waits_are_recorded_without_what_was_typed(person, wait):
    fail(person, 5)
    event = AuditEvent.objects.get(action="user.login_delayed")
    assert event.object_id == str(person.pk)
    assert event.details == {"limit": "account", "seconds": 30}


def test_table_names_nobody(person):
    fail(person, 1)
    assert person.email not in str(list(LoginWait.objects.values()))
    assert "203.0.113" not in str(list(LoginWait.objects.values()))


def test_old_failures_are_forgotten(person, wait):
    fail(person, 4)
    wait(25 * 3600)
    fail(person, 4, start=50)
    assert LoginWait.objects.count() == 5
    client, _ = try_from("203.0.113.99", person, password="correct-horse-battery-staple")
    assert is_in(client)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_slip_through():
    outcomes = []

    def knock(n):
        request = RequestFactory().post("/accounts/login/", REMOTE_ADDR=f"203.0.113.{n}")
        outcomes.append(count_attempt(request, "ada@clinic.example").is_refused)
        connection.close()

    threads = [threading.Thread(target=knock, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(False) == 5


def test_failures_of_one_address_are_limited_over_all_accounts(person, wait, settings):
    settings.DERMAPORT_LOGIN_FAILED_RATE = "3/m/ip"
    for n in range(3):
        try_from("2001:db8:1:2::1", staff_clinic().clinician, WRONG if n else "another wrong one")
    neighbour, page = try_from("2001:db8:1:2::ffff", person, password=PASSWORD)
    assert "Too many failed" in page.content.decode(), "one household has many addresses of IPv6"
    assert not is_in(neighbour)
    assert is_in(try_from("2001:db8:1:3::1", person, password=PASSWORD)[0])
    wait(61)
    assert is_in(try_from("2001:db8:1:2::1", person, password=PASSWORD)[0])


def test_right_passwords_take_no_place_of_an_address(person, wait, settings):
    settings.DERMAPORT_LOGIN_FAILED_RATE = "2/m, 3/h"
    for _ in range(4):
        assert is_in(try_from("203.0.113.7", person, password=PASSWORD)[0])


@pytest.mark.parametrize("rate", ["ten", "10/x", "10/m/key"])
def test_rate_that_says_nothing_is_refused(person, settings, rate):
    settings.DERMAPORT_LOGIN_FAILED_RATE = rate
    with pytest.raises(ImproperlyConfigured, match="DERMAPORT_LOGIN_FAILED_RATE"):
        try_from("203.0.113.7", person)
