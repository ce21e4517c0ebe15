"""A wrong configuration of webhooks is told at the start."""

import pytest

from classifier.webhooks.transport import check_webhooks


def test_shipped_settings_are_right():
    assert check_webhooks() == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DERMAPORT_WEBHOOK_NETWORKS", ["10.20.0.0/16", "10.20.1.1/16"], "webhooks.E001"),
        ("DERMAPORT_WEBHOOK_NETWORKS", ["hospital"], "webhooks.E001"),
        ("DERMAPORT_WEBHOOK_SECONDS", 180.0, "webhooks.E002"),
        ("DERMAPORT_WEBHOOK_CA_FILE", "/nowhere/ca.pem", "webhooks.E003"),
    ],
)
def test_told(settings, name, value, code):
    setattr(settings, name, value)
    assert [message.id for message in check_webhooks()] == [code]
