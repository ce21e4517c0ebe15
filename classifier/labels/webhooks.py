"""Webhooks in plain words: how an endpoint stands, and why a delivery failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.domain.states import DeliveryState
from classifier.domain.vocabulary import DisabledReason

if TYPE_CHECKING:
    from classifier.models import WebhookDelivery, WebhookEndpoint

# The chip that each state looks like.
DELIVERY_LOOKS: dict[str, str] = {
    DeliveryState.WAITING: "queued",
    DeliveryState.SENDING: "running",
    DeliveryState.DELIVERED: "succeeded",
    DeliveryState.FAILED: "failed",
    DeliveryState.CANCELLED: "cancelled",
}

TROUBLE: dict[str, str] = {
    "timed_out": "It took too long to answer.",
    "connection_failed": "No connection could be made.",
    "tls_failed": "Its certificate could not be verified.",
    "answer_broken": "It did not answer in HTTP.",
    "status_refused": "It answered, but not that it took it.",
    "redirected": "It pointed elsewhere; redirects are not followed.",
    "name_not_found": "Its name can't be found.",
    "address_refused": "Its name leads to an address that the portal doesn't call.",
    "port_refused": "Its port isn't called any more.",
    "https_needed": "Its address doesn't begin with https://.",
    "address_invalid": "Its address can't be read.",
    "secret_lost": "Its secret can't be opened any more. Make a new one.",
    "interrupted": "The sender was stopped while sending.",
    "webhook_disabled": "The webhook was switched off.",
    "internal_error": "Something broke in the portal; your operator has been told.",
}


def describe_endpoint(endpoint: WebhookEndpoint) -> tuple[str, str]:
    """Look of its chip, and words."""
    if endpoint.disabled_reason == DisabledReason.FAILING:
        return "failed", "Switched off after failing"
    if not endpoint.is_active:
        return "cancelled", "Off"
    return ("rejected", "Failing") if endpoint.failing_since else ("succeeded", "On")


def describe_trouble(delivery: WebhookDelivery) -> str:
    """Why it has not arrived; empty when it has."""
    return TROUBLE.get(delivery.error_code, delivery.error_code.replace("_", " "))
