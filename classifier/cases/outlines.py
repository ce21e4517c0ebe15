"""Outline of a lesion: ask for it, find it, and what changed since the last visit.

An outline says where the lesion is and how large; it holds no probability and no verdict, and the network that draws
it has learned from masks alone, not from diagnoses. So it is no answer that a clinic may hide until somebody has
read: a reader may ask for it before, as for a ruler.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from classifier.consents import WITHDRAWN
from classifier.domain.errors import ConflictError
from classifier.domain.states import LIVE, PredictionState
from classifier.domain.vocabulary import CaptureKind
from classifier.engine.outline import queue_outlines
from classifier.models import Outline, OutlineNetwork, SubmissionImage
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portal.trust.accounts.models import User

NO_NETWORK = (
    "no_outline_network",
    "No network that outlines lesions is registered. Your operator registers one with manage.py register_models.",
)


def request_outline(*, actor: User, image: SubmissionImage) -> Outline:
    """Queue the outline of `image` and return it; the one that exists if it was asked for before.

    A failed one is queued anew, as a new row, and so is one of a network that is no longer in use. One queued for
    idle time becomes this person's. Raises PermissionDenied; ConflictError (no_outline_network, not_dermoscopic,
    image_refused, cancelled, consent_withdrawn).
    """
    # Seeing it is not enough: who reads in an emergency sets nothing to work.
    require(actor, image.clinic_id, Action.VIEW_CASES)
    if not SubmissionImage.objects.visible_to(actor).filter(pk=image.pk).exists():
        raise PermissionDenied("Your role in this clinic does not allow this: view_cases.")
    with transaction.atomic():
        # Two who ask at once wait for each other here.
        image = SubmissionImage.objects.select_for_update(of=("self",)).get(pk=image.pk)
        network = check_can_outline(image)
        outline = Outline.objects.filter(image=image, network=network, state__in=LIVE).first()
        if outline is None:
            outline = queue_outlines([image], network, actor=actor)[0]
        elif outline.state != PredictionState.QUEUED or outline.requested_by_id is not None:
            return outline
        else:
            waiting = Outline.objects.filter(pk=outline.pk, state=PredictionState.QUEUED)
            waiting.update(requested_by=actor)
            outline.requested_by = actor
        record_event(
            clinic_id=image.clinic_id,
            action="outline.requested",
            actor=actor,
            obj=outline,
            details={"image": str(image.pk)},
        )
    return outline


def check_can_outline(image: SubmissionImage) -> OutlineNetwork:
    """Return the network in use; raises ConflictError where `image` is outlined by none."""
    network = OutlineNetwork.objects.active().first()
    if network is None:
        raise ConflictError(*NO_NETWORK)
    if image.capture_kind != CaptureKind.DERMOSCOPIC:
        raise ConflictError("not_dermoscopic", "Only dermoscopic pictures are outlined; this is another one.")
    if image.gate_refusals:
        raise ConflictError(
            "image_refused",
            "The picture was refused as one that can't be judged, so it is not outlined either.",
        )
    if image.submission.cancelled_at is not None:
        raise ConflictError("cancelled", "This case was withdrawn. It gives no result.")
    if not image.submission.lesion.patient.lets_models_judge:
        raise ConflictError(*WITHDRAWN)
    return network


def find_outline(image: SubmissionImage) -> Outline | None:
    """The newest outline of `image` that is done, else the newest in work or failed; None where nobody asked."""
    rows = list(Outline.objects.filter(image=image).select_related("network").order_by("-requested_at"))
    return next((row for row in rows if row.is_done), rows[0] if rows else None)


def find_done_outlines(images: Iterable[SubmissionImage]) -> dict[Any, Outline]:
    """The newest finished outline of each of `images`, by the image's id."""
    rows = Outline.objects.done().filter(image__in=images).select_related("network").order_by("requested_at")
    return {row.image_id: row for row in rows}


MEASURE_COLUMNS = (
    "outline_area",
    "outline_diameter",
    "outline_asymmetry",
    "outline_irregularity",
    "outline_colours",
    "outline_is_cut",
    "outline_area_mm2",
    "outline_diameter_mm",
    "outline_network",
)
"""Of a case in a table: the newest finished outline of the picture that its answer is about."""


def list_outline_measures(image: SubmissionImage | None) -> list[object]:
    """The values of MEASURE_COLUMNS, None where nothing is outlined; `outlines__network` of the image prefetched."""
    rows = [row for row in image.outlines.all() if row.is_done] if image else []
    if not rows:
        return [None] * len(MEASURE_COLUMNS)
    newest = max(rows, key=lambda row: row.requested_at)
    values = {
        **newest.measures,
        "colours": " ".join(name.replace(" ", "-") for name in newest.measures["colours"]),
    }
    names = [column.removeprefix("outline_") for column in MEASURE_COLUMNS[:-1]]
    return [*(values[name] for name in names), str(newest.network)]


# --- Change since the last visit


class IncomparableError(ValueError):
    """Two outlines that tell nothing of a change; the sentence says why."""


# Sizes are compared by ratio, the others by difference.
RATIOS = ("area", "diameter")
COMPARED = ("area", "diameter", "asymmetry", "irregularity", "colours")


@dataclass(frozen=True)
class Change:
    """How one measure differs between two visits.

    `name`: of COMPARED, with `_mm2` or `_mm` where both pictures have a scale. `change`: share of the earlier one for
    sizes (0.25 is a quarter more), else the difference. `moves`: how far it moves between two shots of an unchanged
    lesion (95 in 100 differences are smaller), in the same terms; None where nobody measured it for this network.
    """

    name: str
    before: float
    now: float
    change: float
    moves: float | None

    @property
    def is_beyond(self) -> bool | None:
        """Whether it moved further than without any change; None where that isn't known."""
        if self.moves is None:
            return None
        if self.name.partition("_")[0] in RATIOS:
            return abs(math.log(self.now / self.before)) > math.log1p(self.moves)
        return abs(self.change) > self.moves


def compare_outlines(before: Outline, now: Outline) -> list[Change]:
    """Return what changed between two finished outlines.

    Raises IncomparableError for those of two networks, which draw otherwise, and where the lesion reaches the edge of
    a picture, so that part of it may be missing.
    """
    if before.network_id != now.network_id:
        raise IncomparableError(
            "The two pictures were outlined by different networks. Outline the earlier one again to compare.",
        )
    if before.measures["is_cut"] or now.measures["is_cut"]:
        raise IncomparableError(
            "The lesion reaches the edge of a picture, so its size and shape can't be compared."
        )
    repeatability = now.network.specification.get("metrics", {}).get("repeatability", {})
    changes = []
    for name in COMPARED:
        scaled = {"area": "area_mm2", "diameter": "diameter_mm"}.get(name, "")
        has_scale = scaled and all(one.measures.get(scaled) is not None for one in (before, now))
        key = scaled if has_scale else name
        first, second = (_read(one.measures[key]) for one in (before, now))
        changes.append(
            Change(
                name=key,
                before=first,
                now=second,
                change=second / first - 1 if name in RATIOS else second - first,
                moves=repeatability.get(name, {}).get("moves"),
            )
        )
    return changes


def _read(value: Any) -> float:
    return float(len(value) if isinstance(value, list) else value)
