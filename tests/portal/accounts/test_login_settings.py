"""Settings of production, read in a process of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

NAMES = [
    "DEBUG",
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "CSRF_COOKIE_SAMESITE",
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
    "NUM_PROXIES",
    "ALLAUTH_TRUSTED_PROXY_COUNT",
    # What a variable of a former version would change, were it read still.
    *("ACCOUNT_RATE_LIMITS", "CELERY_TASK_TIME_LIMIT", "MFA_TOTP_ISSUER", "OAUTH2_PROVIDER", "REST_KNOX"),
    *(name for name in dir(settings) if name.startswith("DERMAPORT_")),
]
SCRIPT = (
    "import json, sys; from django.conf import settings as s; "
    "print(json.dumps({n: getattr(s, n, s.REST_FRAMEWORK.get(n)) for n in sys.argv[1:]}, default=repr))"
)
GIVEN = {
    "DJANGO_SETTINGS_MODULE": "portal.settings.production",
    "SECRET_KEY": "k" * 60,
    "DATABASE_URL": "postgres://dermaport@db.example/dermaport",
    "REDIS_URL": "redis://broker.example/0",
    "DERMAPORT_ALLOWED_HOSTS": "dermaport.example",
    "DERMAPORT_ENCRYPTION_KEYS": "e" * 48,
}


def read_settings(*names: str, **environment: str | None):
    """Load the settings of production with `environment`; `names` are those of settings to print."""
    given = {name: value for name, value in {**GIVEN, **environment}.items() if value is not None}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *(names or NAMES)],
        capture_output=True,
        check=False,
        cwd=Path.cwd(),
        env=kept | given,
        text=True,
    )


def test_cookies_travel_over_tls_only_and_out_of_scripts_reach():
    found = json.loads(read_settings().stdout)
    assert found["DEBUG"] is False
    for name in (
        "SESSION_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
    ):
        assert found[name] is True, name
    assert found["SESSION_COOKIE_SAMESITE"] == found["CSRF_COOKIE_SAMESITE"] == "Lax"
    assert found["SECURE_HSTS_SECONDS"] >= 31_536_000
    # No subdomain can set such a cookie.
    assert found["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert found["CSRF_COOKIE_NAME"].startswith("__Host-")


def test_proxies_are_trusted_by_count_only():
    assert json.loads(read_settings().stdout)["NUM_PROXIES"] == 0
    found = json.loads(read_settings(DERMAPORT_TRUSTED_PROXIES="1").stdout)
    assert found["NUM_PROXIES"] == found["ALLAUTH_TRUSTED_PROXY_COUNT"] == 1


def test_https_of_a_proxy_is_believed_only_where_one_is_trusted():
    def read(**given):
        return json.loads(read_settings("SECURE_PROXY_SSL_HEADER", **given).stdout)["SECURE_PROXY_SSL_HEADER"]

    assert read() is None
    header = ["HTTP_X_FORWARDED_PROTO", "https"]
    assert read(DERMAPORT_TRUSTED_PROXIES="1") == header
    assert read(DERMAPORT_TRUSTED_PROXIES="1", DERMAPORT_BEHIND_PROXY="1") == header


@pytest.mark.parametrize(
    "name",
    ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DERMAPORT_ALLOWED_HOSTS", "DERMAPORT_ENCRYPTION_KEYS"],
)
def test_what_is_missing_stops_the_start_and_is_named(name):
    done = read_settings(**{name: None})
    assert done.returncode != 0
    assert name in done.stderr


def test_any_host_and_sqlite_stop_the_start():
    assert "received *" in read_settings(DERMAPORT_ALLOWED_HOSTS="*").stderr
    assert "received 5 in key 1" in read_settings(DERMAPORT_ENCRYPTION_KEYS="short").stderr
    assert "received SQLite" in read_settings(DATABASE_URL="sqlite:///x.sqlite3").stderr
