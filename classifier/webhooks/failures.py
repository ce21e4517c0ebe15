"""When an endpoint fails for days it is switched off, and its clinic's administrators are told."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from classifier.models import WebhookEndpoint
from classifier.webhook_states import DisabledReason
from classifier.webhooks.switching import cancel_waiting
from portal.accounts.models import Membership, User
from portal.accounts.roles import Role
from portal.audit.services import record_event

if TYPE_CHECKING:
    import uuid

log = structlog.get_logger(__name__)

MAIL = """\
The portal could not deliver anything to a webhook of {clinic} since {since:%d.%m.%Y, %H:%M %Z}, so it was
switched off. Nothing is sent there until you switch it on again:

{link}

The page shows what the receiver answered, and can send again what was missed.
"""


def note_success(endpoint: WebhookEndpoint) -> None:
    """It works (again); the caller holds its lock."""
    if endpoint.failing_since is not None:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)


def note_failure(endpoint: WebhookEndpoint) -> None:
    """Remember since when it fails; switch it off when that is too long. The caller holds its lock."""
    now = timezone.now()
    if endpoint.failing_since is None:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=now)
        return
    days = dt.timedelta(days=settings.DERMAPORT_WEBHOOK_DISABLE_DAYS)
    if endpoint.is_active and now - endpoint.failing_since >= days:
        _disable(endpoint, now)


def _disable(endpoint: WebhookEndpoint, now: dt.datetime) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        is_active=False, disabled_reason=DisabledReason.FAILING, disabled_at=now
    )
    record_event(
        clinic_id=endpoint.clinic_id,
        action="webhook.disabled",
        obj=endpoint,
        details={"code": DisabledReason.FAILING.value, "cancelled": cancel_waiting(endpoint.pk)},
    )
    log.warning("webhook_disabled", endpoint=str(endpoint.pk), reason=DisabledReason.FAILING.value)
    transaction.on_commit(lambda: _tell_administrators(endpoint.pk), robust=True)


def _tell_administrators(endpoint_id: uuid.UUID) -> None:
    endpoint = WebhookEndpoint.objects.select_related("clinic").get(pk=endpoint_id)
    held = Membership.objects.active().filter(clinic=endpoint.clinic, role=Role.ADMINISTRATOR)
    administrators = User.objects.filter(is_active=True, memberships__in=held)
    text = MAIL.format(
        clinic=endpoint.clinic,
        since=timezone.localtime(endpoint.failing_since),
        link=settings.DERMAPORT_SITE_URL + reverse("webhook-detail", args=[endpoint.pk]),
    )
    for person in administrators:
        send_mail("A webhook was switched off", text, None, [person.email])
