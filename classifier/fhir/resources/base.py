"""What the server knows of one kind of resource: its rows, its searches, its references."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from classifier.fhir.elements import within
from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.paging import BundlePage, take_page
from classifier.fhir.search import read_token
from portal.trust.accounts.roles import Action

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from classifier.fhir.search import Query
    from classifier.fhir.systems import JSON
    from classifier.fhir.viewer import Viewer


NOTHING = Q(pk__in=[])


@dataclass(frozen=True)
class Param:
    """A search parameter: how its values (joined by comma, any may match) narrow the rows."""

    kind: str
    narrow: Callable[[QuerySet[Any], list[str], Viewer], QuerySet[Any]]
    words: str
    is_private: bool = False
    """Its value may tell who a patient is, so it has no place in an address."""


@dataclass(frozen=True)
class Version:
    """What a resource said from a moment on."""

    resource: JSON
    changed_at: dt.datetime | None

    @property
    def version_id(self) -> str:
        found: str = self.resource["meta"]["versionId"]
        return found


@dataclass(frozen=True)
class Kind:
    """One type of resource. `rows` are those the viewer may see, with `changed_at` where known."""

    name: str
    words: str
    rows: Callable[[Viewer], QuerySet[Any]]
    build: Callable[[Any, Viewer], JSON]
    order: str
    """The column that says which came first; it never changes."""
    params: dict[str, Param] = field(default_factory=dict)
    includes: dict[str, str] = field(default_factory=dict)
    """Search parameter to the element whose references it follows."""
    revincludes: tuple[str, ...] = ()
    listed: str = ""
    """What the audit log calls a list of these; empty where nothing is said of a patient."""
    clinic_of: Callable[[Any], uuid.UUID] = lambda row: row.clinic_id
    prepare: Callable[[Sequence[Any], Viewer], None] = lambda _rows, _viewer: None
    """Loads for all rows at once what `build` reads of each."""
    shows_standing: bool = True
    """False of a kind made of cases that doesn't say what they stand for: reading it opens no news."""
    action: Action = Action.VIEW_CASES
    versions: Callable[[Any, Viewer], list[Version]] | None = None
    """What it said and says, newest first; None of a kind that keeps no history."""

    def find(self, viewer: Viewer, key: uuid.UUID) -> Any | None:
        return self.rows(viewer).filter(pk=key).first()

    def find_all(self, viewer: Viewer, keys: Iterable[str]) -> list[Any]:
        return list(self.rows(viewer).filter(pk__in=read_ids(keys)))

    def find_referring(self, viewer: Viewer, param: str, references: list[str]) -> list[Any]:
        return list(self.params[param].narrow(self.rows(viewer), references, viewer))

    def search(self, viewer: Viewer, query: Query) -> BundlePage:
        rows = self.rows(viewer)
        for name, values in query.filters:
            rows = self.params[name].narrow(rows, values, viewer)
        return take_page(rows, order=self.order, count=query.count, after=query.place)

    def changed_at(self, row: Any) -> dt.datetime | None:
        return getattr(row, "changed_at", None)


def read_ids(words: Iterable[str]) -> list[uuid.UUID]:
    """Those that are ids of ours; what isn't one names nothing here."""
    found = []
    for word in words:
        try:
            found.append(uuid.UUID(word.strip()))
        except ValueError:
            continue
    return found


def read_references(values: Sequence[str], targets: tuple[str, ...], base: str) -> list[uuid.UUID]:
    """Ids from `Patient/<id>`, `<id>` or a whole address of this server."""
    ids = []
    for value in values:
        kind, _, key = value.strip().removeprefix(f"{base}/").rpartition("/")
        if kind and kind not in targets:
            text = f"This parameter refers to {' or '.join(targets)}."
            raise FhirError(400, Issue("wrong_reference", text, kind="value"))
        ids.append(key)
    return read_ids(ids)


def by_id() -> Param:
    return Param("token", lambda rows, values, _: rows.filter(pk__in=read_ids(values)), "The resource's id.")


def by_change() -> Param:
    return by_date("changed_at", "When it changed last.")


def by_date(column: str, words: str) -> Param:
    def narrow(rows: QuerySet[Any], values: list[str], _: Viewer) -> QuerySet[Any]:
        condition = within(column, values[0])
        for value in values[1:]:
            condition |= within(column, value)
        return rows.filter(condition)

    return Param("date", narrow, words)


def by_reference(column: str, *targets: str, words: str) -> Param:
    def narrow(rows: QuerySet[Any], values: list[str], viewer: Viewer) -> QuerySet[Any]:
        return rows.filter(**{f"{column}__in": read_references(values, targets, viewer.base)})

    return Param("reference", narrow, words)


def by_code(conditions: Mapping[str, Q], words: str, *, system: str) -> Param:
    """A token of one `system`; `conditions` says what each code asks of a row, and another code matches none.

    `system|` means any of its codes, which every row has.
    """

    def narrow(rows: QuerySet[Any], values: list[str], _: Viewer) -> QuerySet[Any]:
        condition = NOTHING
        for token in map(read_token, values):
            if token.system not in (None, "", system):
                continue
            condition |= ~NOTHING if token.is_any else conditions.get(token.code, NOTHING)
        return rows.filter(condition)

    return Param("token", narrow, words)
