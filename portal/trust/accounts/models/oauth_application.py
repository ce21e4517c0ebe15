"""OAuth applications and the former secret that works beside a new one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.utils import timezone
from oauth2_provider.models import AbstractApplication, ApplicationManager

if TYPE_CHECKING:
    from typing import Any

LOOPBACK = ("127.0.0.1", "::1")


class OAuthApplication(AbstractApplication):
    """A system that a clinic registered: it acts as a service account, or for people who agree."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = None  # the toolkit's owner; here the clinic owns it
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="applications")
    service = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="applications",
        help_text="Whom it acts as by itself; empty where people agree that it acts for them.",
    )
    scopes = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # Hashed as the present one; works until then, so that a system can change over.
    former_secret = models.CharField(max_length=255, blank=True)
    former_until = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")

    objects = ApplicationManager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            # A client that acts by itself acts as somebody, and proves that it is itself.
            models.CheckConstraint(
                condition=models.Q(
                    authorization_grant_type=AbstractApplication.GRANT_CLIENT_CREDENTIALS,
                    client_type=AbstractApplication.CLIENT_CONFIDENTIAL,
                    service__isnull=False,
                )
                | models.Q(
                    ~models.Q(redirect_uris=""),
                    authorization_grant_type=AbstractApplication.GRANT_AUTHORIZATION_CODE,
                    service__isnull=True,
                ),
                name="oauth_application_grant_is_one_of_two",
            ),
            # A secret that can be read can be stolen.
            models.CheckConstraint(
                condition=models.Q(hash_client_secret=True), name="oauth_application_secret_is_hashed"
            ),
            models.CheckConstraint(
                condition=models.Q(former_secret="", former_until__isnull=True)
                | (~models.Q(former_secret="") & models.Q(former_until__isnull=False)),
                name="oauth_application_former_secret_ends",
            ),
        ]

    def is_usable(self, request: Any) -> bool:  # noqa: ARG002 (the toolkit's)
        """Asked before every code, token and call; so closing it stops what it holds at once."""
        return self.is_active and (self.service is None or self.service.is_active)

    @property
    def has_former_secret(self) -> bool:
        return self.former_until is not None and self.former_until > timezone.now()

    def get_allowed_schemes(self) -> list[str]:
        """Plain HTTP for an app on the person's own device alone (RFC 8252), which no network sees."""
        hosts = {urlsplit(uri).hostname for uri in self.redirect_uris.split()}
        return ["https", "http"] if hosts & set(LOOPBACK) else ["https"]
