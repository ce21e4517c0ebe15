"""Clinics and what each has chosen."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from portal.trust.accounts.models.membership import Membership

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models.user import User


class ClinicKind(models.TextChoices):
    """Whom a clinic sees: how common malignant lesions are there unless it says so itself."""

    PRIMARY_CARE = "primary_care", "Primary care"
    DERMATOLOGY = "dermatology", "Dermatology"


MALIGNANT_IN_HUNDRED = {ClinicKind.PRIMARY_CARE: Decimal(3), ClinicKind.DERMATOLOGY: Decimal(15)}
LEAST_IN_HUNDRED, MOST_IN_HUNDRED = Decimal("0.1"), Decimal(90)


class ClinicQuerySet(models.QuerySet["Clinic"]):
    def visible_to(self, user: User | AnonymousUser) -> ClinicQuerySet:
        """Clinics in which this person has an active membership."""
        return self.filter(pk__in=Membership.objects.held_by(user).order_by().values("clinic_id"))


class Clinic(models.Model):  # type: ignore[django-manager-missing]  # the toolkit's manager of applications has no types
    """A practice or department: the wall that no patient's data crosses."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    # A clinic can have its dermatologists read the image before they see the model's answer.
    hide_result_until_read = models.BooleanField(default=False)
    # Years after a patient's last activity; None keeps everything.
    retention_years = models.PositiveSmallIntegerField(null=True, blank=True)
    # Since when the policy erases every night by itself; None: only when an operator says so.
    retention_automatic_since = models.DateTimeField(null=True, blank=True)
    # Working days that a case with a benign answer may wait for its reader; the worklist promises it.
    reading_target_days = models.PositiveSmallIntegerField(default=2)
    # Days that an order may take, by its code, where they differ from the defaults.
    order_target_days = models.JSONField(default=dict, blank=True)
    kind = models.CharField(max_length=20, choices=ClinicKind, default=ClinicKind.PRIMARY_CARE)
    # Of 100 lesions that are pictured here, as many are malignant; None: as is usual for its kind.
    malignant_in_hundred = models.DecimalField(max_digits=3, decimal_places=1, null=True, blank=True)
    # The name of the system or paper in which consent is recorded; empty: in the portal.
    consent_recorded_in = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClinicQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            # Nothing is erased by itself without a policy that says when.
            models.CheckConstraint(
                condition=Q(retention_automatic_since__isnull=True) | Q(retention_years__isnull=False),
                name="clinic_automatic_retention_has_years",
            ),
            models.CheckConstraint(
                condition=Q(reading_target_days__gte=1), name="clinic_reading_target_positive"
            ),
            models.CheckConstraint(condition=Q(kind__in=ClinicKind.values), name="clinic_kind_known"),
            # Where none or all are malignant, no picture could tell anything.
            models.CheckConstraint(
                condition=Q(malignant_in_hundred__isnull=True)
                | Q(malignant_in_hundred__gte=LEAST_IN_HUNDRED, malignant_in_hundred__lte=MOST_IN_HUNDRED),
                name="clinic_malignant_in_hundred_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def prevalence(self) -> float:
        """The share of pictured lesions that are malignant here, between 0 and 1: its own word, else its kind's."""
        own = self.malignant_in_hundred
        return float(MALIGNANT_IN_HUNDRED[ClinicKind(self.kind)] if own is None else own) / 100
