"""Small parts that many resources are made of."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from classifier.fhir.systems import BODY_SITE, SNOMED_CT, coding, concept
from classifier.vocabulary import Laterality

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from classifier.models import Lesion

SIDES = {
    Laterality.LEFT: ("7771000", "Left"),
    Laterality.RIGHT: ("24028007", "Right"),
    Laterality.MIDLINE: ("261129000", "Midline"),
}


def refer_to(kind: str, key: Any, display: str = "") -> JSON:
    return {"reference": f"{kind}/{key}", **({"display": display} if display else {})}


def instant(moment: dt.datetime) -> str:
    """A FHIR instant in UTC, to the millisecond, which every language can read."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def site_of(lesion: Lesion) -> JSON:
    """The body site with its side in words: FHIR's bodySite has no place for the side."""
    return concept(coding(BODY_SITE, lesion.body_site), text=lesion.site_name)


def side_of(lesion: Lesion) -> JSON | None:
    side = SIDES.get(Laterality(lesion.laterality))
    return concept(coding(SNOMED_CT, *side)) if side else None


def drop_empty(resource: JSON) -> JSON:
    """FHIR forbids null, empty strings, lists and objects: what there isn't is left out."""
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}
