"""Timeline: what happened to one case, in plain words, from its audit events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Max, Q

from classifier.domain.vocabulary import UNLIKE_TRAINING, AcknowledgedAs
from classifier.labels.answers import REFERRALS, count_images
from portal.trust.audit.models import AuditEvent

if TYPE_CHECKING:
    import datetime as dt

    from classifier.models import Submission
    from classifier.standing.summary import CaseSummary

READS = ["submission.viewed"]


@dataclass(frozen=True)
class TimelineEvent:
    """One line of the timeline, as components/timeline.html shows it."""

    text: str
    at: dt.datetime
    actor: str
    icon: str
    detail: str = ""


@dataclass(frozen=True)
class Opening:
    """Who looked at the case, and when last."""

    name: str
    at: dt.datetime


def build_timeline(submission: Submission, summary: CaseSummary) -> list[TimelineEvent]:
    """What happened to the case, oldest first. Shadow predictions are left out.

    To whom the answer is hidden it isn't told whether the gates refused a picture.
    """
    positions = {
        str(prediction.pk): answer.image.position
        for answer in summary.answers
        for prediction in answer.image.predictions.all()
        if not prediction.is_shadow
    }
    far = {str(answer.prediction.pk) for answer in summary.answers if answer.prediction and answer.is_far}
    reviews = [str(review.pk) for review in submission.reviews.all()]
    events = (
        AuditEvent.objects.filter(chain__clinic=submission.clinic_id)
        .filter(
            Q(object_type="classifier.submission", object_id=str(submission.pk))
            | Q(object_type="classifier.prediction", object_id__in=list(positions))
            | Q(object_type="classifier.review", object_id__in=reviews)
        )
        .exclude(action__in=READS)
        .select_related("actor")
        .order_by("position")
    )
    withdrawn = f"Withdrawn: {submission.withdrawal_reason}" if submission.withdrawal_reason else "Withdrawn"
    lines = (
        _describe(
            event,
            positions.get(event.object_id),
            withdrawn=withdrawn,
            is_hidden=summary.is_blinded,
            is_far=event.object_id in far,
        )
        for event in events
    )
    return [line for line in lines if line]


def find_openings(submission: Submission) -> list[Opening]:
    """Everyone who opened the case, the latest first."""
    rows = (
        AuditEvent.objects.filter(
            chain__clinic=submission.clinic_id,
            object_type="classifier.submission",
            object_id=str(submission.pk),
            action__in=READS,
            actor__isnull=False,
        )
        .order_by()
        .values("actor__full_name", "actor__email")
        .annotate(last=Max("occurred_at"))
        .order_by("-last")
    )
    return [Opening(row["actor__full_name"] or row["actor__email"], row["last"]) for row in rows]


def _name_done(event: AuditEvent) -> str:
    done = event.details.get("done", "")
    return str(AcknowledgedAs(done).label).lower() if done in AcknowledgedAs.values else "what was ordered"


def _describe(
    event: AuditEvent, position: int | None, *, withdrawn: str, is_hidden: bool, is_far: bool
) -> TimelineEvent | None:
    image = f"Image {position}"
    count = event.details.get("images")
    texts = {
        "submission.created": (f"Submitted {count_images(count or 1)}", "upload"),
        "submission.retried": (f"Tried again: {count_images(count or 1)}", "refresh"),
        "submission.cancelled": (withdrawn, "close"),
        "submission.handed_over": ("Handed over to a colleague", "patients"),
        "submission.taken_over": ("Taken over", "patients"),
        "order.acknowledged": (f"Done: {_name_done(event)}", "check"),
        "order.reopened": (f"Taken back: {_name_done(event)}. The order is open again", "refresh"),
        "submission.report_exported": ("Report downloaded as PDF", "download"),
        "prediction.succeeded": (f"{image} judged by the model", "check"),
        "prediction.refused": (f"{image} refused before the model saw it", "outcome-refer"),
        "prediction.rejected": (f"{image} can't be judged", "outcome-failed"),
        "prediction.failed": (f"{image} failed", "outcome-failed"),
        "review.signed": ("Review signed", "signature"),
        "review.amended": ("Amendment signed", "edit"),
    }
    if event.action not in texts:
        return None
    text, icon = texts[event.action]
    if is_far and event.action == "prediction.succeeded":
        text, icon = f"{image} referred. {REFERRALS[UNLIKE_TRAINING]}", "outcome-refer"
    if is_hidden and event.action in ("prediction.succeeded", "prediction.refused"):
        text, icon = f"{image} has an answer", "check"
    actor = event.actor.get_full_name() if event.actor else ""
    return TimelineEvent(text, event.occurred_at, actor, icon)
