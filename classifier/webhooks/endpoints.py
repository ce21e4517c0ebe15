"""Webhook endpoints: where a clinic wants to be told of what, its secret, and whether it is on.

Whoever changes an endpoint or the deliveries to it locks the endpoint first; not against new
deliveries, which are written in the transactions of what happened. An endpoint that fails for days
is switched off, and its clinic's administrators get a mail.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from classifier.claims.wake_ups import DELIVER_WEBHOOKS, wake_on_commit
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.limits import check_length
from classifier.domain.states import DELIVERY_MOVES, UNFINISHED_DELIVERIES, DeliveryState, transition
from classifier.domain.vocabulary import CHOSEN_EVENTS, DisabledReason, SignatureScheme, WebhookEventType
from classifier.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from classifier.outbox import add_delivery
from classifier.webhooks.signing import make_secret, seal
from classifier.webhooks.ssrf_guard import RefusedAddressError, check_url
from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action, Role
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

log = structlog.get_logger(__name__)

MAIL = """\
The portal could not deliver anything to a webhook of {clinic} since {since:%d.%m.%Y, %H:%M %Z}, so it was
switched off. Nothing is sent there until you switch it on again:

{link}

The page shows what the receiver answered, and can send again what was missed.
"""


@dataclass(frozen=True)
class IssuedSecret:
    """An endpoint with the secret that is shown this once."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


def create_endpoint(
    *, actor: User, clinic: Clinic, url: str, events: Iterable[str], description: str = ""
) -> IssuedSecret:
    """Create an endpoint: tell `url` of `events` from now on.

    Raises PermissionDenied; InvalidInputError (https_needed, address_refused and the other codes of
    `ssrf_guard`, events_missing, event_unknown, description_too_long); ConflictError
    (too_many_webhooks).
    """
    require(actor, clinic, Action.ADMINISTER)
    values = _clean({"url": url, "events": events, "description": description})
    secret = make_secret()
    with transaction.atomic():
        Clinic.objects.select_for_update().get(pk=clinic.pk)
        most = settings.DERMAPORT_WEBHOOK_MOST
        if WebhookEndpoint.objects.kept().filter(clinic=clinic).count() >= most:
            raise ConflictError(
                "too_many_webhooks", f"A clinic can have {most} webhooks. Remove one that isn't used."
            )
        endpoint = WebhookEndpoint.objects.create(
            clinic=clinic,
            sealed_secret=seal(secret),
            created_by=actor,
            created_at=timezone.now(),
            **values,
        )
        record_act(actor, endpoint, "created", events=endpoint.events)
    return IssuedSecret(endpoint, secret)


def update_endpoint(*, actor: User, endpoint: WebhookEndpoint, **changes: Any) -> WebhookEndpoint:
    """Change url, events or description. Raises as `create_endpoint`, and ConflictError (removed)."""
    require(actor, endpoint.clinic_id, Action.ADMINISTER)
    if unknown := set(changes) - {"url", "events", "description"}:
        raise TypeError(f"expected url, events or description, received {sorted(unknown)}")
    values = _clean(changes)
    with transaction.atomic():
        endpoint = lock_endpoint(endpoint.pk)
        changed = [name for name, value in values.items() if getattr(endpoint, name) != value]
        for name in changed:
            setattr(endpoint, name, values[name])
        if changed:
            endpoint.save(update_fields=changed)
            record_act(actor, endpoint, "updated", fields=sorted(changed), events=endpoint.events)
    return endpoint


def rotate_secret(*, actor: User, endpoint: WebhookEndpoint) -> IssuedSecret:
    """Make a new secret; the present one signs too for some hours, so that no delivery is refused.

    An endpoint of the former signature goes over to Standard Webhooks with its new secret.

    Raises PermissionDenied or ConflictError (removed).
    """
    require(actor, endpoint.clinic_id, Action.ADMINISTER)
    secret = make_secret()
    with transaction.atomic():
        endpoint = lock_endpoint(endpoint.pk)
        endpoint.sealed_previous = endpoint.sealed_secret
        endpoint.previous_until = timezone.now() + dt.timedelta(
            hours=settings.DERMAPORT_WEBHOOK_OVERLAP_HOURS
        )
        endpoint.sealed_secret = seal(secret)
        is_former = endpoint.signature_scheme == SignatureScheme.FORMER
        endpoint.signature_scheme = SignatureScheme.CHANGING if is_former else SignatureScheme.STANDARD
        endpoint.save(
            update_fields=["sealed_previous", "previous_until", "sealed_secret", "signature_scheme"]
        )
        record_act(actor, endpoint, "secret_rotated")
    return IssuedSecret(endpoint, secret)


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are stored, or the first that can't be."""
    cleaned = dict(values)
    if "description" in values:
        cleaned["description"] = " ".join(values["description"].split())
        check_length(WebhookEndpoint, "description", cleaned["description"], what="The description")
    if "events" in values:
        cleaned["events"] = _clean_events(values["events"])
    if "url" in values:
        cleaned["url"] = values["url"].strip()
        try:
            check_url(cleaned["url"])
        except RefusedAddressError as error:
            raise InvalidInputError(error.code, error.message, field="url") from error
    return cleaned


def _clean_events(events: Iterable[str]) -> list[str]:
    known = [value for value, _ in CHOSEN_EVENTS]
    chosen = set(events)
    if not chosen:
        raise InvalidInputError("events_missing", "Choose at least one event.", field="events")
    if unknown := sorted(chosen - set(known)):
        raise InvalidInputError(
            "event_unknown", f"{unknown[0]} is none of {', '.join(known)}.", field="events"
        )
    return [value for value in known if value in chosen]


# --- switching off and on ---


def set_endpoint_active(*, actor: User, endpoint: WebhookEndpoint, is_active: bool) -> WebhookEndpoint:
    """Switch it off, with what waits for it, or on again.

    Raises PermissionDenied or ConflictError (removed).
    """
    require(actor, endpoint.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        endpoint = lock_endpoint(endpoint.pk)
        if endpoint.is_active == is_active:
            return endpoint
        endpoint.is_active = is_active
        endpoint.disabled_reason = "" if is_active else DisabledReason.BY_PERSON
        endpoint.disabled_at = None if is_active else timezone.now()
        endpoint.failing_since = None
        endpoint.save(update_fields=["is_active", "disabled_reason", "disabled_at", "failing_since"])
        cancelled = 0 if is_active else cancel_waiting(endpoint.pk)
        record_act(actor, endpoint, "enabled" if is_active else "disabled", cancelled=cancelled)
    return endpoint


def remove_endpoint(*, actor: User, endpoint: WebhookEndpoint) -> None:
    """Stop for good and forget the secrets. Raises PermissionDenied or ConflictError (removed)."""
    require(actor, endpoint.clinic_id, Action.ADMINISTER)
    now = timezone.now()
    with transaction.atomic():
        endpoint = lock_endpoint(endpoint.pk)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            is_active=False,
            disabled_reason=endpoint.disabled_reason or DisabledReason.BY_PERSON,
            disabled_at=endpoint.disabled_at or now,
            sealed_secret="",
            sealed_previous="",
            previous_until=None,
            removed_at=now,
        )
        record_act(actor, endpoint, "removed", cancelled=cancel_waiting(endpoint.pk))


def cancel_waiting(endpoint_id: uuid.UUID) -> int:
    """Give up what waits for an endpoint that is off; the caller holds its lock."""
    return transition(
        WebhookDelivery.objects.filter(endpoint_id=endpoint_id),
        source=DeliveryState.WAITING,
        target=DeliveryState.CANCELLED,
        moves=DELIVERY_MOVES,
        error_code="webhook_disabled",
        finished_at=timezone.now(),
    )


# --- sending by hand ---


def send_test(*, actor: User, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Send a test delivery, which tells of nothing. Raises PermissionDenied or ConflictError (removed, disabled)."""
    require(actor, endpoint.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        endpoint = lock_active_endpoint(endpoint.pk)
        event = WebhookEvent.objects.create(
            clinic_id=endpoint.clinic_id, type=WebhookEventType.TEST, created_at=timezone.now()
        )
        delivery = add_delivery(event, endpoint.pk)
        record_act(actor, endpoint, "test_sent", delivery=str(delivery.pk))
        wake_on_commit(DELIVER_WEBHOOKS)
    return delivery


def redeliver(*, actor: User, delivery: WebhookDelivery) -> WebhookDelivery:
    """Redelivery: send the same event, with its id, once more to the same endpoint.

    Raises PermissionDenied or ConflictError (removed, disabled, still_in_work).
    """
    require(actor, delivery.endpoint.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        endpoint = lock_active_endpoint(delivery.endpoint_id)
        event = delivery.event
        if event.deliveries.filter(endpoint=endpoint, state__in=UNFINISHED_DELIVERIES).exists():
            raise ConflictError("still_in_work", "This event is being sent already.")
        again = add_delivery(event, endpoint.pk)
        record_act(actor, endpoint, "redelivered", delivery=str(again.pk))
        wake_on_commit(DELIVER_WEBHOOKS)
    return again


# --- failing ---


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
    transaction.on_commit(lambda: _notify_administrators(endpoint.pk), robust=True)


def _notify_administrators(endpoint_id: uuid.UUID) -> None:
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


# --- locks and audit ---


def lock_endpoint(pk: uuid.UUID) -> WebhookEndpoint:
    """Lock it, if it is still there. Raises ConflictError (removed)."""
    rows = WebhookEndpoint.objects.kept().select_for_update(no_key=True)
    # By the id, not by the model's own order, which would lock the clinic with it.
    endpoint = rows.filter(pk=pk).order_by("pk").first()
    if endpoint is None:
        raise ConflictError("removed", "This webhook was removed.")
    return endpoint


def lock_active_endpoint(pk: uuid.UUID) -> WebhookEndpoint:
    """Lock it, if it is on. Raises ConflictError (removed, disabled)."""
    endpoint = lock_endpoint(pk)
    if not endpoint.is_active:
        raise ConflictError("disabled", "This webhook is off. Switch it on first.")
    return endpoint


def record_act(actor: User, endpoint: WebhookEndpoint, what: str, **details: Any) -> None:
    """Write the audit event. The address is left out: it may hold a word that opens something."""
    record_event(
        clinic_id=endpoint.clinic_id,
        action=f"webhook.{what}",
        actor=actor,
        obj=endpoint,
        details=details,
    )
