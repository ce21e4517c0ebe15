"""A sender killed in the middle of a delivery: it is sent again, under the same id."""

import os
import subprocess
import sys
import time

import pytest
from django.conf import settings as site
from django.db import connection

from classifier.webhooks.delivery import deliver_due, reconcile_webhooks
from tests.classifier.webhooks.rows import add
from tests.support.webhooks import WebhookEndpointFactory

SENDER = """
import os, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = os.environ["TEST_NAME"]
settings.SECRET_KEY = os.environ["TEST_KEY"]
settings.DERMAPORT_WEBHOOK_LOOPBACK = True
settings.DERMAPORT_WEBHOOK_SECONDS = 60
django.setup()
from classifier.webhooks.delivery import deliver_due
deliver_due(budget_seconds=60)
"""


def wait_until(what, seconds=60):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle(receiver):
    [row] = add(WebhookEndpointFactory(url=receiver.url))
    receiver.may_answer.clear()
    environment = {
        **os.environ,
        "TEST_NAME": str(connection.settings_dict["NAME"]),
        "TEST_KEY": site.SECRET_KEY,
    }
    with subprocess.Popen([sys.executable, "-c", SENDER], env=environment) as sender:
        wait_until(lambda: receiver.requests)
        row.refresh_from_db()
        assert (row.state, row.attempt) == ("sending", 1)
        sender.kill()
    receiver.may_answer.set()
    assert deliver_due(budget_seconds=5) == 0
    assert reconcile_webhooks() == 1
    assert deliver_due(budget_seconds=5) == 1
    row.refresh_from_db()
    assert (row.state, row.attempt) == ("delivered", 2)
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["dermaport-event-id"] == second.headers["dermaport-event-id"] == str(row.event_id)
