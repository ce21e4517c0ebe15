"""Environment variables: what an operator may set, each read in one place with its default and its meaning.

The table in docs/operators.md is made from what is recorded here (`manage.py list_settings --update`), and a
test compares the two. Whatever nobody turns is a constant in the settings modules instead. A name that was
a variable once stays in `FORMER`, so that whoever still sets it is told at the start.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True)
class Variable:
    """One environment variable: its name, its default as people read it, and what it does."""

    name: str
    default: str
    meaning: str
    group: str


VARIABLES: dict[str, Variable] = {}
"""What the settings modules asked for, in the order in which they did."""

GROUPS = (
    "The site",
    "Database, broker, files",
    "Log-in",
    "Single sign-on",
    "Programs and webhooks",
    "Networks and workers",
    "Privacy and audit log",
    "Demo",
)
"""Headings of the operators' table."""


class Environment:
    """Read the variables of one group of settings, and remember what was asked for.

    Each method takes the variable's name, its meaning (one sentence for the operators' table) and the
    `default`. `shown` is how the table tells a default that depends on the machine. A second read of a
    name that was recorded before leaves the meaning out. A number or switch that is set to nothing has its
    default; a text or a list set to nothing is empty. A value that can't be read as its kind raises
    ImproperlyConfigured, which names the variable and stops the start.
    """

    def __init__(self, group: str) -> None:
        self._read = environ.Env()
        self._group = group

    def text(self, name: str, meaning: str = "", *, default: str = "", shown: str | None = None) -> str:
        self._record(name, meaning, default or "none" if shown is None else shown)
        return str(self._read.str(name, default=default))

    def integer(self, name: str, meaning: str = "", *, default: int, shown: str | None = None) -> int:
        self._record(name, meaning, str(default) if shown is None else shown)
        return _convert(name, os.environ.get(name), int, "a whole number", default)

    def number(self, name: str, meaning: str = "", *, default: float) -> float:
        self._record(name, meaning, f"{default:g}")
        return _convert(name, os.environ.get(name), _read_number, "a number", default)

    def switch(self, name: str, meaning: str = "", *, default: bool, shown: str | None = None) -> bool:
        self._record(name, meaning, ("on" if default else "off") if shown is None else shown)
        return read_switch(name, default=default)

    def names(
        self, name: str, meaning: str = "", *, default: tuple[str, ...] = (), shown: str | None = None
    ) -> list[str]:
        """Read a list, separated by commas; blanks around an entry don't count."""
        self._record(name, meaning, ",".join(default) or "none" if shown is None else shown)
        found = (one.strip() for one in self._read.list(name, default=list(default)))
        return [one for one in found if one]

    def numbers(self, name: str, meaning: str, *, default: tuple[int, ...]) -> list[int]:
        """Read a list of whole numbers, separated by commas."""
        texts = self.names(name, meaning, default=tuple(map(str, default)))
        return [_convert(name, text, int, "whole numbers", 0) for text in texts]

    def secrets(self, name: str, meaning: str, *, shown: str | None = None) -> list[str]:
        """Read a list of secrets, separated by commas, each exactly as it stands: a blank is a part of it."""
        self._record(name, meaning, "none" if shown is None else shown)
        return list(self._read.list(name, default=[]))

    def database(self, name: str, meaning: str, *, default: str, shown: str) -> dict[str, Any]:
        self._record(name, meaning, shown)
        return dict(self._read.db_url(name, default=default))

    def mail(self, name: str, meaning: str, *, default: str, shown: str) -> dict[str, Any]:
        self._record(name, meaning, shown)
        return dict(self._read.email_url(name, default=default))

    def _record(self, name: str, meaning: str, default: str) -> None:
        if meaning:
            VARIABLES.setdefault(name, Variable(name, default, meaning, self._group))
        elif name not in VARIABLES:
            raise LookupError(f"{name}: expected a meaning where the variable is read first, received none.")


Value = TypeVar("Value")
ON, OFF = frozenset({"1", "true", "yes", "on", "y", "ok"}), frozenset({"0", "false", "no", "off", "n"})


def read_switch(name: str, *, default: bool) -> bool:
    """Whether the variable `name` is on. Raises ImproperlyConfigured for what is neither on nor off.

    A word that isn't known must not count as off: it may stand for a guard that was meant to be on.
    """
    return _convert(name, os.environ.get(name), _read_switch, "1 or 0", default)


def _read_switch(text: str) -> bool:
    if text.lower() not in ON | OFF:
        raise ValueError
    return text.lower() in ON


def _read_number(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError
    return number


def _convert(
    name: str, text: str | None, read: Callable[[str], Value], expected: str, default: Value
) -> Value:
    if not (text or "").strip():
        return default
    try:
        return read(str(text).strip())
    except ValueError:
        raise ImproperlyConfigured(f"{name}: expected {expected}, received {text!r}.") from None


FORMER = {
    "DERMAPORT_API_ACTIVE_PREDICTIONS": "500 images of a clinic",
    "DERMAPORT_API_CLINIC_CALLS_PER_MINUTE": "five times DERMAPORT_API_CALLS_PER_MINUTE",
    "DERMAPORT_API_JSON_MAX_BYTES": "40 MiB",
    "DERMAPORT_API_WAITING": "half of WEB_THREADS, 4 requests of one web process at most",
    "DERMAPORT_AUDIT_ANCHOR_SECONDS": "every hour",
    "DERMAPORT_BATCH_SIZE": "32 images",
    "DERMAPORT_BEHIND_PROXY": "DERMAPORT_TRUSTED_PROXIES tells that TLS ends at a proxy",
    "DERMAPORT_CSRF_TRUSTED_ORIGINS": "the names of DERMAPORT_ALLOWED_HOSTS by https, and DERMAPORT_SITE_URL",
    "DERMAPORT_DEFAULT_MODEL": "efficientnetv2-b0, until an operator chooses another under Settings, Models",
    "DERMAPORT_DERIVATIVE_MAX_SIDE": "2,048 pixels",
    "DERMAPORT_DEVICE": "a GPU where there is one; DERMAPORT_GPUS=0 never takes one",
    "DERMAPORT_EMERGENCY_ATTEMPTS": "5 an hour",
    "DERMAPORT_EMERGENCY_MINUTES": "60 minutes",
    "DERMAPORT_EMERGENCY_REASON_LENGTH": "20 characters",
    "DERMAPORT_FHIR_MAX_BYTES": "64 MiB",
    "DERMAPORT_GATES": "the quality and domain gates are on",
    "DERMAPORT_HSTS_SECONDS": "a year",
    "DERMAPORT_INVITATION_DAYS": "7 days",
    "DERMAPORT_KEPT_FORM_MINUTES": "nothing: no forms are kept after a session ended",
    "DERMAPORT_LEASE_SECONDS": "180 seconds",
    "DERMAPORT_LOGIN_FAILED_RATE": "a third of DERMAPORT_LOGIN_RATE",
    "DERMAPORT_LOG_JSON": "one JSON object a line, in production",
    "DERMAPORT_LOG_LEVEL": "INFO",
    "DERMAPORT_MAX_ATTEMPTS": "3 attempts",
    "DERMAPORT_MFA_ISSUER": "Dermaport",
    "DERMAPORT_OAUTH_ACCESS_MINUTES": "60 minutes",
    "DERMAPORT_OAUTH_OVERLAP_HOURS": "24 hours",
    "DERMAPORT_OAUTH_RATE": "60 calls a minute of one address",
    "DERMAPORT_OAUTH_REFRESH_DAYS": "30 days",
    "DERMAPORT_RECONCILE_SECONDS": "every minute",
    "DERMAPORT_RETENTION_HOURS": "the hours from one to four of the night",
    "DERMAPORT_S3_ENDPOINT": "AWS_ENDPOINT_URL_S3",
    "DERMAPORT_S3_REGION": "AWS_DEFAULT_REGION",
    "DERMAPORT_SESSION_SECONDS": "12 hours",
    "DERMAPORT_SIGNING_SESSION_HOURS": "4 hours",
    "DERMAPORT_STEP_UP_MINUTES": "10 minutes",
    "DERMAPORT_TASK_HARD_SECONDS": "150 seconds",
    "DERMAPORT_TASK_SOFT_SECONDS": "120 seconds",
    "DERMAPORT_TLS_REDIRECT": "always, in production; DERMAPORT_TRUSTED_PROXIES tells that TLS ends at a proxy",
    "DERMAPORT_TOKEN_DAYS": "90 days",
    "DERMAPORT_TOKEN_HOURS": "10 hours",
    "DERMAPORT_TOKEN_MAX_DAYS": "365 days",
    "DERMAPORT_TOKEN_RATE": "10 a minute of one address",
    "DERMAPORT_UPLOAD_FORMATS": "JPEG, PNG, WebP, TIFF, HEIC and DICOM",
    "DERMAPORT_UPLOAD_MAX_IMAGES": "10 images",
    "DERMAPORT_UPLOAD_MAX_PIXELS": "60,000,000 pixels",
    "DERMAPORT_UPLOAD_MIN_SIDE": "224 pixels",
    "DERMAPORT_VISIBILITY_SECONDS": "900 seconds",
    "DERMAPORT_WEBHOOK_CONNECT_SECONDS": "5 seconds",
    "DERMAPORT_WEBHOOK_DISABLE_DAYS": "3 days",
    "DERMAPORT_WEBHOOK_KEEP_DAYS": "30 days",
    "DERMAPORT_WEBHOOK_LOOPBACK": "on with `make run`, where nobody else reaches the machine; else off",
    "DERMAPORT_WEBHOOK_MOST": "20 webhooks of one clinic",
    "DERMAPORT_WEBHOOK_OVERLAP_HOURS": "24 hours",
    "DERMAPORT_WEBHOOK_PARALLEL": "16 deliveries",
    "DERMAPORT_WEBHOOK_PER_ENDPOINT": "2 deliveries",
    "DERMAPORT_WEBHOOK_RETRY_HOURS": "24 hours",
    "DERMAPORT_WEBHOOK_SECONDS": "10 seconds",
}
"""Variables of former versions that are read no more, each with what holds instead."""


MOVED = {
    "DERMAPORT_BEHIND_PROXY": "DERMAPORT_TRUSTED_PROXIES",
    "DERMAPORT_S3_ENDPOINT": "AWS_ENDPOINT_URL_S3",
    "DERMAPORT_S3_REGION": "AWS_DEFAULT_REGION",
}
"""Former variables without which a site would not be the same, and the name of what they set now."""


def refuse_moved() -> None:
    """Stop the start where a former variable is set and the one that took its place is not.

    Without its proxy a site redirects for ever, and without its address a store of images looks empty: a
    warning would come too late.
    """
    for former, name in MOVED.items():
        was, now = (os.environ.get(one, "").strip().lower() for one in (former, name))
        if was not in OFF | {""} and now in OFF | {""}:
            raise ImproperlyConfigured(f"Set {name} instead of {former}, which this version doesn't read.")


def find_former() -> dict[str, str]:
    """The variables that are set here and read no more, each with what holds instead."""
    return {name: instead for name, instead in FORMER.items() if name in os.environ}


def draw_table() -> str:
    """The operators' table of settings, in Markdown, by group and in the order in which they are read."""
    lines = ["| Variable | Default | What it does |", "|---|---|---|"]
    for group in GROUPS:
        lines += ["| **" + group + "** | | |"]
        lines += [
            f"| `{one.name}` | {one.default} | {one.meaning} |"
            for one in VARIABLES.values()
            if one.group == group
        ]
    return "\n".join(lines)
