"""Shadow deployment: a version on trial against what was served: counts, flips, signed diagnoses.

Images that the gates refused are left out: there no network was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, OuterRef, Subquery, UUIDField

from classifier.domain.vocabulary import DIAGNOSIS_GROUPS, LesionGroup, ModelAnswer
from classifier.models import ModelVersion, Prediction, Review
from classifier.standing.reviews import IS_IN_FORCE

if TYPE_CHECKING:
    import uuid

    from classifier.models.prediction import PredictionQuerySet

OUTCOMES = (ModelAnswer.BENIGN, ModelAnswer.REFER, ModelAnswer.MALIGNANT)


@dataclass(frozen=True)
class Opponent:
    """A version that served images which the trial judged too, and how many."""

    version: ModelVersion
    images: int


@dataclass(frozen=True)
class CountRow:
    """One outcome that was served, and how often the trial said what instead."""

    served: ModelAnswer
    counts: tuple[tuple[ModelAnswer, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.counts)


@dataclass(frozen=True)
class Signed:
    """Of images whose case has a signed benign or malignant diagnosis: who said the same."""

    images: int
    served_right: int
    trial_right: int
    served_referred: int
    trial_referred: int


@dataclass(frozen=True)
class Trial:
    """The comparison of one version with one that served."""

    table: list[CountRow]
    signed: Signed

    @property
    def images(self) -> int:
        return sum(row.total for row in self.table)

    @property
    def same(self) -> int:
        return sum(count for row in self.table for said, count in row.counts if said == row.served)

    @property
    def flips(self) -> int:
        return self.images - self.same


def select_pairs(version: ModelVersion, *, clinic_id: uuid.UUID | None = None) -> PredictionQuerySet:
    """What `version` said on trial, each row with the newest served result of the same image.

    Annotates served_pk, served_version, served_outcome, served_probability and diagnosis (of the
    signed review in force). Of one clinic, or of all.
    """
    served = (
        Prediction.objects.served()
        .judged()
        .filter(image=OuterRef("image"))
        .exclude(model_version=version)
        .order_by("-queued_at", "-pk")
    )
    current = Review.objects.filter(IS_IN_FORCE, submission=OuterRef("image__submission"))
    rows = Prediction.objects.judged().filter(
        is_shadow=True, model_version=version, image__submission__cancelled_at__isnull=True
    )
    if clinic_id is not None:
        rows = rows.filter(image__clinic_id=clinic_id)
    return rows.annotate(
        served_pk=Subquery(served.values("pk")[:1]),
        served_version=Subquery(served.values("model_version")[:1], output_field=UUIDField()),
        served_outcome=Subquery(served.values("outcome")[:1]),
        served_probability=Subquery(served.values("calibrated_probability")[:1]),
        diagnosis=Subquery(current.values("diagnosis")[:1]),
    ).filter(served_pk__isnull=False)


def keep_opponent(pairs: PredictionQuerySet, version: ModelVersion) -> PredictionQuerySet:
    """The pairs whose served result is of `version`."""
    return pairs.filter(served_version=version.pk)  # type: ignore[misc]  # annotated by the query


def find_opponents(pairs: PredictionQuerySet) -> list[Opponent]:
    """The versions that served those images: the active one first, then by images."""
    counted = dict(
        pairs.order_by()  # type: ignore[misc]  # annotated by the query
        .values_list("served_version")
        .annotate(images=Count("pk"))
        .values_list("served_version", "images")
    )
    versions = ModelVersion.objects.filter(pk__in=list(counted))
    found = [Opponent(version, counted[version.pk]) for version in versions]
    return sorted(found, key=lambda one: (one.version.lifecycle != "active", -one.images, str(one.version)))


def compare(pairs: PredictionQuerySet) -> Trial:
    """Count `pairs`, already narrowed to one opponent."""
    counted = list(
        pairs.order_by()  # type: ignore[misc]  # annotated by the query
        .values_list("served_outcome", "outcome", "diagnosis")
        .annotate(images=Count("pk"))
        .values_list("served_outcome", "outcome", "diagnosis", "images")
    )
    cells: dict[tuple[str, str], int] = {}
    for served, said, _, images in counted:
        cells[served, said] = cells.get((served, said), 0) + images
    table = [
        CountRow(served, tuple((said, cells.get((served.value, said.value), 0)) for said in OUTCOMES))
        for served in OUTCOMES
    ]
    return Trial(table, _count_signed(counted))


def _count_signed(counted: list[tuple[Any, ...]]) -> Signed:
    known = [
        (DIAGNOSIS_GROUPS[diagnosis], served, said, images)
        for served, said, diagnosis, images in counted
        if diagnosis and DIAGNOSIS_GROUPS[diagnosis] != LesionGroup.INDETERMINATE
    ]
    return Signed(
        images=sum(images for *_, images in known),
        served_right=sum(images for truth, served, _, images in known if served == truth),
        trial_right=sum(images for truth, _, said, images in known if said == truth),
        served_referred=sum(images for _, served, _, images in known if served == ModelAnswer.REFER),
        trial_referred=sum(images for _, _, said, images in known if said == ModelAnswer.REFER),
    )


def find_flips(pairs: PredictionQuerySet) -> PredictionQuerySet:
    """Pairs whose outcomes differ, the newest first."""
    return (
        pairs.exclude(outcome=F("served_outcome"))
        .select_related("image__submission__lesion__patient", "model_version")
        .order_by("-finished_at", "-pk")
    )
