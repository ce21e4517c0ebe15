"""Histopathology as pages show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.models import Outcome

if TYPE_CHECKING:
    from classifier.models import Lesion


def list_outcomes(lesion: Lesion) -> list[Outcome]:
    """Of this lesion, newest first, each with whether it is the one that counts."""
    rows = Outcome.objects.filter(lesion=lesion).with_standing().select_related("recorded_by")
    return list(rows.order_by("-recorded_at"))
