"""Audit log: events, the hash chain of each clinic, and anchors of what the chains said."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User

GENESIS = "0" * 64


class AuditChain(models.Model):
    """The head of one chain of events: one a clinic, and one for the site (no clinic).

    Writers of one chain wait for each other on this row; clinics don't wait for each other.
    """

    clinic = models.OneToOneField(
        "accounts.Clinic",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="audit_chain",
    )
    key = models.CharField(max_length=40, unique=True, help_text="Clinic id, or 'site'.")
    last_position = models.PositiveBigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, default=GENESIS)

    def __str__(self) -> str:
        return f"audit chain {self.key}"


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: User | AnonymousUser) -> AuditEventQuerySet:
        """Events of the clinics that this person administers, and that their token opens."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        administered = user.memberships.held_by(user).filter(role="administrator")
        return self.filter(chain__clinic__in=administered.order_by().values("clinic_id"))

    def update(self, **_: Any) -> NoReturn:
        raise TypeError("audit events are append-only")

    def delete(self) -> NoReturn:
        raise TypeError("audit events are append-only")


class AuditEvent(models.Model):
    """Who did what to which object, when. Holds ids and codes, never a patient's words."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chain = models.ForeignKey(AuditChain, on_delete=models.PROTECT, related_name="events")
    position = models.PositiveBigIntegerField(help_text="1, 2, 3 … within the chain.")
    occurred_at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["chain", "position"]
        constraints = [
            # A gap or a second event at one place would be a hole in the audit log.
            models.UniqueConstraint(fields=["chain", "position"], name="audit_position_once"),
        ]
        indexes = [
            models.Index(fields=["object_type", "object_id", "occurred_at"]),
            models.Index(fields=["chain", "-occurred_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("audit events are append-only")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("audit events are append-only")

    def compute_hash(self) -> str:
        """SHA-256 over the previous hash and every field, in a canonical JSON form."""
        body = {
            "id": str(self.pk),
            "chain": self.chain.key,
            "position": self.position,
            "occurred_at": self.occurred_at.isoformat(),
            "actor": str(self.actor_id) if self.actor_id else None,
            "action": self.action,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "details": self.details,
            "previous_hash": self.previous_hash,
        }
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


class AuditAnchor(models.Model):
    """The heads of all chains at one moment, hashed together and with the anchor before.

    Written down outside the database too, so that whoever rewrites a chain from some event on, or
    cuts its newest events off, disagrees with what was said earlier.
    """

    position = models.PositiveBigIntegerField(unique=True, help_text="1, 2, 3 …")
    made_at = models.DateTimeField()
    heads = models.JSONField(help_text="By chain: position and hash of its newest event.")
    previous_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    signature = models.CharField(max_length=64, blank=True, help_text="HMAC-SHA256, where a key is set.")

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"audit anchor {self.position}"

    def compute_digest(self) -> str:
        """SHA-256 over the previous digest, the time and every head, in a canonical JSON form."""
        return digest_anchor(
            position=self.position,
            made_at=self.made_at.isoformat(),
            heads=self.heads,
            previous_digest=self.previous_digest,
        )


def digest_anchor(**body: Any) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class EventTally(models.Model):
    """How often one person, or nobody known, did one thing in a stretch of time.

    The first few leave an event each, the rest one event together: a flood fills no disk.
    """

    key = models.CharField(max_length=200, unique=True)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.CASCADE, null=True, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    action = models.CharField(max_length=64)
    window_start = models.DateTimeField(db_index=True)
    count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.key
