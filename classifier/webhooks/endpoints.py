"""Write where a clinic wants to be told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from classifier.models import WebhookEndpoint
from classifier.services.errors import ConflictError, InvalidInputError
from classifier.services.field_limits import check_length
from classifier.webhook_states import (
    CHOSEN_EVENTS,
)
from classifier.webhooks.locks import lock_endpoint, record_act
from classifier.webhooks.networks import RefusedAddressError
from classifier.webhooks.signatures import make_secret
from classifier.webhooks.signing import seal
from classifier.webhooks.ssrf_guard import check_url
from portal.accounts.models import Clinic
from portal.accounts.permissions import require
from portal.accounts.roles import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portal.accounts.models import User


@dataclass(frozen=True)
class IssuedSecret:
    """An endpoint with the secret that is shown this once."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


def create_endpoint(
    *, actor: User, clinic: Clinic, url: str, events: Iterable[str], description: str = ""
) -> IssuedSecret:
    """Tell `url` of `events` from now on.

    Raises PermissionDenied; InvalidInputError (https_needed, address_refused and the other codes of
    `webhook_addresses`, events_missing, event_unknown, description_too_long); ConflictError
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
    """Make a new secret; the present one signs too for some hours, so that no letter is refused.

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
        endpoint.save(update_fields=["sealed_previous", "previous_until", "sealed_secret"])
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
