"""Who takes which delivery."""

import datetime as dt

import pytest
from django.utils import timezone

from classifier.domain.states import DELIVERY_MOVES, DeliveryState, IllegalMoveError, transition
from classifier.models import WebhookDelivery
from classifier.webhooks.delivery import claim_deliveries
from tests.classifier.webhooks.rows import add, claim
from tests.support.threads import run_in_threads
from tests.support.webhooks import WebhookEndpointFactory


@pytest.mark.django_db
class TestClaims:
    def test_claimed_with_a_lease(self):
        [row] = add(WebhookEndpointFactory())
        [claimed] = claim()
        assert (claimed.pk, claimed.state, claimed.attempt) == (row.pk, "sending", 1)
        assert claimed.lease_until > timezone.now()
        assert claim() == []

    def test_so_many_of_each_endpoint(self, settings):
        settings.DERMAPORT_WEBHOOK_PER_ENDPOINT = 2
        busy, other = WebhookEndpointFactory(), WebhookEndpointFactory()
        add(busy, 50)
        add(other, 1)
        assert sorted(row.endpoint_id for row in claim()) == sorted([busy.pk, busy.pk, other.pk])
        add(other, 1)
        assert [row.endpoint_id for row in claim()] == [other.pk]

    def test_limit_of_the_whole(self):
        for _ in range(3):
            add(WebhookEndpointFactory(), 2)
        assert len(claim(5)) == 5

    def test_neither_early_nor_for_an_endpoint_that_is_off(self):
        add(WebhookEndpointFactory(), next_attempt_at=timezone.now() + dt.timedelta(minutes=1))
        add(WebhookEndpointFactory(off="by_person"))
        assert claim() == []

    @pytest.mark.parametrize("target", ["delivered", "failed"])
    def test_illegal_move(self, target):
        add(WebhookEndpointFactory())
        with pytest.raises(IllegalMoveError):
            transition(
                WebhookDelivery.objects.all(),
                source=DeliveryState.WAITING,
                target=DeliveryState(target),
                moves=DELIVERY_MOVES,
            )


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_share(settings):
    settings.DERMAPORT_WEBHOOK_PER_ENDPOINT = 3
    endpoints = [WebhookEndpointFactory() for _ in range(3)]
    for endpoint in endpoints:
        add(endpoint, 6)
    results = run_in_threads(6, lambda number: claim_deliveries(worker=f"w{number}", limit=4))
    taken = [row.pk for rows in results for row in rows]
    assert len(taken) == len(set(taken))
    for endpoint in endpoints:
        assert WebhookDelivery.objects.sending().filter(endpoint=endpoint).count() <= 3
