"""The second factor: who must have one, and who has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings

from portal.accounts.models import Membership, UserKind

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import Clinic, User

OPERATOR = "operator"
# Recovery codes stand in for a factor; alone they are none.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
MFA_REQUIRED = "mfa_required"
MFA_WORDS = "Your role needs a second factor. Set one up on the page Second factor, then go on."


def must_have_factor(user: User | AnonymousUser, memberships: Iterable[Membership] | None = None) -> bool:
    """Whether a role of this person, in any clinic, needs a second factor.

    A service account logs in nowhere: what it has is its tokens.
    `memberships`: the active ones, where the caller has them already.
    """
    required = set(settings.DERMAPORT_MFA_REQUIRED_ROLES)
    if not required or not user.is_authenticated or user.kind == UserKind.SERVICE:
        return False
    if user.is_staff and OPERATOR in required:
        return True
    if memberships is None:
        memberships = Membership.objects.active().filter(user=user)
    return any(membership.role in required for membership in memberships)


def has_factor(user: User | AnonymousUser) -> bool:
    if not user.is_authenticated:
        return False
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def lacks_factor(user: User | AnonymousUser, memberships: Iterable[Membership] | None = None) -> bool:
    """Whether this person may do nothing yet but set up the second factor that they need."""
    return must_have_factor(user, memberships) and not has_factor(user)


def list_people_with_factor(clinic: Clinic) -> set[uuid.UUID]:
    """And those with an identity at the provider of single sign-on, which is reset with it."""
    rows = Authenticator.objects.filter(type__in=FACTORS, user__memberships__clinic=clinic)
    linked = SocialAccount.objects.filter(user__memberships__clinic=clinic)
    return {*rows.values_list("user_id", flat=True), *linked.values_list("user_id", flat=True)}
