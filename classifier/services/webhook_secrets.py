"""Secrets at rest: encrypted with a key that is derived from the site's own secret.

SECRET_KEY_FALLBACKS still open what they closed, so that the site's secret can be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from portal.common import sealing

if TYPE_CHECKING:
    from classifier.models import WebhookEndpoint

PURPOSE = "dermaport webhook secrets"


class LostSecretError(Exception):
    """The site's secret was changed and the former one is not among its fallbacks."""


def seal(secret: str) -> str:
    return sealing.seal(secret.encode(), purpose=PURPOSE)


def unseal(sealed: str) -> str:
    """The secret again. Raises LostSecretError."""
    opened = sealing.unseal(sealed, purpose=PURPOSE)
    if opened is None:
        raise LostSecretError
    return opened.decode()


def read_secrets(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """The secrets that sign now: the current one and, until its time is over, the previous one."""
    found = [unseal(endpoint.sealed_secret)]
    if endpoint.previous_until is not None and endpoint.previous_until > timezone.now():
        found.append(unseal(endpoint.sealed_previous))
    return tuple(found)
