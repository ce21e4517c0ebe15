"""Outline: where the lesion lies in an image and what is measured of it; and the networks that outline."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.domain.states import FINISHED, LIVE, UNFINISHED, PredictionState
from classifier.domain.vocabulary import ModelLifecycle
from classifier.models.claimable import Claimable, finished_has_time, held_has_lease
from classifier.models.visibility import visible_rows

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User

STATES = [
    PredictionState.QUEUED,
    PredictionState.RUNNING,
    PredictionState.SUCCEEDED,
    PredictionState.FAILED,
]
# None in shadow: nobody acts on an outline.
LIFECYCLES = [ModelLifecycle.REGISTERED, ModelLifecycle.ACTIVE, ModelLifecycle.RETIRED]


class OutlineNetworkQuerySet(models.QuerySet["OutlineNetwork"]):
    def active(self) -> OutlineNetworkQuerySet:
        return self.filter(lifecycle=ModelLifecycle.ACTIVE)


class OutlineNetwork(models.Model):
    """A registered network that outlines lesions. Apart from the model versions: it gives no verdict."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=60)
    version = models.CharField(max_length=30)
    file = models.CharField(
        max_length=120, help_text="File name in the folder outlines of the models folder."
    )
    sha256 = models.CharField(max_length=64, unique=True)
    # As registered: input, scaling, figures, repeatability, licence.
    specification = models.JSONField()
    lifecycle = models.CharField(max_length=12, choices=ModelLifecycle, default=ModelLifecycle.REGISTERED)
    registered_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)

    objects = OutlineNetworkQuerySet.as_manager()

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="outlinenetwork_unique_name_version"),
            # Two would make it chance which one draws an image.
            models.UniqueConstraint(
                fields=["lifecycle"],
                condition=Q(lifecycle=ModelLifecycle.ACTIVE),
                name="outlinenetwork_one_active",
            ),
            models.CheckConstraint(
                condition=Q(lifecycle__in=LIFECYCLES), name="outlinenetwork_lifecycle_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class OutlineQuerySet(models.QuerySet["Outline"]):
    def visible_to(self, user: User | AnonymousUser) -> OutlineQuerySet:
        return self.filter(
            visible_rows(user, clinic="image__clinic_id", patient="image__submission__lesion__patient_id")
        )

    def queued(self) -> OutlineQuerySet:
        return self.filter(state=PredictionState.QUEUED)

    def unfinished(self) -> OutlineQuerySet:
        return self.filter(state__in=UNFINISHED)

    def done(self) -> OutlineQuerySet:
        return self.filter(state=PredictionState.SUCCEEDED)


class Outline(Claimable):
    """The lesion of one image, outlined by one network when somebody asks or a worker is idle. Finished, it stays."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    image = models.ForeignKey("classifier.SubmissionImage", on_delete=models.PROTECT, related_name="outlines")
    network = models.ForeignKey(
        "classifier.OutlineNetwork", on_delete=models.PROTECT, related_name="outlines"
    )
    # Nobody: a worker had nothing else to do.
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=PredictionState, default=PredictionState.QUEUED)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # What came of it.
    points = models.JSONField(
        default=list,
        blank=True,
        help_text="The polygon, [x, y] in 10,000ths of the picture's width and height.",
    )
    measures = models.JSONField(default=dict, blank=True)
    milliseconds = models.FloatField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=300, blank=True)

    objects = OutlineQuerySet.as_manager()

    class Meta:
        ordering = ["image", "requested_at"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=STATES), name="outline_state_known"),
            # Two who ask at once get one outline; a failed one may be asked for again.
            models.UniqueConstraint(
                fields=["image", "network"],
                condition=Q(state__in=sorted(LIVE)),
                name="outline_one_live_per_image_and_network",
            ),
            models.CheckConstraint(
                condition=Q(state=PredictionState.SUCCEEDED, milliseconds__isnull=False)
                | ~Q(state=PredictionState.SUCCEEDED) & Q(milliseconds__isnull=True),
                name="outline_drawn_only_when_succeeded",
            ),
            held_has_lease(PredictionState.RUNNING, name="outline_running_has_lease"),
            finished_has_time(FINISHED, UNFINISHED, name="outline_finished_has_time"),
            models.CheckConstraint(
                condition=~Q(state=PredictionState.FAILED) | ~Q(error_code=""),
                name="outline_failure_has_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["requested_at", "id"],
                condition=Q(state=PredictionState.QUEUED),
                name="outline_queue",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state=PredictionState.RUNNING),
                name="outline_leases",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED

    @property
    def is_done(self) -> bool:
        return self.state == PredictionState.SUCCEEDED
