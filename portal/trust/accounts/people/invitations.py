"""Invitations: ask an address into a clinic. The link goes out by mail alone and works once.

What an administrator reads and waits for is the same whether the address has an account or not:
else inviting would be a way to ask who works elsewhere on this site.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic, Invitation, Membership
from portal.trust.accounts.people.services import check_role, clean_email
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action, Role
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest

    from portal.trust.accounts.models import User


LONGEST_GUEST_DAYS = 366
SENT_AN_HOUR = 50
"""Mails of one clinic: more is a slip, or somebody who sends mail to strangers in our name."""
SIGNER = Signer(salt="portal.accounts.invitations")


@dataclass(frozen=True)
class IssuedInvitation:
    """An invitation and the code that opens it: known at this moment only, for the mail."""

    invitation: Invitation
    code: str = field(repr=False)


def invite(
    *, actor: User, clinic: Clinic, email: str, role: str, guest_until: dt.datetime | None = None
) -> IssuedInvitation:
    """Invite an address into the clinic. An unanswered invitation is renewed; its old link ends.

    Raises PermissionDenied or PeopleError (email_invalid, role_unknown, guest_role, guest_end,
    already_in_clinic, too_many_invitations).
    """
    require(actor, clinic, Action.ADMINISTER)
    check_role(role)
    check_guest(role, guest_until)
    email = clean_email(email)
    with transaction.atomic():
        _lock(clinic.pk)
        _check_not_in_clinic(clinic.pk, email)
        earlier = Invitation.objects.unanswered().filter(clinic=clinic, email=email).first()
        invitation = earlier or Invitation(clinic=clinic, email=email)
        invitation.role, invitation.guest_until, invitation.invited_by = role, guest_until, actor
        return _send(invitation, actor=actor, action="invitation.created")


def resend_invitation(*, actor: User, invitation: Invitation) -> IssuedInvitation:
    """A new link for the same invitation, for the full time; the one sent before ends.

    Raises PermissionDenied or PeopleError (invitation_answered, guest_end, too_many_invitations).
    """
    require(actor, invitation.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        _lock(invitation.clinic_id)
        invitation = _find_unanswered(invitation.pk)
        check_guest(invitation.role, invitation.guest_until)
        return _send(invitation, actor=actor, action="invitation.resent")


def withdraw_invitation(*, actor: User, invitation: Invitation) -> Invitation:
    """Its link ends at once. Raises PermissionDenied or PeopleError (invitation_answered)."""
    require(actor, invitation.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        _lock(invitation.clinic_id)
        invitation = _find_unanswered(invitation.pk)
        invitation.withdrawn_at, invitation.withdrawn_by = timezone.now(), actor
        invitation.save(update_fields=["withdrawn_at", "withdrawn_by"])
        record_event(
            clinic_id=invitation.clinic_id, action="invitation.withdrawn", actor=actor, obj=invitation
        )
    return invitation


def note_undelivered(*, invitation: Invitation) -> None:
    """Keep that the mail did not leave, so that the page says so until it is sent again."""
    with transaction.atomic():
        Invitation.objects.filter(pk=invitation.pk).update(is_undelivered=True)
        record_event(clinic_id=invitation.clinic_id, action="invitation.undelivered", obj=invitation)


def find_by_code(code: str) -> Invitation | None:
    """The invitation that this code was made for, in whatever state; None for everything else."""
    try:
        secret = SIGNER.unsign(code.strip())
    except BadSignature:
        return None
    return Invitation.objects.select_related("clinic").filter(secret_hash=_hash(secret)).first()


def accept_invitation(*, person: User, invitation: Invitation) -> Membership:
    """Take the place that was offered; whose address it is for takes it, nobody else.

    A place that had ended begins anew in the role that was offered. Raises PeopleError
    (invitation_gone, other_address, already_in_clinic).
    """
    with transaction.atomic():
        _lock(invitation.clinic_id)
        return take_place(person=person, invitation=lock_open(invitation))


def lock_open(invitation: Invitation) -> Invitation:
    """The invitation, still open and with the link that was opened. Raises PeopleError (invitation_gone)."""
    rows = Invitation.objects.select_for_update().filter(pk=invitation.pk)
    found = rows.filter(secret_hash=invitation.secret_hash).first()
    if found is None or found.state != "open":
        raise PeopleError("invitation_gone", "This invitation no longer works. Ask the clinic for a new one.")
    return found


def take_place(*, person: User, invitation: Invitation) -> Membership:
    """Make the membership of a locked, open invitation and mark it accepted."""
    if person.email.lower() != invitation.email:
        raise PeopleError("other_address", "This invitation is for another address. Log in with that one.")
    _check_not_in_clinic(invitation.clinic_id, invitation.email)
    membership, _ = Membership.objects.update_or_create(
        user=person,
        clinic_id=invitation.clinic_id,
        defaults={"role": invitation.role, "is_active": True, "ends_at": invitation.guest_until},
    )
    invitation.accepted_at, invitation.accepted_by = timezone.now(), person
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    record_event(
        clinic_id=invitation.clinic_id,
        action="invitation.accepted",
        actor=person,
        obj=invitation,
        details={
            "membership": str(membership.pk),
            "user": str(person.pk),
            "role": invitation.role,
            "guest": membership.is_guest,
        },
    )
    return membership


def _send(invitation: Invitation, *, actor: User, action: str) -> IssuedInvitation:
    now = timezone.now()
    _check_pace(invitation.clinic_id, now)
    secret = secrets.token_urlsafe(32)
    invitation.secret_hash, invitation.is_undelivered = _hash(secret), False
    invitation.sent_at = now
    invitation.expires_at = now + dt.timedelta(days=settings.DERMAPORT_INVITATION_DAYS)
    try:
        invitation.save()
    except IntegrityError as error:
        raise PeopleError(
            "already_invited", "Somebody invited this address at the same moment.", field="email"
        ) from error
    record_event(
        clinic_id=invitation.clinic_id,
        action=action,
        actor=actor,
        obj=invitation,
        details={"role": invitation.role, "guest": invitation.guest_until is not None},
    )
    return IssuedInvitation(invitation, SIGNER.sign(secret))


def _hash(secret: str) -> str:
    """Plain SHA-256: the secret has 256 bits of chance, so there is nothing to guess slowly."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _lock(clinic_id: uuid.UUID) -> None:
    """One change of a clinic's people after the other."""
    Clinic.objects.select_for_update().get(pk=clinic_id)


def _find_unanswered(pk: uuid.UUID) -> Invitation:
    invitation = Invitation.objects.select_related("clinic").get(pk=pk)
    if invitation.state in ("accepted", "withdrawn"):
        raise PeopleError("invitation_answered", "This invitation was accepted or withdrawn meanwhile.")
    return invitation


def _check_not_in_clinic(clinic_id: uuid.UUID, email: str) -> None:
    if Membership.objects.active().filter(clinic_id=clinic_id, user__email=email).exists():
        raise PeopleError(
            "already_in_clinic",
            "This person is in your clinic already. Change their role on the page People.",
            field="email",
        )


def check_guest(role: str, guest_until: dt.datetime | None) -> None:
    if guest_until is None:
        return
    if role != Role.DERMATOLOGIST:
        raise PeopleError(
            "guest_role", "Only a dermatologist can be a guest. Leave the last day empty.", field="role"
        )
    now = timezone.now()
    if not now < guest_until <= now + dt.timedelta(days=LONGEST_GUEST_DAYS):
        raise PeopleError(
            "guest_end",
            f"A guest's last day can be today at the earliest and {LONGEST_GUEST_DAYS - 1} days from now "
            "at the latest.",
            field="guest_until",
        )


def _check_pace(clinic_id: uuid.UUID, now: dt.datetime) -> None:
    sent = Invitation.objects.filter(clinic_id=clinic_id, sent_at__gt=now - dt.timedelta(hours=1)).count()
    if sent >= SENT_AN_HOUR:
        raise PeopleError(
            "too_many_invitations",
            f"Your clinic sent {sent} invitations within an hour; the limit is {SENT_AN_HOUR}. "
            "Go on in an hour.",
        )


# --- Mail ---------------------------------------------------------------------------------------
# The code stands behind the `#` of the link: a browser sends that part to no server, so it is in no access
# log, no proxy's log and no referrer. A form posts it.


log = structlog.get_logger(__name__)


def send_invitation(request: HttpRequest, issued: IssuedInvitation) -> bool:
    """Send the mail; False, and kept with the invitation, where the mail server didn't take it."""
    invitation = issued.invitation
    page = request.build_absolute_uri(reverse("invitation-open"))
    context = {"invitation": invitation, "page": page, "code": issued.code}
    mail = EmailMessage(
        subject=render_to_string("accounts/invitation_subject.txt", context).strip(),
        body=render_to_string("accounts/invitation_message.txt", context),
        to=[invitation.email],
    )
    try:
        mail.send()
    except OSError:
        # Without the error itself: mail servers quote the address and the mail.
        log.warning("invitation_undelivered", invitation=str(invitation.pk))
        note_undelivered(invitation=invitation)
        return False
    return True
