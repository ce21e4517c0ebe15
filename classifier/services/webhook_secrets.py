"""Secrets of webhooks at rest."""

from __future__ import annotations

from django.utils import timezone

from classifier.models import WebhookEndpoint
from portal.common.encryption import sealed as encryption
from portal.common.encryption.keys import DecryptionError
from portal.common.encryption.rotation import resealer

PURPOSE = "dermaport webhook secrets"
COLUMNS = ("sealed_secret", "sealed_previous")


class LostSecretError(Exception):
    """None of the site's keys opens it."""


def seal(secret: str) -> str:
    return encryption.seal(secret.encode(), purpose=PURPOSE)


def unseal(sealed: str) -> str:
    """The secret again. Raises LostSecretError."""
    try:
        return encryption.unseal(sealed, purpose=PURPOSE).decode()
    except DecryptionError as error:
        raise LostSecretError from error


def read_secrets(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """The secrets that sign now: the current one and, until its time is over, the previous one."""
    found = [unseal(endpoint.sealed_secret)]
    if endpoint.previous_until is not None and endpoint.previous_until > timezone.now():
        found.append(unseal(endpoint.sealed_previous))
    return tuple(found)


@resealer("webhooks")
def reseal_secrets() -> int:
    """Seal anew what is under another key; return how many rows that were."""
    return encryption.reseal_columns(WebhookEndpoint.objects.kept(), *COLUMNS, purpose=PURPOSE)
