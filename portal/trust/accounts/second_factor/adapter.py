"""How allauth keeps second factors here: sealed secrets, plain words, no removal of a needed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator

from portal.trust.accounts.second_factor import secrets
from portal.trust.accounts.second_factor.codes import FACTORS, must_have_factor

if TYPE_CHECKING:
    from portal.trust.accounts.models import User


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return secrets.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.unseal(encrypted_text)

    def build_totp_svg(self, url: str) -> str:
        """An element of the page itself: the content security policy allows no data: address."""
        import qrcode  # noqa: PLC0415 (one page needs it)
        from qrcode.image.svg import SvgPathFillImage  # noqa: PLC0415

        image = qrcode.make(url, image_factory=SvgPathFillImage, box_size=20, border=4)
        return str(image.to_string(encoding="unicode"))

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002 (allauth's)
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return f"Passkey {number}"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        person = authenticator.user
        others = Authenticator.objects.filter(user=person, type__in=FACTORS).exclude(pk=authenticator.pk)
        return others.exists() or not must_have_factor(person)
