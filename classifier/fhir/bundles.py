"""Bundles: resources as they are sent, with their version, and the results of a search."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from classifier.fhir.elements import instant

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from classifier.fhir.resources.base import Kind
    from classifier.fhir.systems import JSON
    from classifier.fhir.viewer import Viewer


def finish(kind: Kind, rows: list[Any], viewer: Viewer) -> list[JSON]:
    """The resources of these rows, with `meta`."""
    kind.prepare(rows, viewer)
    return [add_meta(kind.build(row, viewer), kind.changed_at(row)) for row in rows]


def add_meta(resource: JSON, changed_at: dt.datetime | None = None) -> JSON:
    """The resource with its version: a digest of what this viewer sees of it.

    Not of the address of its paper form: asked under another host name it is the same version.
    """
    said = {name: value for name, value in resource.items() if name != "presentedForm"}
    content = json.dumps(said, sort_keys=True).encode()
    meta = {"versionId": hashlib.sha256(content).hexdigest()[:20]}
    if changed_at:
        meta["lastUpdated"] = instant(changed_at)
    kind, key, rest = resource["resourceType"], resource["id"], {**resource}
    return {"resourceType": kind, "id": key, "meta": meta, **rest}


def build_entry(resource: JSON, *, base: str, mode: str) -> JSON:
    return {
        "fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}",
        "resource": resource,
        "search": {"mode": mode},
    }


def build_searchset(entries: list[JSON], *, total: int, links: dict[str, str]) -> JSON:
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": [{"relation": relation, "url": url} for relation, url in links.items()],
    }
    return {**bundle, "entry": entries} if entries else bundle


def list_references(resources: Iterable[JSON], element: str) -> list[tuple[str, str]]:
    """(type, id) of what `element` of these resources refers to, each once."""
    found: dict[tuple[str, str], None] = {}
    for resource in resources:
        values = resource.get(element, [])
        for value in values if isinstance(values, list) else [values]:
            link = value.get("link", value)
            kind, _, key = link.get("reference", "").partition("/")
            if key:
                found[kind, key] = None
    return list(found)
