"""Single sign-on: which person of this site somebody is of whom the provider speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction

from portal.accounts.models import User
from portal.accounts.services import find_or_create_person
from portal.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER = "sso"
WORDS = {
    "email_missing": "The provider sent no e-mail address. Ask whoever runs it to send one.",
    "email_unverified": "The provider has not checked your e-mail address. Confirm it there first.",
    "domain_not_allowed": "Addresses of this kind can't be used to log in here.",
    "unknown_person": "Nobody with your address is known here. Ask your clinic's administrator to add you.",
    "inactive": "Your account is switched off. Your clinic's administrator can switch it on again.",
    "subject_changed": (
        "The provider knows you by another identity than before. Ask your clinic's administrator to reset "
        "your second factor, which forgets the old one."
    ),
}


class SSORefusedError(Exception):
    """Somebody the provider vouches for doesn't come in: `code` for the trail, `message` for them."""

    def __init__(self, code: str, person: User | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = WORDS[code]
        self.person = person


@dataclass(frozen=True)
class Claims:
    """What the provider signed about a person."""

    subject: str = field(repr=False)
    email: str = field(repr=False)
    is_verified: bool
    name: str = field(repr=False)
    has_factor: bool

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Claims:
        amr = data.get("amr") or []
        methods = {data.get("acr"), *(amr if isinstance(amr, list) else [amr])}
        return cls(
            subject=str(data["sub"]),
            email=str(data.get("email") or "").strip().lower(),
            is_verified=data.get("email_verified") in (True, "true"),
            name=str(data.get("name") or ""),
            has_factor=bool(methods.intersection(settings.DERMAPORT_OIDC_MFA_VALUES)),
        )


def admit(claims: Claims) -> User:
    """The person whom these claims speak of, by their verified address alone.

    The identity behind the address is remembered at the first log-in: an address that later
    belongs to somebody else opens nothing. Raises SSORefusedError.
    """
    if not claims.email:
        raise SSORefusedError("email_missing")
    if not claims.is_verified:
        raise SSORefusedError("email_unverified")
    domains = [domain.lower() for domain in settings.DERMAPORT_OIDC_DOMAINS]
    if domains and claims.email.rpartition("@")[2] not in domains:
        raise SSORefusedError("domain_not_allowed")
    with transaction.atomic():
        person = User.objects.filter(email__iexact=claims.email).first()
        if person is None and settings.DERMAPORT_OIDC_UNKNOWN != "create":
            raise SSORefusedError("unknown_person")
        if person is None:
            person = find_or_create_person(claims.email, full_name=claims.name, clinic=None, actor=None)
        if not person.is_active:
            raise SSORefusedError("inactive", person)
        _check_identity(person, claims.subject)
    return person


def _check_identity(person: User, subject: str) -> None:
    known = SocialAccount.objects.filter(provider=PROVIDER)
    if known.filter(uid=subject).exclude(user=person).exists():
        raise SSORefusedError("subject_changed", person)
    if known.filter(user=person).exclude(uid=subject).exists():
        raise SSORefusedError("subject_changed", person)


def record_refusal(error: SSORefusedError) -> None:
    record_event(clinic_id=None, action="user.sso_refused", obj=error.person, details={"reason": error.code})
