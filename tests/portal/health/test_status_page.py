import pytest
from django.contrib.auth import get_user_model

pytestmark = pytest.mark.django_db


def make_person(**rights):
    return get_user_model().objects.create_user("kim.operator@example.org", **rights)


def test_operator_reads_what_is_wrong(client, settings):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/valkey.sock"
    client.force_login(make_person(is_staff=True))

    response = client.get("/status/")

    page = response.content.decode()
    assert response.status_code == 200
    assert "The broker does not answer" in page
    assert "Submissions are kept and wait" in page
    assert "No worker has been seen" in page
    assert "Nothing waits." in page


def test_status_is_for_operators_only(client):
    client.force_login(make_person())

    assert client.get("/status/").status_code == 403


def test_nobody_is_sent_to_the_log_in(client):
    response = client.get("/status/")

    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/")


def test_page_keeps_the_environment_to_itself(client, settings):
    settings.CELERY_BROKER_URL = "redis://:secret-word@127.0.0.1:1/0"
    client.force_login(make_person(is_staff=True))

    assert "secret-word" not in client.get("/status/").content.decode()
