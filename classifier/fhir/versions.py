"""The versions of a DiagnosticReport: what stood there before each signature.

Reviews never change, so that what a report said before one can be built again: the model's answer
with none of them, then with one more each. What the model said before a retry was no report's end,
and makes no version of its own.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from classifier.fhir.bundles import add_meta
from classifier.fhir.resources.base import Version

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from classifier.fhir.systems import JSON
    from classifier.fhir.viewer import Viewer
    from classifier.models import Review, Submission

    Build = Callable[[Submission, Viewer], JSON]


def list_report_versions(row: Any, viewer: Viewer, build: Build) -> list[Version]:
    """Newest first, each as `viewer` may see it; `row` comes from the kind's own query."""
    reviews = list(row.reviews.all())
    moments = [_find_first(row, reviews), *(review.signed_at for review in reviews)]
    # The newest counts what came after a signature as well, as the report itself does.
    moments[-1] = row.changed_at
    found = [
        Version(add_meta(build(_as_of(row, reviews[:count]), viewer), moment), moment)
        for count, moment in enumerate(moments)
    ]
    return found[::-1]


def _as_of(row: Submission, reviews: Sequence[Review]) -> Submission:
    earlier = copy(row)
    loaded = row._prefetched_objects_cache  # type: ignore[attr-defined] # noqa: SLF001 (Django has no other way)
    earlier._prefetched_objects_cache = {**loaded, "reviews": reviews}  # type: ignore[attr-defined] # noqa: SLF001
    return earlier


def _find_first(row: Submission, reviews: Sequence[Review]) -> dt.datetime:
    """When the model had finished; when the case was sent, where nobody waited for that."""
    served = [one for image in row.images.all() for one in image.predictions.all() if one.finished_at]
    signed = reviews[0].signed_at if reviews else None
    ends = [one.finished_at for one in served if signed is None or one.finished_at <= signed]
    return max(ends, default=row.submitted_at)
