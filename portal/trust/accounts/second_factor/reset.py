"""Two-factor reset: a fresh start for a colleague who lost their second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.login.adapter import notify
from portal.trust.accounts.people.services import may_invite
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.accounts.sessions.sessions import end_every_session
from portal.trust.accounts.tokens.use import revoke_all_tokens
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from portal.trust.accounts.models import Membership, User


def reset_factor(*, actor: User, membership: Membership) -> None:
    """Remove every second factor of a colleague who lost theirs; they are told by mail.

    Their tokens and sessions end too: they may be in the hands of whoever holds the lost phone. The same rule as for
    password links keeps one clinic's administrator from weakening a person of another clinic.
    Raises PermissionDenied or PeopleError (not_yours_to_reset, own_factor, no_factor).
    """
    require(actor, membership.clinic_id, Action.ADMINISTER)
    person = membership.user
    if person == actor:
        raise PeopleError(
            "own_factor", "Change your own second factor on the page Second factor, or ask a colleague."
        )
    if not may_invite(membership) or not membership.is_active:
        raise PeopleError(
            "not_yours_to_reset", "This person also works elsewhere. The operator of this site can help them."
        )
    with transaction.atomic():
        count, _ = Authenticator.objects.filter(user=person).delete()
        # A new identity at the provider of single sign-on counts as a lost factor too.
        identities, _ = SocialAccount.objects.filter(user=person).delete()
        if not count + identities:
            raise PeopleError("no_factor", "This person has no second factor.")
        tokens = revoke_all_tokens(user=person)
        sessions = end_every_session(user=person)
        record_event(
            clinic_id=membership.clinic_id,
            action="user.mfa_reset",
            actor=actor,
            obj=person,
            details={
                "factors": count,
                "identities": identities,
                "tokens_revoked": tokens,
                "sessions": sessions,
            },
        )
        transaction.on_commit(lambda: notify(person, "mfa/email/reset"))
