"""Many users, TLS in front, PostgreSQL and Redis. What is missing stops the start."""

import os

from django.core.exceptions import ImproperlyConfigured

from portal.settings.base import *  # noqa: F403
from portal.settings.base import (
    ALLOWED_HOSTS,
    DATABASES,
    DERMAPORT_ENCRYPTION_KEYS,
    DERMAPORT_IDLE_MINUTES,
    DERMAPORT_MFA_REQUIRED_ROLES,
    TRUSTED_PROXIES,
)
from portal.settings.logs import configure_logging
from portal.trust.encryption.keys import check_secrets

for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DERMAPORT_ALLOWED_HOSTS"):
    if not os.environ.get(name):
        raise ImproperlyConfigured(f"Set the {name} environment variable: production has no default for it.")
check_secrets(tuple(DERMAPORT_ENCRYPTION_KEYS))
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("DERMAPORT_ALLOWED_HOSTS: expected the site's names, received *.")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    raise ImproperlyConfigured("DATABASE_URL: expected PostgreSQL in production, received SQLite.")
if not any(DERMAPORT_MFA_REQUIRED_ROLES):
    raise ImproperlyConfigured("DERMAPORT_MFA_REQUIRED_ROLES: expected roles in production, received none.")
if DERMAPORT_IDLE_MINUTES <= 0:
    raise ImproperlyConfigured(
        f"DERMAPORT_IDLE_MINUTES: expected more than 0 in production, received {DERMAPORT_IDLE_MINUTES}."
    )

# For the machine that gathers them: one JSON object a line.
LOGGING = configure_logging(as_json=True)

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# The prefix makes browsers refuse such a cookie from a subdomain or over plain HTTP.
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_NAME = "__Host-csrf"
SECURE_SSL_REDIRECT = True
# A balancer asks for health inside the network, in plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
