"""`_include` and `_revinclude`: a search brings along what it refers to, and what refers to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classifier.fhir.bundles import finish, list_references
from classifier.fhir.resources import KINDS

if TYPE_CHECKING:
    import uuid

    from classifier.fhir.resources.base import Kind
    from classifier.fhir.search import Query
    from classifier.fhir.systems import JSON
    from classifier.fhir.viewer import Viewer


@dataclass(frozen=True)
class Found:
    """A resource beside the matches, and whose clinic's it is where it speaks of a patient."""

    resource: JSON
    clinic_id: uuid.UUID | None


def find_included(kind: Kind, matches: list[JSON], query: Query, viewer: Viewer) -> list[Found]:
    """Each once, and none that is a match already; only what the viewer may see."""
    seen = {(one["resourceType"], one["id"]) for one in matches}
    found: list[Found] = []
    for included, rows in [*_follow(kind, matches, query, viewer), *_look_back(kind, matches, query, viewer)]:
        for row, resource in zip(rows, finish(included, rows, viewer), strict=True):
            key = (resource["resourceType"], resource["id"])
            if key not in seen:
                seen.add(key)
                found.append(Found(resource, included.clinic_of(row) if included.listed else None))
    return found


def _follow(kind: Kind, matches: list[JSON], query: Query, viewer: Viewer) -> list[tuple[Kind, list[Any]]]:
    wanted: dict[str, list[str]] = {}
    for include in query.includes:
        for name, key in list_references(matches, kind.includes[include.partition(":")[2]]):
            wanted.setdefault(name, []).append(key)
    return [(KINDS[name], KINDS[name].find_all(viewer, keys)) for name, keys in wanted.items()]


def _look_back(kind: Kind, matches: list[JSON], query: Query, viewer: Viewer) -> list[tuple[Kind, list[Any]]]:
    references = [f"{kind.name}/{one['id']}" for one in matches]
    found = []
    for revinclude in query.revincludes if references else []:
        name, _, param = revinclude.partition(":")
        found.append((KINDS[name], KINDS[name].find_referring(viewer, param, references)))
    return found
