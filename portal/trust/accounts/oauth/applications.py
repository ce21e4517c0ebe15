"""OAuth applications of a clinic: make, change and remove them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction
from oauth2_provider.models import Grant

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import OAuthApplication
from portal.trust.accounts.oauth.redirects import clean_redirects
from portal.trust.accounts.oauth.scopes import ApplicationKind
from portal.trust.accounts.oauth.server import generate_client_secret, revoke_application_tokens
from portal.trust.accounts.people.service_accounts import select_services
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.accounts.tokens.scopes import sort_scopes
from portal.trust.accounts.tokens.tokens import check_scopes, clean_name
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from portal.trust.accounts.models import Clinic, Membership, User


@dataclass(frozen=True)
class Registration:
    """An application and its secret, known at this moment only; empty where it can't keep one."""

    application: OAuthApplication
    secret: str = field(repr=False)


def register_application(
    *,
    actor: User,
    clinic: Clinic,
    name: str,
    kind: str,
    scopes: Collection[str],
    redirect_uris: str = "",
    service: Membership | None = None,
) -> Registration:
    """Let a system in, to act as a service account or for people who agree.

    Raises PermissionDenied or PeopleError (name_missing, name_too_long, scopes_missing,
    scope_unknown, kind_unknown, service_missing, redirect_missing, redirect_refused).
    """
    require(actor, clinic, Action.ADMINISTER)
    if kind not in ApplicationKind.values:
        raise PeopleError("kind_unknown", "Choose what kind of system it is.", field="kind")
    chosen = ApplicationKind(kind)
    secret = generate_client_secret()
    application = OAuthApplication(
        clinic=clinic,
        made_by=actor,
        name=clean_name(name),
        scopes=sort_scopes(check_scopes(scopes)),
        authorization_grant_type=chosen.grant_type,
        client_type=chosen.client_type,
        client_secret=secret,
    )
    if chosen.is_for_people:
        application.redirect_uris = clean_redirects(redirect_uris, on_device=chosen.is_on_device)
    else:
        application.service = _check_service(clinic, service)
    with transaction.atomic():
        application.save()
        record_application_event(
            actor, application, "application.registered", kind=kind, scopes=application.scopes
        )
    return Registration(application, "" if chosen.is_on_device else secret)


def update_application(
    *,
    actor: User,
    application: OAuthApplication,
    name: str | None = None,
    redirect_uris: str | None = None,
) -> OAuthApplication:
    """Change the name and where people return to. Codes on their way to an address that is gone end.

    What is None stays as it is; of a system without people so do the addresses.

    Raises PermissionDenied or PeopleError (name_missing, name_too_long, redirect_missing,
    redirect_refused).
    """
    require(actor, application.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        application = OAuthApplication.objects.select_for_update().get(pk=application.pk)
        changes = {} if name is None else {"name": clean_name(name)}
        if application.service_id is None and redirect_uris is not None:
            on_device = application.client_type == OAuthApplication.CLIENT_PUBLIC
            changes["redirect_uris"] = clean_redirects(redirect_uris, on_device=on_device)
        changed = sorted(field for field, value in changes.items() if getattr(application, field) != value)
        if not changed:
            return application
        for field in changed:
            setattr(application, field, changes[field])
        application.save(update_fields=[*changed, "updated"])
        _end_codes_elsewhere(application)
        record_application_event(actor, application, "application.updated", fields=changed)
    return application


def set_application_active(*, actor: User, application: OAuthApplication, is_active: bool) -> None:
    """Close the application, which ends its tokens for good, or open it again. Raises PermissionDenied."""
    require(actor, application.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        application = OAuthApplication.objects.select_for_update().get(pk=application.pk)
        if application.is_active == is_active:
            return
        application.is_active = is_active
        application.save(update_fields=["is_active", "updated"])
        if is_active:
            record_application_event(actor, application, "application.activated")
        else:
            ended = revoke_application_tokens(application=application)
            record_application_event(actor, application, "application.deactivated", tokens_revoked=ended)


def _end_codes_elsewhere(application: OAuthApplication) -> None:
    """Asked of the application, not compared as text: an app on a device has a port of its own choice."""
    for grant in Grant.objects.filter(application=application):
        if not application.redirect_uri_allowed(grant.redirect_uri):
            grant.delete()


def _check_service(clinic: Clinic, service: Membership | None) -> User:
    known = select_services(clinic).filter(user__is_active=True)
    row = known.filter(pk=service.pk).first() if service else None
    if row is None:
        raise PeopleError("service_missing", "Choose the service account that it acts as.", field="service")
    return row.user


def record_application_event(actor: User, application: OAuthApplication, action: str, **details: Any) -> None:
    record_event(
        clinic_id=application.clinic_id, action=action, actor=actor, obj=application, details=details
    )
