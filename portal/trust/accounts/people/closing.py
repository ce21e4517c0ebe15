"""Deactivation: shut a person out, and let them in again: sessions and tokens end at once and stay ended."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.people.services import check_administrator_left, set_active
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.accounts.tokens.use import lock_tokens, revoke_all_tokens
from portal.trust.audit.services import record_event


def may_close(membership: Membership) -> bool:
    """Whether this clinic alone decides about the whole log-in.

    Not for an operator, and not for who has, or had, a place elsewhere.
    """
    person = membership.user
    if person.is_staff or person.is_superuser:
        return False
    return not Membership.objects.filter(user=person).exclude(clinic=membership.clinic_id).exists()


def end_membership(*, actor: User, membership: Membership, close_log_in: bool = False) -> Membership:
    """End a person's access to the clinic, maybe with their log-in as a whole.

    Who has no other place loses sessions and tokens at once. Who has one keeps them: every request
    asks for the membership, so that nothing of this clinic opens with them any more.
    Raises PermissionDenied or PeopleError (last_administrator, not_yours_to_close).
    """
    with transaction.atomic():
        person = _lock(membership)
        membership = set_active(actor=actor, membership=membership, is_active=False)
        if close_log_in and person.is_active:
            _close(actor=actor, membership=membership, person=person)
        if not person.is_active or not (person.is_staff or person.memberships.active().exists()):
            shut_out(actor=actor, person=person, membership=membership)
    return membership


def reopen_membership(*, actor: User, membership: Membership) -> Membership:
    """Give access again; a log-in that this clinic closed opens with it.

    Raises PermissionDenied or PeopleError (closed_elsewhere).
    """
    with transaction.atomic():
        person = _lock(membership)
        membership = set_active(actor=actor, membership=membership, is_active=True)
        if not person.is_active:
            if not may_close(membership) or person.closed_by_id != membership.clinic_id:
                raise PeopleError(
                    "closed_elsewhere",
                    "This person's log-in was closed by somebody else. Ask the operator of the site.",
                )
            person.is_active, person.closed_by = True, None
            person.save(update_fields=["is_active", "closed_by"])
            record_event(clinic_id=membership.clinic_id, action="user.reopened", actor=actor, obj=person)
    return membership


def _lock(membership: Membership) -> User:
    """Lock the clinic, the person and their tokens before the audit chain: who holds that waits for nobody.

    A token that is used for the first time, or revoked, takes its row, then the chain.
    """
    Clinic.objects.select_for_update(no_key=True).get(pk=membership.clinic_id)
    person = User.objects.select_for_update().get(pk=membership.user_id)
    lock_tokens(user=person)
    return person


def shut_out(*, actor: User, person: User, membership: Membership) -> None:
    """End every session and token of a person. A later log-in begins anew; nothing old revives."""
    User.objects.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
    record_event(
        clinic_id=membership.clinic_id,
        action="user.shut_out",
        actor=actor,
        obj=person,
        details={"tokens_revoked": revoke_all_tokens(user=person)},
    )


def _close(*, actor: User, membership: Membership, person: User) -> None:
    require(actor, membership.clinic_id, Action.ADMINISTER)
    if not may_close(membership):
        raise PeopleError(
            "not_yours_to_close",
            "This person also works elsewhere, so their log-in stays. Their access here is what you can end.",
        )
    person.is_active, person.closed_by_id = False, membership.clinic_id
    person.save(update_fields=["is_active", "closed_by"])
    check_administrator_left(membership.clinic_id)
    record_event(clinic_id=membership.clinic_id, action="user.closed", actor=actor, obj=person)
