"""Prediction and explanation: what a model version says of an image, and where it looked."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from classifier.domain.diagnoses import PossibleDiagnoses, read_diagnoses
from classifier.domain.states import FINISHED, LIVE, UNFINISHED, PredictionState
from classifier.domain.vocabulary import TOO_CLOSE, UNLIKE_TRAINING, ModelAnswer, Priority
from classifier.models.claimable import Claimable, finished_has_time, held_has_lease
from classifier.models.submission import derived_storage
from classifier.models.visibility import visible_rows

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User


class PredictionQuerySet(models.QuerySet["Prediction"]):
    def visible_to(self, user: User | AnonymousUser) -> PredictionQuerySet:
        return self.filter(
            visible_rows(user, clinic="image__clinic_id", patient="image__submission__lesion__patient_id")
        )

    def queued(self) -> PredictionQuerySet:
        return self.filter(state=PredictionState.QUEUED)

    def unfinished(self) -> PredictionQuerySet:
        return self.filter(state__in=UNFINISHED)

    def served(self) -> PredictionQuerySet:
        """Those whose result people see; a shadow's result is for comparison only."""
        return self.filter(is_shadow=False)

    def judged(self) -> PredictionQuerySet:
        """Those with a figure: finished, and not refused by the gates."""
        return self.filter(state=PredictionState.SUCCEEDED, refusal_code="")

    def in_queue_order(self) -> PredictionQuerySet:
        return self.order_by("is_shadow", "queue_rank", "queued_at", "id")


class Prediction(Claimable):
    """One image judged by one model version. Once finished it never changes."""

    RANKS = {Priority.URGENT: 0, Priority.ROUTINE: 1}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    image = models.ForeignKey(
        "classifier.SubmissionImage", on_delete=models.PROTECT, related_name="predictions"
    )
    model_version = models.ForeignKey(
        "classifier.ModelVersion", on_delete=models.PROTECT, related_name="predictions"
    )
    is_shadow = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=PredictionState, default=PredictionState.QUEUED)
    queue_rank = models.PositiveSmallIntegerField(default=1, help_text="0 goes before 1.")
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The answer.
    probability = models.FloatField(null=True, blank=True, help_text="Raw P(malignant).")
    calibrated_probability = models.FloatField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=ModelAnswer, blank=True)
    threshold_policy = models.JSONField(
        null=True, blank=True, help_text="The policy that made the outcome, as it was then."
    )
    # How far the image is from what the network learned from, about 1 for one of those.
    distance = models.FloatField(null=True, blank=True)
    is_far = models.BooleanField(
        default=False, help_text="Referred because of its distance, whatever its probability."
    )
    # What the figure is worth in the clinic: among lesions of which `prevalence` are malignant, as the clinic
    # held at that moment, so that no setting changes a signed report. The range is over hospitals left out of
    # the training. No value: the network can't tell, or the image is far.
    prevalence = models.FloatField(null=True, blank=True)
    predictive_value = models.FloatField(null=True, blank=True)
    predictive_low = models.FloatField(null=True, blank=True)
    predictive_high = models.FloatField(null=True, blank=True)
    # Read by `read_diagnoses`. In the row of the figure: what they add up to, immutable and withheld with it.
    diagnoses = models.JSONField(
        null=True,
        blank=True,
        help_text="What it could be, with the version of the labels; null of a network that names none.",
    )
    # The image was refused before the network saw it: the outcome is `refer`, without a figure.
    refusal_code = models.CharField(max_length=40, blank=True)
    device = models.CharField(max_length=120, blank=True)
    timings = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=300, blank=True)

    objects = PredictionQuerySet.as_manager()

    class Meta:
        ordering = ["image", "is_shadow", "queued_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=PredictionState.values), name="prediction_state_known"
            ),
            # A duplicated message or a double click must not judge one image twice. What a version
            # said on trial does not stand in the way of its answer once it is active.
            models.UniqueConstraint(
                fields=["image", "model_version", "is_shadow"],
                condition=Q(state__in=sorted(LIVE)),
                name="prediction_one_live_per_image_and_model",
            ),
            models.CheckConstraint(
                condition=~Q(state=PredictionState.SUCCEEDED)
                | (
                    # Said apart: a check that comes to NULL holds.
                    Q(refusal_code="")
                    & Q(probability__isnull=False, probability__gte=0, probability__lte=1)
                    & Q(calibrated_probability__isnull=False)
                    & Q(calibrated_probability__gte=0, calibrated_probability__lte=1)
                    & Q(outcome__in=ModelAnswer.values)
                    & Q(threshold_policy__isnull=False)
                )
                # Refused by the gates: no figure that could be taken for a judgement.
                | (
                    ~Q(refusal_code="")
                    & Q(outcome=ModelAnswer.REFER)
                    & Q(probability__isnull=True, calibrated_probability__isnull=True)
                ),
                name="prediction_succeeded_has_answer",
            ),
            # "Benign" may stand on nothing but a finished judgement.
            models.CheckConstraint(
                condition=Q(state=PredictionState.SUCCEEDED)
                | Q(
                    outcome="", refusal_code="", probability__isnull=True, calibrated_probability__isnull=True
                ),
                name="prediction_answer_only_when_succeeded",
            ),
            models.CheckConstraint(
                condition=Q(is_far=False)
                | Q(
                    state=PredictionState.SUCCEEDED,
                    refusal_code="",
                    outcome=ModelAnswer.REFER,
                    distance__isnull=False,
                    predictive_value__isnull=True,
                ),
                name="prediction_far_is_referred",
            ),
            models.CheckConstraint(
                condition=Q(predictive_value__isnull=True)
                | Q(
                    probability__isnull=False,
                    prevalence__isnull=False,
                    prevalence__gt=0,
                    prevalence__lt=1,
                    predictive_value__gte=0,
                    predictive_value__lte=1,
                ),
                name="prediction_figure_has_prevalence",
            ),
            models.CheckConstraint(
                condition=Q(predictive_low__isnull=True, predictive_high__isnull=True)
                | Q(
                    predictive_value__isnull=False,
                    predictive_low__isnull=False,
                    predictive_high__isnull=False,
                    predictive_low__gte=0,
                    predictive_low__lte=F("predictive_value"),
                    predictive_high__gte=F("predictive_value"),
                    predictive_high__lte=1,
                ),
                name="prediction_figure_within_its_range",
            ),
            models.CheckConstraint(
                condition=Q(diagnoses__isnull=True)
                | Q(state=PredictionState.SUCCEEDED, calibrated_probability__isnull=False),
                name="prediction_diagnoses_only_with_a_figure",
            ),
            held_has_lease(PredictionState.RUNNING, name="prediction_running_has_lease"),
            finished_has_time(FINISHED, UNFINISHED, name="prediction_finished_has_time"),
            models.CheckConstraint(
                condition=~Q(state__in=["rejected", "failed"]) | ~Q(error_code=""),
                name="prediction_failure_has_reason",
            ),
        ]
        indexes = [
            models.Index(
                F("is_shadow"),
                F("queue_rank"),
                F("queued_at"),
                F("id"),
                condition=Q(state=PredictionState.QUEUED),
                name="prediction_queue",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state=PredictionState.RUNNING),
                name="prediction_leases",
            ),
            models.Index(fields=["image", "state"]),
            models.Index(fields=["outcome", "finished_at"]),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED

    @property
    def could_be(self) -> PossibleDiagnoses | None:
        """What the network says that the image could show; None where it names no diagnoses."""
        return read_diagnoses(self.diagnoses)

    @property
    def is_refused(self) -> bool:
        """Whether the gates refused the image, so that the network never judged it."""
        return bool(self.refusal_code)

    @property
    def referral_code(self) -> str:
        """Why the answer is `refer`: a code of the gates, UNLIKE_TRAINING or TOO_CLOSE; empty for another answer."""
        if self.outcome != ModelAnswer.REFER:
            return ""
        return self.refusal_code or (UNLIKE_TRAINING if self.is_far else TOO_CLOSE)

    @property
    def score(self) -> float | None:
        """The calibrated figure as every door tells it: none of an image for which it has no ground."""
        return None if self.is_far else self.calibrated_probability

    @property
    def raw_score(self) -> float | None:
        """The same before calibration."""
        return None if self.is_far else self.probability


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
            held_has_lease(PredictionState.RUNNING, name="explanation_running_has_lease"),
            finished_has_time(FINISHED, UNFINISHED, name="explanation_finished_has_time"),
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
