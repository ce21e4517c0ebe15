"""Change, switch off and on, remove."""

import pytest
from django.core.exceptions import PermissionDenied

from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.webhooks.endpoints import (
    redeliver,
    remove_endpoint,
    rotate_secret,
    send_test,
    set_endpoint_active,
    update_endpoint,
)
from portal.trust.audit.models import AuditEvent
from tests.classifier.webhooks.endpoints import create
from tests.classifier.webhooks.refusals import code_of
from tests.support.webhooks import WebhookDeliveryFactory, WebhookEndpointFactory


@pytest.mark.usefixtures("names")
class TestChange:
    def test_changed(self, staff):
        endpoint = create(staff).endpoint
        update_endpoint(actor=staff.administrator, endpoint=endpoint, events=["review.amended"])
        update_endpoint(actor=staff.administrator, endpoint=endpoint, url="https://new.example/")
        endpoint.refresh_from_db()
        assert (endpoint.url, endpoint.events) == ("https://new.example/", ["review.amended"])
        fields = [e.details["fields"] for e in AuditEvent.objects.filter(action="webhook.updated")]
        assert sorted(fields) == [["events"], ["url"]]

    def test_address_is_checked(self, staff):
        endpoint = create(staff).endpoint
        change = {"url": "https://[::1]/"}
        assert (
            code_of(lambda: update_endpoint(actor=staff.administrator, endpoint=endpoint, **change))
            == "address_refused"
        )

    def test_off_and_on(self, staff):
        endpoint = WebhookEndpointFactory(clinic=staff.clinic)
        waiting = WebhookDeliveryFactory(endpoint=endpoint)
        set_endpoint_active(actor=staff.administrator, endpoint=endpoint, is_active=False)
        endpoint.refresh_from_db()
        waiting.refresh_from_db()
        assert (endpoint.is_active, endpoint.disabled_reason) == (False, "by_person")
        assert (waiting.state, waiting.error_code) == ("cancelled", "webhook_disabled")
        set_endpoint_active(actor=staff.administrator, endpoint=endpoint, is_active=True)
        endpoint.refresh_from_db()
        assert (endpoint.is_active, endpoint.disabled_reason, endpoint.disabled_at) == (True, "", None)

    def test_removed_is_gone(self, staff):
        endpoint = WebhookEndpointFactory(clinic=staff.clinic)
        delivery = WebhookDeliveryFactory(endpoint=endpoint)
        remove_endpoint(actor=staff.administrator, endpoint=endpoint)
        assert not WebhookEndpoint.objects.visible_to(staff.administrator).exists()
        assert not WebhookDelivery.objects.visible_to(staff.administrator).exists()
        acts = {"actor": staff.administrator, "endpoint": endpoint}
        assert code_of(lambda: rotate_secret(**acts)) == "removed"
        assert code_of(lambda: send_test(**acts)) == "removed"
        delivery.refresh_from_db()
        assert delivery.state == "cancelled"

    @pytest.mark.parametrize(
        "act",
        [
            lambda who, one: update_endpoint(actor=who, endpoint=one, description="x"),
            lambda who, one: rotate_secret(actor=who, endpoint=one),
            lambda who, one: set_endpoint_active(actor=who, endpoint=one, is_active=False),
            lambda who, one: remove_endpoint(actor=who, endpoint=one),
            lambda who, one: send_test(actor=who, endpoint=one),
            lambda who, one: redeliver(actor=who, delivery=WebhookDeliveryFactory(endpoint=one)),
        ],
    )
    def test_who_may(self, side, act):
        endpoint = WebhookEndpointFactory(clinic=side.own.clinic)
        for person in (side.own.dermatologist, side.own.integration, side.other.administrator):
            with pytest.raises(PermissionDenied):
                act(person, endpoint)
