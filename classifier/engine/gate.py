"""Quality and domain gate: one verdict an image, whatever the number of model versions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from classifier.claims.engine import OutageError
from classifier.engine import serving
from classifier.engine.serving import GateVerdict
from classifier.models import SubmissionImage

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from classifier.engine.serving import GateLook


@dataclass(frozen=True)
class Gating:
    """Verdicts by image: those that stood and those found now; how long one image took."""

    stored: dict[uuid.UUID, GateVerdict]
    new: dict[uuid.UUID, GateVerdict]
    milliseconds: float

    def find(self, image_id: uuid.UUID) -> GateVerdict | None:
        """The verdict of an image; None while the gates are off."""
        return self.stored.get(image_id) or self.new.get(image_id)


def gate(images: Sequence[tuple[uuid.UUID, GateLook | None]]) -> Gating:
    """Judge whether each image may be judged. What was found before is not asked again.

    Raises OutageError when the gates can't be loaded: no image passes unseen.
    """
    if not settings.DERMAPORT_GATES:
        return Gating({}, {}, 0.0)
    stored = _read_stored([key for key, _ in images])
    asked = {key: look for key, look in images if key not in stored and look is not None}
    if not asked:
        return Gating(stored, {}, 0.0)
    try:
        serving.load_gates()
    except Exception as error:
        raise OutageError("the gates can't be loaded") from error
    started = time.perf_counter()
    found = serving.assess(list(asked.values()))
    milliseconds = (time.perf_counter() - started) * 1000 / len(asked)
    return Gating(stored, dict(zip(asked, found, strict=True)), milliseconds)


def store_verdicts(found: Mapping[uuid.UUID, GateVerdict]) -> set[uuid.UUID]:
    """Keep each verdict with its image, once; call it in the transaction of the answers.

    Returns the images that another worker gated meanwhile with another result: their answers
    here must not be written.
    """
    rows = SubmissionImage.objects.filter(pk__in=found).order_by("pk").select_for_update()
    now, fresh, overtaken = timezone.now(), [], set()
    for image in rows:
        verdict = found[image.pk]
        if image.gated_at is None:
            image.gate_version, image.gate_figures = verdict.version, verdict.figures
            image.gate_refusals, image.gated_at = verdict.refusals, now
            fresh.append(image)
        elif image.gate_refusals != verdict.refusals:
            overtaken.add(image.pk)
    SubmissionImage.objects.bulk_update(fresh, ["gate_version", "gate_figures", "gate_refusals", "gated_at"])
    return overtaken


def _read_stored(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, GateVerdict]:
    rows = SubmissionImage.objects.filter(pk__in=keys, gated_at__isnull=False)
    columns = rows.values_list("pk", "gate_version", "gate_figures", "gate_refusals")
    return {key: GateVerdict(*values) for key, *values in columns}
