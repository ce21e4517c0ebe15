"""Clinics, memberships and profiles: the services that write them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import SERVICE_DOMAIN, Clinic, ClinicKind, Membership, User, UserKind
from portal.trust.accounts.models.clinic import LEAST_IN_HUNDRED, MOST_IN_HUNDRED
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action, Role
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid
    from decimal import Decimal

LONGEST_RETENTION_YEARS = 100
LONGEST_PLACE = 120
LONGEST_CLINIC_NAME = 120
LONGEST_PERSON_NAME = 120
LONGEST_EMAIL = 254
CLINIC_FIELDS = frozenset(
    {
        *("name", "hide_result_until_read", "retention_years", "consent_recorded_in"),
        *("kind", "malignant_in_hundred"),
    }
)


def clean_clinic_name(name: str) -> str:
    """The name as it is stored. Raises PeopleError (name_missing, name_too_long)."""
    name = " ".join(name.split())
    if not name:
        raise PeopleError("name_missing", "Give the clinic a name.", field="name")
    if len(name) > LONGEST_CLINIC_NAME:
        raise PeopleError(
            "name_too_long",
            f"The clinic's name may have {LONGEST_CLINIC_NAME} characters, received {len(name)}.",
            field="name",
        )
    return name


def clean_person_name(full_name: str) -> str:
    """The name as it is stored; empty where nobody gave one. Raises PeopleError (name_too_long)."""
    full_name = " ".join(full_name.split())
    if len(full_name) > LONGEST_PERSON_NAME:
        raise PeopleError(
            "name_too_long",
            f"The name may have {LONGEST_PERSON_NAME} characters, received {len(full_name)}.",
            field="full_name",
        )
    return full_name


def rename_person(*, actor: User, full_name: str) -> User:
    """Change one's own name. Raises PeopleError (name_too_long)."""
    full_name = clean_person_name(full_name)
    with transaction.atomic():
        actor.full_name = full_name
        actor.save(update_fields=["full_name"])
        record_event(clinic_id=None, action="user.renamed", actor=actor, obj=actor)
    return actor


def update_clinic(*, actor: User, clinic: Clinic, **changes: Any) -> Clinic:
    """Change any of CLINIC_FIELDS; the event names the fields.

    `malignant_in_hundred`: 0.1 to 90, or None for what is usual for its kind; it counts for answers from now on.
    Raises PermissionDenied or PeopleError (name_missing, name_too_long, name_taken, years_out_of_range,
    place_too_long, kind_unknown, share_out_of_range).
    """
    require(actor, clinic, Action.ADMINISTER)
    if unknown := set(changes) - CLINIC_FIELDS:
        raise TypeError(f"expected fields in {sorted(CLINIC_FIELDS)}, received {sorted(unknown)}")
    _check_years(changes.get("retention_years"))
    check_share(changes.get("malignant_in_hundred"))
    if "kind" in changes:
        _check_kind(changes["kind"])
    if "name" in changes:
        changes["name"] = clean_clinic_name(str(changes["name"]))
    if "consent_recorded_in" in changes:
        changes["consent_recorded_in"] = _clean_place(changes["consent_recorded_in"])
    try:
        with transaction.atomic():
            clinic = Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
            changed = [name for name, value in changes.items() if getattr(clinic, name) != value]
            for name in changed:
                setattr(clinic, name, changes[name])
            if "retention_years" in changed and clinic.retention_automatic_since is not None:
                # Whom the new policy erases has been shown to nobody yet.
                clinic.retention_automatic_since = None
                changed.append("retention_automatic_since")
            if changed:
                clinic.save(update_fields=changed)
                record_event(
                    clinic_id=clinic.pk,
                    action="clinic.updated",
                    actor=actor,
                    obj=clinic,
                    details={
                        "fields": sorted(changed),
                        "hide_result_until_read": clinic.hide_result_until_read,
                        "retention_years": clinic.retention_years,
                        "consent_recorded_in": clinic.consent_recorded_in,
                        "kind": clinic.kind,
                        "malignant_in_hundred": round(clinic.prevalence * 100, 1),
                    },
                )
    except IntegrityError as error:
        raise PeopleError("name_taken", "Another clinic has this name.", field="name") from error
    return clinic


def _clean_place(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > LONGEST_PLACE:
        raise PeopleError(
            "place_too_long",
            f"The name has {len(text)} characters; the limit is {LONGEST_PLACE}.",
            field="consent_recorded_in",
        )
    return text


def _check_years(years: int | None) -> None:
    if years is not None and not 1 <= years <= LONGEST_RETENTION_YEARS:
        raise PeopleError(
            "years_out_of_range",
            f"Data can be kept for 1 to {LONGEST_RETENTION_YEARS} years, or for ever; you gave {years}.",
            field="retention_years",
        )


def check_share(share: Decimal | None) -> None:
    """Raise PeopleError (share_out_of_range) unless as many of 100 lesions can be malignant."""
    if share is not None and not LEAST_IN_HUNDRED <= share <= MOST_IN_HUNDRED:
        raise PeopleError(
            "share_out_of_range",
            f"Give a number from {LEAST_IN_HUNDRED} to {MOST_IN_HUNDRED}, or none; you gave {share}.",
            field="malignant_in_hundred",
        )


def _check_kind(kind: str) -> None:
    if kind not in ClinicKind.values:
        kinds = ", ".join(ClinicKind.values)
        raise PeopleError("kind_unknown", f"A clinic is one of {kinds}; you gave {kind!r}.", field="kind")


def clean_email(email: str) -> str:
    """The address as it is stored. Raises PeopleError (email_invalid)."""
    email = email.strip().lower()
    if len(email) > LONGEST_EMAIL:
        raise PeopleError(
            "email_invalid",
            f"An e-mail address may have {LONGEST_EMAIL} characters, received {len(email)}.",
            field="email",
        )
    refusal = PeopleError(
        "email_invalid", "Give an e-mail address such as name@clinic.example.", field="email"
    )
    try:
        validate_email(email)
    except ValidationError as error:
        raise refusal from error
    if email.endswith(f"@{SERVICE_DOMAIN}"):  # a service account is no person
        raise refusal
    return email


def find_or_create_person(email: str, *, full_name: str, clinic: Clinic | None, actor: User | None) -> User:
    """The person with this clean address; a new one has no password yet.

    Call it inside a transaction. The event of a new person goes into the clinic's audit log.
    Raises PeopleError (name_too_long).
    """
    person = User.objects.filter(email__iexact=email).first()
    if person is None:
        person = User.objects.create_user(email, full_name=clean_person_name(full_name))
        record_event(clinic_id=clinic.pk if clinic else None, action="user.created", actor=actor, obj=person)
    return person


def may_invite(membership: Membership) -> bool:
    """Whether an administrator of this clinic may set this person's password anew.

    Only for people of this clinic alone: otherwise one clinic's administrator could take over a
    person of another clinic, or an operator.
    """
    person = membership.user
    if person.is_staff or person.is_superuser or not person.is_active or person.kind == UserKind.SERVICE:
        return False
    return not Membership.objects.filter(user=person).exclude(clinic=membership.clinic_id).exists()


def make_password_link(*, actor: User, membership: Membership) -> str:
    """Path of a page that sets this person's password, once and for three days.

    Raises PermissionDenied or PeopleError (not_yours_to_reset).
    """
    require(actor, membership.clinic_id, Action.ADMINISTER)
    if not may_invite(membership) or not membership.is_active:
        raise PeopleError(
            "not_yours_to_reset",
            "This person also works elsewhere; they can reset their own password on the log-in page.",
        )
    return issue_password_path(membership.user, clinic_id=membership.clinic_id, actor=actor)


def issue_password_path(person: User, *, clinic_id: uuid.UUID | None, actor: User | None) -> str:
    """Path of the page that sets a password once. Who may ask for it is for the caller to check."""
    with transaction.atomic():
        record_event(clinic_id=clinic_id, action="user.password_link_made", actor=actor, obj=person)
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
    return reverse(
        "account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(person), "key": key}
    )


def change_role(*, actor: User, membership: Membership, role: str) -> Membership:
    """Give a person another role.

    Raises PermissionDenied or PeopleError (role_unknown, guest_keeps_role, last_administrator).
    """
    check_role(role)
    if membership.is_guest and role != Role.DERMATOLOGIST:
        raise PeopleError(
            "guest_keeps_role",
            "A guest works here as dermatologist. End their access and invite them again for another role.",
            field="role",
        )
    return change_membership(actor, membership, "membership.role_changed", role=role)


def set_active(*, actor: User, membership: Membership, is_active: bool) -> Membership:
    """End a person's access to the clinic, or give it again; what they did stays theirs.

    Raises PermissionDenied or PeopleError (last_administrator).
    """
    action = "membership.activated" if is_active else "membership.deactivated"
    return change_membership(actor, membership, action, is_active=is_active)


def change_membership(actor: User, membership: Membership, action: str, **changes: Any) -> Membership:
    """Change one membership, with its event. What may be changed to what is for the caller to check."""
    require(actor, membership.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        # The clinic's row is the lock: two administrators who remove each other at the same
        # moment go one after the other, and the second is refused.
        Clinic.objects.select_for_update(no_key=True).get(pk=membership.clinic_id)
        require(actor, membership.clinic_id, Action.ADMINISTER)
        membership = Membership.objects.select_related("user").get(pk=membership.pk)
        former = {name: getattr(membership, name) for name in changes}
        if former == changes:
            return membership
        for name, value in changes.items():
            setattr(membership, name, value)
        membership.save(update_fields=list(changes))
        check_administrator_left(membership.clinic_id)
        record_event(
            clinic_id=membership.clinic_id,
            action=action,
            actor=actor,
            obj=membership,
            details={
                "user": str(membership.user_id),
                "from": _as_json(former),
                "to": _as_json(changes),
            },
        )
    return membership


def _as_json(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else value for name, value in values.items()
    }


def check_administrator_left(clinic_id: uuid.UUID) -> None:
    left = Membership.objects.active().filter(
        clinic_id=clinic_id, role=Role.ADMINISTRATOR, user__is_active=True
    )
    if not left.exists():
        raise PeopleError(
            "last_administrator",
            "A clinic keeps at least one active administrator. Make another person administrator first.",
        )


def check_role(role: str) -> None:
    if role not in Role.values:
        raise PeopleError("role_unknown", "Choose a role from the list.", field="role")
