"""The running portal: its sender delivers, and comes back when it is killed."""

import time

import pytest
from standardwebhooks import Webhook

from tests.classifier.webhooks.receiver import Receiver

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

MAKE = """
from classifier.webhooks.endpoints import create_endpoint
from portal.trust.accounts.models import Clinic, Membership, User
clinic = Clinic.objects.create(name="Live webhooks")
person = User.objects.create_user("admin@live.example")
Membership.objects.create(user=person, clinic=clinic, role="administrator")
print(create_endpoint(actor=person, clinic=clinic, url={url!r}, events=["review.signed"]).secret)
"""
TEST = """
from classifier.models import WebhookEndpoint
from classifier.webhooks.endpoints import send_test
from portal.trust.accounts.models import User
send_test(actor=User.objects.get(email="admin@live.example"), endpoint=WebhookEndpoint.objects.get(clinic__name="Live webhooks"))
"""
STATES = """
    SELECT delivery.state FROM classifier_webhookdelivery delivery
    JOIN classifier_webhookendpoint endpoint ON endpoint.id = delivery.endpoint_id
    JOIN accounts_clinic clinic ON clinic.id = endpoint.clinic_id
    WHERE clinic.name = 'Live webhooks' ORDER BY delivery.created_at"""


def wait_for_requests(receiver, number, stack, seconds=60):
    deadline = time.monotonic() + seconds
    while len(receiver.requests) < number:
        assert time.monotonic() < deadline, stack.read_log()[-4000:]
        time.sleep(0.05)


def wait_for_state(stack, *states, seconds=60):
    deadline = time.monotonic() + seconds
    while (found := [row[0] for row in stack.query(STATES)]) != list(states):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_sender(live_stack, tmp_path):
    stack = live_stack
    with Receiver(tmp_path) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hooks"
        secret = stack.manage("shell", "-v", "0", "-c", MAKE.format(url=url)).split()[-1]
        stack.manage("shell", "-v", "0", "-c", TEST)
        wait_for_requests(receiver, 1, stack)
        wait_for_state(stack, "delivered")
        request = receiver.requests[0]
        assert Webhook(secret).verify(request.body, request.headers)["type"] == "webhook.test"

        receiver.may_answer.clear()
        stack.manage("shell", "-v", "0", "-c", TEST)
        wait_for_requests(receiver, 2, stack)
        stack.wait_back("sender", stack.kill("sender"))
        receiver.may_answer.set()
        wait_for_requests(receiver, 3, stack)
        wait_for_state(stack, "delivered", "delivered")
        ids = [one.headers["dermaport-event-id"] for one in receiver.requests]
        assert ids[1] == ids[2] != ids[0]
    assert secret not in stack.read_log()
