"""Getting in and out: what opens, what stays shut, and what nobody can tell from outside."""

import pytest
from django.conf import settings as site_settings
from django.test import Client
from django.urls import reverse

from portal.trust.audit.models import AuditEvent
from tests.factories import PASSWORD, UserFactory, staff_clinic

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


@pytest.fixture
def person():
    return staff_clinic().clinician


def log_in(client, email, password=PASSWORD, **extra):
    return client.post(LOGIN, {"login": email, "password": password, **extra})


def is_logged_in(client) -> bool:
    return "_auth_user_id" in client.session


def test_operator_without_a_clinic_lands_on_the_status_page(client):
    response = log_in(client, UserFactory(is_staff=True).email)
    assert response["Location"] == reverse("status")
    page = client.get(response["Location"]).content.decode()
    assert reverse("patient-list") not in page


def test_log_in_and_out(client, person):
    response = log_in(client, person.email.upper())
    assert response.status_code == 302
    assert response["Location"] == reverse("home")
    assert is_logged_in(client)
    assert client.get("/accounts/logout/").status_code == 200
    assert is_logged_in(client), "looking at the page must not log anybody out"
    response = client.post("/accounts/logout/")
    assert response["Location"] == reverse("account_login")
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert not is_logged_in(client)
    actions = AuditEvent.objects.order_by("position").values_list("action", "actor")
    assert list(actions) == [("user.logged_in", person.pk), ("user.logged_out", person.pk)]


def test_log_in_changes_the_session_key(client, person):
    session = client.session
    session["theme"] = "dark"
    session.save()
    client.cookies[site_settings.SESSION_COOKIE_NAME] = before = session.session_key
    log_in(client, person.email)
    assert client.session.session_key != before


def test_wrong_password_unknown_person_and_nothing_look_alike(client, person):
    pages = [
        log_in(Client(), person.email, "a wrong password"),
        log_in(Client(), "nobody@clinic.example", "a wrong password"),
    ]
    assert [page.status_code for page in pages] == [200, 200]
    words = [
        page.content.decode().replace(email, "").replace(str(page.context["csrf_token"]), "")
        for page, email in zip(pages, (person.email, "nobody@clinic.example"), strict=True)
    ]
    assert words[0] == words[1]
    assert AuditEvent.objects.filter(action="user.login_failed").count() == 2


def test_deactivated_person_is_not_let_in(client, person):
    person.is_active = False
    person.save()
    log_in(client, person.email)
    assert not is_logged_in(client)


def test_deactivation_ends_a_running_session(client, person):
    log_in(client, person.email)
    person.is_active = False
    person.save()
    assert client.get("/accounts/password/change/").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
    ],
)
def test_next_never_leads_away(client, person, target):
    for response in (
        log_in(client, person.email, next=target),
        client.post(f"/accounts/logout/?next={target}", {"next": target}),
    ):
        assert response.status_code == 302
        assert "evil" not in response["Location"]
        assert response["Location"].startswith("/")


def test_next_leads_back_to_a_page_of_the_site(client, person):
    page = client.get("/accounts/password/change/")
    assert page["Location"] == f"{LOGIN}?next=/accounts/password/change/"
    assert log_in(client, person.email, next="/accounts/password/change/")["Location"] == (
        "/accounts/password/change/"
    )


def test_log_in_without_the_csrf_token_is_refused(person):
    client = Client(enforce_csrf_checks=True)
    assert log_in(client, person.email).status_code == 403
    client.get(LOGIN)
    token = client.cookies["csrftoken"].value
    assert log_in(client, person.email, csrfmiddlewaretoken=token).status_code == 302


def test_failed_tries_on_one_person_are_stopped_from_everywhere(person):
    for n in range(5):
        log_in(Client(REMOTE_ADDR=f"203.0.113.{n}"), person.email, "a wrong password")
    client = Client(REMOTE_ADDR="203.0.113.9")
    response = log_in(client, person.email)
    assert "Too many failed" in response.content.decode()
    assert not is_logged_in(client)


def test_successes_do_not_count_as_failures(person):
    for _ in range(7):
        client = Client()
        log_in(client, person.email)
        assert is_logged_in(client)


def test_flood_of_log_ins_gets_the_429_page(client):
    answers = [log_in(client, f"nobody{n}@clinic.example", "wrong") for n in range(31)]
    assert answers[-1].status_code == 429
    assert "Too many tries" in answers[-1].content.decode()
    assert "unsafe" not in answers[-1]["Content-Security-Policy"]


def test_made_up_forwarded_address_does_not_escape_the_limit(client):
    answers = [
        client.post(
            LOGIN,
            {"login": f"nobody{n}@clinic.example", "password": "wrong"},
            headers={"X-Forwarded-For": f"203.0.113.{n}"},
        )
        for n in range(31)
    ]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize(
    "path",
    [
        "signup/",
        "email/",
        "confirm-email/",
        "confirm-email/abc/",
        "password/set/",
        "login/code/confirm/",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_the_site_does_not_offer_is_not_there(client, person, path, method):
    assert getattr(client, method)(f"/accounts/{path}").status_code == 404
    client.force_login(person)
    assert getattr(client, method)(f"/accounts/{path}").status_code == 404


def test_log_in_page_offers_no_sign_up(client):
    assert "signup" not in client.get(LOGIN).content.decode().lower()


def test_person_logged_in_is_sent_home_from_the_log_in_page(client, person):
    client.force_login(person)
    assert client.get(LOGIN)["Location"] == reverse("home")


def test_person_without_a_clinic_can_log_in_and_out(client):
    outsider = UserFactory()
    log_in(client, outsider.email)
    assert is_logged_in(client)
    assert client.post("/accounts/logout/").status_code == 302
