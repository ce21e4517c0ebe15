"""Secrets of second factors at rest, sealed with a key made from SECRET_KEY."""

from __future__ import annotations

import base64
import hashlib

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from portal.common import sealing
from portal.common.resealing import resealer

PURPOSE = "dermaport second factors"
KINDS = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
SECRETS = ("secret", "seed", "migrated_codes")
"""Where allauth keeps what it has sealed: a text, or a list of texts."""


def seal(secret: str) -> str:
    return sealing.seal(secret.encode(), purpose=PURPOSE)


def unseal(sealed: str) -> str:
    """The secret again. Raises LostSealError."""
    opened = sealing.unseal(sealed, purpose=PURPOSE)
    return _unseal_former(sealed) if opened is None else opened.decode()


def _unseal_former(sealed: str) -> str:
    """What was sealed before `portal.common.sealing` did it, until `rotate_encryption` is run."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(b"dermaport.mfa:" + key.encode()).digest() for key in keys)
    box = MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
    try:
        return box.decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise sealing.LostSealError(f"{PURPOSE}: SECRET_KEY_FALLBACKS lacks the key") from None


@resealer("second factors")
def reseal_factors() -> int:
    """Seal anew what is under a former key, or sealed as it was done formerly; return how many rows."""
    count = 0
    for key, data in list(Authenticator.objects.filter(type__in=KINDS).values_list("pk", "data")):
        changed = {name: _reseal(value) if name in SECRETS else value for name, value in data.items()}
        if changed != data:
            # Unless somebody used a recovery code just now: the next run does that row.
            count += Authenticator.objects.filter(pk=key, data=data).update(data=changed)
    return count


def _reseal(value: str | list[str]) -> str | list[str]:
    if isinstance(value, list):
        return [str(_reseal(one)) for one in value]
    try:
        return sealing.reseal(value, purpose=PURPOSE)
    except sealing.LostSealError:
        return seal(_unseal_former(value))
