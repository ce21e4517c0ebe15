"""Webhooks and their deliveries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    id: str
    clinic: str
    url: str
    description: str
    events: tuple[str, ...]
    is_active: bool
    disabled_reason: str
    disabled_at: dt.datetime | None
    failing_since: dt.datetime | None
    previous_secret_until: dt.datetime | None
    created_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedWebhook(Webhook):
    """With the secret that is shown this once."""

    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEvent:
    id: str
    type: str
    submission: str | None
    created_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookDelivery:
    id: str
    event: WebhookEvent
    state: str
    attempt: int
    created_at: dt.datetime
    attempted_at: dt.datetime | None
    next_attempt_at: dt.datetime | None
    finished_at: dt.datetime | None
    status_code: int | None
    error_code: str
    answer: str = field(repr=False)
    milliseconds: int | None
