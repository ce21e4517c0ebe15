"""Model version: a registered network, its specification and its lifecycle."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from classifier.domain.vocabulary import ModelLifecycle


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def active(self) -> ModelVersionQuerySet:
        return self.filter(lifecycle=ModelLifecycle.ACTIVE)

    def in_use(self) -> ModelVersionQuerySet:
        """Those whose file is needed: the active one and the shadows."""
        return self.filter(lifecycle__in=(ModelLifecycle.ACTIVE, ModelLifecycle.SHADOW))


class ModelVersion(models.Model):
    """A registered network: which file, how its input is made, how its output is read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=60)
    version = models.CharField(max_length=30)
    file = models.CharField(max_length=120, help_text="File name in the models folder.")
    sha256 = models.CharField(max_length=64, unique=True)
    # As registered: input, scaling, classes, calibration, threshold policy, metrics, licence.
    specification = models.JSONField()
    lifecycle = models.CharField(max_length=12, choices=ModelLifecycle, default=ModelLifecycle.REGISTERED)
    registered_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="model_unique_name_version"),
            # New cases go to one network; two would make the answer depend on chance.
            models.UniqueConstraint(
                fields=["lifecycle"],
                condition=Q(lifecycle=ModelLifecycle.ACTIVE),
                name="model_one_active",
            ),
            models.CheckConstraint(
                condition=Q(lifecycle__in=ModelLifecycle.values), name="model_lifecycle_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def policy(self) -> dict[str, float | str]:
        """Threshold policy: version, threshold, refer_low, refer_high (calibrated, 0 to 1)."""
        policy: dict[str, float | str] = self.specification["policy"]
        return policy

    @property
    def calibration_method(self) -> str:
        return str(self.specification.get("calibration", {}).get("method", ""))
