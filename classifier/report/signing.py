"""What people found: the signed review, and histopathology."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.report.content import Finding, Review
from classifier.report.words import say_day, say_moment

if TYPE_CHECKING:
    from classifier.models import Outcome
    from classifier.models import Review as SignedReview


def build_review(review: SignedReview) -> Review:
    amendment = f"Amended because: {review.amendment_reason}" if review.amendment_reason else ""
    return Review(
        management=review.get_management_display(),
        diagnosis=f"{review.get_diagnosis_display()} · {review.get_agreement_display().lower()}",
        comment=review.comment,
        amendment=amendment,
        signature=(
            f"Signed electronically by {review.signed_by.get_full_name()}, {say_moment(review.signed_at)}."
        ),
    )


def build_finding(outcome: Outcome) -> Finding:
    """A row of `list_outcomes`, which says whether it is the one that counts."""
    is_current: bool = outcome.is_current  # type: ignore[attr-defined] # annotated by with_standing()
    name = outcome.get_diagnosis_display()
    name = name if is_current else f"{name} (changed since)"
    taken = f"{outcome.get_procedure_display().lower()} of {say_day(outcome.specimen_taken_on)}"
    breslow = f", Breslow {outcome.breslow_mm} mm" if outcome.breslow_mm else ""
    reason = f"Why changed: {outcome.correction_reason}" if outcome.correction_reason else ""
    recorded = f"Recorded {say_moment(outcome.recorded_at)} by {outcome.recorded_by.get_full_name()}."
    return Finding(
        text=f"{say_day(outcome.reported_on)}: {name}, {taken}{breslow}",
        is_current=is_current,
        details=tuple(filter(None, (outcome.comment, reason, recorded))),
    )
