"""Set up webhooks, and look after what they delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from classifier.client.connection import LARGEST, Filter, write_filters
from classifier.client.records import IssuedWebhook, Webhook, WebhookDeliveryRecord
from classifier.client.resources.base import Collection, given, id_of


class Webhooks(Collection[Webhook]):
    kind, path = Webhook, "webhooks"

    def create(
        self,
        url: str,
        events: Sequence[str],
        *,
        clinic: str | None = None,
        description: str | None = None,
        key: str | None = None,
    ) -> IssuedWebhook:
        """Tell `url` of `events` from now on; the `secret` of the answer is shown this once."""
        body = given(url=url, events=list(events), clinic=clinic, description=description)
        return self._post(IssuedWebhook, "webhooks/", body, key=key)

    def change(
        self,
        webhook: Webhook | str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        is_active: bool | None = None,
    ) -> Webhook:
        """Change what is given; `is_active` switches it off or on."""
        body = given(
            url=url,
            events=None if events is None else list(events),
            description=description,
            is_active=is_active,
        )
        return self._patch(Webhook, f"webhooks/{id_of(webhook)}/", body)

    def delete(self, webhook: Webhook | str) -> None:
        """Remove it: what still waits to be delivered is not."""
        self._delete(f"webhooks/{id_of(webhook)}/")

    def test(self, webhook: Webhook | str) -> WebhookDeliveryRecord:
        """Send a test delivery, which tells of nothing."""
        return self._post(WebhookDeliveryRecord, f"webhooks/{id_of(webhook)}/test/")

    def rotate_secret(self, webhook: Webhook | str, *, key: str | None = None) -> IssuedWebhook:
        """Make a new secret, shown this once; the former one signs too until `previous_secret_until`."""
        return self._post(IssuedWebhook, f"webhooks/{id_of(webhook)}/secret/", key=key)

    def deliveries(
        self, webhook: Webhook | str, *, page_size: int = LARGEST, **filters: Filter
    ) -> Iterator[WebhookDeliveryRecord]:
        """What was sent and what came of it, over all pages, fetched as they are asked for."""
        params = {"page_size": page_size, **write_filters(filters)}
        return self._walk(WebhookDeliveryRecord, f"webhooks/{id_of(webhook)}/deliveries/", params)

    def redeliver(self, delivery: WebhookDeliveryRecord | str) -> WebhookDeliveryRecord:
        """Redelivery: send an event once more, as a delivery of its own."""
        return self._post(WebhookDeliveryRecord, f"webhook-deliveries/{id_of(delivery)}/redeliver/")
