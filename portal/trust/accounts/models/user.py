"""Users: people, and the service accounts of programs."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portal.trust.accounts.requests import Emergency


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Create a person who logs in with `email`; without a password none works."""
        if not email:
            raise ValueError("expected an e-mail address, received nothing")
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Create an operator: sees the status page, belongs to no clinic by itself."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)


class UserKind(models.TextChoices):
    PERSON = "person", "Person"
    SERVICE = "service", "Service account"


SERVICE_DOMAIN = "service.invalid"
"""Service accounts have an address because every user has one; no mail can ever reach it."""


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # the toolkit's manager of applications has no types
    """A person or a system that acts in the portal; rights come from memberships."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=8, choices=UserKind, default=UserKind.PERSON)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="Operator: may see the status page.")
    date_joined = models.DateTimeField(auto_now_add=True)

    # Sessions of an earlier epoch are over: see portal.trust.accounts.people.closing.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    # The clinic that closed this log-in, and may open it again; null where somebody else closed it.
    closed_by = models.ForeignKey(
        "accounts.Clinic", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = UserManager()

    clinic_limit: uuid.UUID | None = None
    """The only clinic that counts while a token of that clinic acts for this person. Not stored."""
    emergencies: Sequence[Emergency] = ()
    """Patients of other clinics that this request's session has open. Not stored."""

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case"),
            models.CheckConstraint(condition=models.Q(kind__in=UserKind.values), name="user_kind_known"),
            # Left behind at an open log-in, it would let the clinic open what the operator closes later.
            models.CheckConstraint(
                condition=models.Q(closed_by__isnull=True) | models.Q(is_active=False),
                name="user_closed_by_while_closed",
            ),
            # What has no hands logs in nowhere: a password here would be a way round its tokens.
            models.CheckConstraint(
                condition=~models.Q(kind=UserKind.SERVICE)
                | models.Q(
                    password__startswith="!",  # noqa: S106 (Django's "none")
                    email__endswith=f"@{SERVICE_DOMAIN}",
                    is_staff=False,
                    is_superuser=False,
                ),
                name="user_service_cannot_log_in",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must match on each request; another epoch ends all that are open."""
        hashed = str(super()._get_session_auth_hash(secret=secret))  # type: ignore[misc]  # Django's own, missing in the stubs
        return f"{hashed}.{self.session_epoch}" if self.session_epoch else hashed

    def get_full_name(self) -> str:
        return self.full_name or self.email
