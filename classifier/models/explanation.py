from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.models.claimable import Claimable
from classifier.models.submission_image import derived_storage
from classifier.models.visibility import visible_rows
from classifier.states import FINISHED, LIVE, UNFINISHED, PredictionState

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User

STATES = [
    PredictionState.QUEUED,
    PredictionState.RUNNING,
    PredictionState.SUCCEEDED,
    PredictionState.FAILED,
]


class ExplanationQuerySet(models.QuerySet["Explanation"]):
    def visible_to(self, user: User | AnonymousUser) -> ExplanationQuerySet:
        return self.filter(
            visible_rows(
                user,
                clinic="prediction__image__clinic_id",
                patient="prediction__image__submission__lesion__patient_id",
            )
        )

    def queued(self) -> ExplanationQuerySet:
        return self.filter(state=PredictionState.QUEUED)

    def running(self) -> ExplanationQuerySet:
        return self.filter(state=PredictionState.RUNNING)

    def unfinished(self) -> ExplanationQuerySet:
        return self.filter(state__in=UNFINISHED)


class Explanation(Claimable):
    """Where in its image a prediction came from, computed when somebody asks. Finished, it stays."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prediction = models.ForeignKey(
        "classifier.Prediction", on_delete=models.PROTECT, related_name="explanations"
    )
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=PredictionState, default=PredictionState.QUEUED)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # What came of it: a picture to lie over the image, made of the map's numbers alone.
    overlay = models.FileField(storage=derived_storage, max_length=200, blank=True)
    figures = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=300, blank=True)

    objects = ExplanationQuerySet.as_manager()

    class Meta:
        ordering = ["prediction", "requested_at"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=STATES), name="explanation_state_known"),
            # Two people who ask at once get one answer; a failed one may be asked for again.
            models.UniqueConstraint(
                fields=["prediction"],
                condition=Q(state__in=sorted(LIVE)),
                name="explanation_one_live_per_prediction",
            ),
            models.CheckConstraint(
                condition=Q(state=PredictionState.SUCCEEDED) & ~Q(overlay="")
                | ~Q(state=PredictionState.SUCCEEDED) & Q(overlay=""),
                name="explanation_overlay_only_when_succeeded",
            ),
            models.CheckConstraint(
                condition=~Q(state=PredictionState.RUNNING)
                | Q(lease_until__isnull=False, claim__isnull=False, attempt__gte=1),
                name="explanation_running_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(FINISHED), finished_at__isnull=False)
                | Q(state__in=sorted(UNFINISHED), finished_at__isnull=True),
                name="explanation_finished_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=PredictionState.FAILED) | ~Q(error_code=""),
                name="explanation_failure_has_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["requested_at", "id"],
                condition=Q(state=PredictionState.QUEUED),
                name="explanation_queue",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state=PredictionState.RUNNING),
                name="explanation_leases",
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
