"""Webhooks for tests: rows written directly, without services."""

from __future__ import annotations

import base64
from typing import Any

import factory
from django.utils import timezone

from classifier.domain.states import FINISHED_DELIVERIES, DeliveryState
from classifier.domain.vocabulary import CHOSEN_EVENTS
from classifier.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from classifier.webhooks.signing import seal
from tests.support.people import ClinicFactory, UserFactory

SECRET = "whsec_" + base64.b64encode(b"invented for the tests").decode()
FORMER_SECRET = "whsec_invented-in_former-days"
ALL_EVENTS = [value for value, _ in CHOSEN_EVENTS]


class WebhookEndpointFactory(factory.django.DjangoModelFactory):
    """One that listens to everything; `off="failing"` is switched off."""

    class Meta:
        model = WebhookEndpoint

    class Params:
        off = ""

    clinic = factory.SubFactory(ClinicFactory)
    url = factory.Sequence(lambda n: f"https://ehr{n}.example/hooks")
    events = factory.LazyFunction(lambda: list(ALL_EVENTS))
    is_active = factory.LazyAttribute(lambda o: not o.off)
    disabled_reason = factory.SelfAttribute("off")
    disabled_at = factory.LazyAttribute(lambda o: timezone.now() if o.off else None)
    sealed_secret = factory.LazyFunction(lambda: seal(SECRET))
    created_by = factory.SubFactory(UserFactory)
    created_at = factory.LazyFunction(timezone.now)


class WebhookEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = WebhookEvent

    clinic = factory.SubFactory(ClinicFactory)
    type = "review.signed"
    data = factory.LazyFunction(dict)
    created_at = factory.LazyFunction(timezone.now)


class WebhookDeliveryFactory(factory.django.DjangoModelFactory):
    """Waiting and due, unless `state=` says otherwise; then with what that state needs."""

    class Meta:
        model = WebhookDelivery

    endpoint = factory.SubFactory(WebhookEndpointFactory)
    event = factory.LazyAttribute(
        lambda o: WebhookEventFactory(clinic=o.endpoint.clinic, created_at=o.created_at)
    )
    state = DeliveryState.WAITING
    created_at = factory.LazyFunction(timezone.now)
    next_attempt_at = factory.SelfAttribute("created_at")

    @factory.lazy_attribute
    def finished_at(self) -> Any:
        return self.created_at if self.state in FINISHED_DELIVERIES else None

    @factory.lazy_attribute
    def error_code(self) -> str:
        return "timed_out" if self.state in ("failed", "cancelled") else ""


def second_live_delivery() -> None:
    first = WebhookDeliveryFactory()
    WebhookDeliveryFactory(event=first.event, endpoint=first.endpoint)


# For the test that breaks every named constraint.
BREAKS = {
    "webhook_signature_scheme_known": lambda: WebhookEndpointFactory(signature_scheme="none"),
    "webhook_disabled_has_reason": lambda: WebhookEndpointFactory(is_active=False),
    "webhook_secret_while_kept": lambda: WebhookEndpointFactory(sealed_secret=""),
    "webhook_previous_secret_ends": lambda: WebhookEndpointFactory(sealed_previous="x"),
    "webhook_event_type_known": lambda: WebhookEventFactory(type="unknown"),
    "webhook_delivery_state_known": lambda: WebhookDeliveryFactory(state="lost", finished_at=timezone.now()),
    "webhook_delivery_one_live_per_event": second_live_delivery,
    "webhook_delivery_sending_has_lease": lambda: WebhookDeliveryFactory(state="sending"),
    "webhook_delivery_waiting_has_time": lambda: WebhookDeliveryFactory(next_attempt_at=None),
    "webhook_delivery_finished_has_time": lambda: WebhookDeliveryFactory(state="delivered", finished_at=None),
    "webhook_delivery_failure_has_reason": lambda: WebhookDeliveryFactory(state="failed", error_code=""),
}
