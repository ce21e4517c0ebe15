"""System checks of webhooks: networks that can be read, and a lease that outlives a delivery."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def check_webhooks(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for text in settings.DERMAPORT_WEBHOOK_NETWORKS:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            found.append(Error(f"DERMAPORT_WEBHOOK_NETWORKS: {error}.", id="webhooks.E001"))
    lease, longest = settings.DERMAPORT_LEASE_SECONDS, settings.DERMAPORT_WEBHOOK_SECONDS
    if lease <= longest:
        found.append(
            Error(
                f"A lease ({lease} s) must outlive a webhook's delivery ({longest:g} s).",
                hint="Lower DERMAPORT_WEBHOOK_SECONDS.",
                id="webhooks.E002",
            )
        )
    file = settings.DERMAPORT_WEBHOOK_CA_FILE
    if file and not Path(file).is_file():
        found.append(Error(f"DERMAPORT_WEBHOOK_CA_FILE: there is no file {file}.", id="webhooks.E003"))
    return found
