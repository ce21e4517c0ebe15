"""Two-factor secrets, encrypted at rest."""

from __future__ import annotations

import hashlib

from allauth.mfa.models import Authenticator
from django.conf import settings

from portal.trust.encryption import sealed as encryption
from portal.trust.encryption.rotation import resealer

PURPOSE = "dermaport second factors"
KINDS = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
SECRETS = ("secret", "seed", "migrated_codes")
"""Where allauth keeps what it has sealed: a text, or a list of texts."""


def seal(secret: str) -> str:
    return encryption.seal(secret.encode(), purpose=PURPOSE)


def unseal(sealed: str) -> str:
    """The secret again. Raises DecryptionError, or LostSealError of a former seal."""
    try:
        return encryption.unseal(sealed, purpose=PURPOSE).decode()
    except encryption.LostSealError:
        # The first version made its keys in another way.
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        digests = [hashlib.sha256(b"dermaport.mfa:" + key.encode()).digest() for key in keys]
        return encryption.open_former(digests, sealed, purpose=PURPOSE).decode()


@resealer("second factors")
def reseal_factors() -> int:
    """Seal anew what is under another key, or sealed as it was done formerly; return how many rows."""
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
    return value if encryption.is_current(value) else seal(unseal(value))
