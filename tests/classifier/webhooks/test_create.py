"""Who adds which webhook."""

import pytest
from django.core.exceptions import PermissionDenied

from classifier.models import WebhookEndpoint
from classifier.webhooks import ssrf_guard
from classifier.webhooks.endpoints import create_endpoint
from classifier.webhooks.signing import read_secrets
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import verify_chains
from tests.classifier.webhooks.endpoints import URL, create
from tests.classifier.webhooks.refusals import code_of


@pytest.mark.usefixtures("names")
class TestCreate:
    def test_created(self, staff):
        issued = create(staff, events=["review.signed", "prediction.failed", "review.signed"])
        endpoint = WebhookEndpoint.objects.get()
        assert (endpoint.url, endpoint.description) == (URL, "The EHR")
        assert endpoint.events == ["prediction.failed", "review.signed"]
        assert read_secrets(endpoint) == (issued.secret,)
        event = AuditEvent.objects.get(action="webhook.created")
        assert "opens-something" not in str(event.details)
        assert list(verify_chains()) == []

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"events": []}, "events_missing"),
            ({"events": ["webhook.test"]}, "event_unknown"),
            ({"events": ["*"]}, "event_unknown"),
            ({"description": "x" * 121}, "description_too_long"),
            ({"url": "http://ehr.example/"}, "https_needed"),
            ({"url": "https://10.0.0.1/"}, "address_refused"),
        ],
    )
    def test_refused(self, staff, changes, code):
        assert code_of(lambda: create(staff, **changes)) == code
        assert not WebhookEndpoint.objects.exists()

    def test_name_of_an_inner_machine(self, staff, monkeypatch):
        answer = [(0, 0, 0, "", ("169.254.169.254", 443))]
        monkeypatch.setattr(ssrf_guard.socket, "getaddrinfo", lambda *_, **__: answer)
        assert code_of(lambda: create(staff)) == "address_refused"

    def test_not_more_than_so_many(self, staff, settings):
        settings.DERMAPORT_WEBHOOK_MOST = 1
        create(staff)
        assert code_of(lambda: create(staff)) == "too_many_webhooks"

    def test_who_may(self, side):
        for person in (side.own.clinician, side.own.integration, side.other.administrator, side.outsider):
            with pytest.raises(PermissionDenied):
                create_endpoint(actor=person, clinic=side.own.clinic, url=URL, events=["review.signed"])
