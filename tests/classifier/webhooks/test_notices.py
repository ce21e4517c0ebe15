"""Administrators are told when a webhook was switched off."""

import datetime as dt

from django.core import mail
from django.utils import timezone

from classifier.webhooks.delivery import finish_delivery
from tests.classifier.webhooks.rows import FAILED, add, claim
from tests.support.people import MembershipFactory
from tests.support.webhooks import WebhookEndpointFactory


def test_mail(side, settings, django_capture_on_commit_callbacks):
    settings.DERMAPORT_SITE_URL = "https://skin.example"
    clinic = side.own.clinic
    MembershipFactory(clinic=clinic, role="administrator", is_active=False)
    endpoint = WebhookEndpointFactory(clinic=clinic, failing_since=timezone.now() - dt.timedelta(days=4))
    add(endpoint)
    with django_capture_on_commit_callbacks(execute=True):
        finish_delivery(row=claim()[0], result=FAILED)
    [message] = mail.outbox
    assert message.to == [side.own.administrator.email]
    assert f"https://skin.example/settings/webhooks/{endpoint.pk}/" in message.body
    assert endpoint.url not in message.body
