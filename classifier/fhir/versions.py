"""Version history of a DiagnosticReport: what stood there before each signature, each finding and a withdrawal.

Reviews and histopathology never change, so that what a report said before one can be built again: the
model's answer with none of them, then with one more each. What the model said before a retry was no report's end,
and makes no version of its own.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from classifier.fhir.bundles import add_meta
from classifier.fhir.resources.base import Version
from classifier.standing.standing import decide_case

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from classifier.fhir.systems import JSON
    from classifier.fhir.viewer import Viewer
    from classifier.models import Review, Submission

    Build = Callable[[Submission, Viewer], JSON]


def list_report_versions(row: Any, viewer: Viewer, build: Build) -> list[Version]:
    """Newest first, each as `viewer` may see it; `row` comes from the kind's own query."""
    reviews, outcomes = list(row.reviews.all()), list(row.lesion.outcomes.all())
    first = _find_first(row, reviews)
    later = {
        *(review.signed_at for review in reviews),
        *(outcome.recorded_at for outcome in outcomes if outcome.recorded_at > first),
        *([row.cancelled_at] if row.cancelled_at and row.cancelled_at > first else []),
    }
    found: list[Version] = []
    for moment in (first, *sorted(later)):
        resource = add_meta(build(_as_of(row, moment, is_first=moment is first), viewer), moment)
        if not found or found[-1].version_id != resource["meta"]["versionId"]:
            # A finding that changes nothing of what the case is held for makes no version.
            found.append(Version(resource, moment))
    # The newest counts what came after a signature as well, as the report itself does.
    found[-1] = Version(add_meta(build(row, viewer), row.changed_at), row.changed_at)
    return found[::-1]


def _as_of(row: Submission, moment: dt.datetime, *, is_first: bool) -> Submission:
    """The case with what people had said by `moment`, and held for what followed from that."""
    earlier, lesion = copy(row), copy(row.lesion)
    if row.cancelled_at and row.cancelled_at > moment:
        earlier.cancelled_at = earlier.cancelled_by = None
    reviews = [] if is_first else [one for one in row.reviews.all() if one.signed_at <= moment]
    outcomes = [one for one in row.lesion.outcomes.all() if one.recorded_at <= moment]
    _replace(lesion, "outcomes", outcomes)
    earlier.lesion = lesion
    _replace(earlier, "reviews", reviews)
    for name, value in decide_case(earlier).columns().items():
        setattr(earlier, name, value)
    return earlier


def _replace(row: Any, name: str, related: Sequence[Any]) -> None:
    # Django has no other way.
    row._prefetched_objects_cache = {**row._prefetched_objects_cache, name: related}  # noqa: SLF001


def _find_first(row: Submission, reviews: Sequence[Review]) -> dt.datetime:
    """When the model had finished; when the case was sent, where nobody waited for that."""
    answers = [one for image in row.images.all() for one in image.predictions.all()]
    finished = [one.finished_at for one in answers if one.finished_at is not None]
    signed = reviews[0].signed_at if reviews else None
    ends = [moment for moment in finished if signed is None or moment <= signed]
    return max(ends, default=row.submitted_at)
