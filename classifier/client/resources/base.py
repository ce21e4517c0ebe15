"""What the resources share: read one, list all, write with a key and on a condition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import httpx

from classifier.client.connection import (
    LARGEST,
    NOT_MODIFIED,
    Call,
    Connection,
    Filter,
    Page,
    make_key,
    write_filters,
)
from classifier.client.credentials import API, read_cursor
from classifier.client.errors import ProtocolError
from classifier.client.reading import read_record
from classifier.client.records import ClinicDetailRecord, ModelVersionRecord, PredictionDetailRecord

Row = TypeVar("Row")
Other = TypeVar("Other")

ANY = {"Accept": "*/*"}
"""For an answer that is a file."""


class Resource:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _read(self, kind: type[Other], path: str, **params: Any) -> Other:
        return parse(kind, self._connection.send(Call(method="GET", path=f"{API}/{path}", params=params)))

    def _page(self, kind: type[Other], path: str, params: Mapping[str, Any]) -> Page[Other]:
        told = parse_object(self._connection.send(Call(method="GET", path=f"{API}/{path}", params=params)))
        rows = told.get("results")
        if not isinstance(rows, list):
            raise ProtocolError("A list holds no results.")
        return Page(
            tuple(read_record(kind, row) for row in rows),
            read_cursor(told.get("next")),
            read_cursor(told.get("previous")),
        )

    def _walk(self, kind: type[Other], path: str, params: Mapping[str, Any]) -> Iterator[Other]:
        cursor: str | None = None
        while True:
            page = self._page(kind, path, {**params, **({"cursor": cursor} if cursor else {})})
            yield from page.results
            if page.next is None:
                return
            if page.next == cursor:
                raise ProtocolError("A list names the same page again.")
            cursor = page.next

    def _post(
        self,
        kind: type[Other],
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        if_match: str = "",
    ) -> Other:
        call = Call(
            method="POST",
            path=f"{API}/{path}",
            json=body,
            key=key or make_key(),
            headers={"If-Match": if_match} if if_match else {},
        )
        return parse(kind, self._connection.send(call))

    def _patch(self, kind: type[Other], path: str, body: Mapping[str, Any], *, if_match: str = "") -> Other:
        headers = {"If-Match": if_match} if if_match else {}
        call = Call(method="PATCH", path=f"{API}/{path}", json=body, headers=headers)
        return parse(kind, self._connection.send(call))

    def _delete(self, path: str) -> None:
        self._connection.send(Call(method="DELETE", path=f"{API}/{path}"))


class Collection(Resource, Generic[Row]):
    """A resource with a list and rows that are read by id."""

    kind: type[Row]
    path: str

    def get(self, row_id: str, *, expand: Sequence[str] = ()) -> Row:
        return self._read(self.kind, f"{self.path}/{row_id}/", **write_expansion(expand))

    def refresh(self, row: Row) -> Row:
        """The row as it is now, with nothing expanded: the same object where nothing has changed."""
        known = tag_of(row)
        call = Call(
            method="GET",
            path=f"{API}/{self.path}/{id_of(row)}/",
            headers={"If-None-Match": known} if known else {},
        )
        answer = self._connection.send(call)
        return row if answer.status_code == NOT_MODIFIED else parse(self.kind, answer)

    def list(
        self, *, expand: Sequence[str] = (), page_size: int = LARGEST, **filters: Filter
    ) -> Iterator[Row]:
        """Every row, over all pages, fetched as they are asked for. The schema names the filters."""
        params = {"page_size": page_size, **write_expansion(expand), **write_filters(filters)}
        return self._walk(self.kind, f"{self.path}/", params)

    def page(self, cursor: str | None = None, *, page_size: int = LARGEST, **filters: Filter) -> Page[Row]:
        """One page; `cursor` is the `next` or `previous` of another."""
        params = {"page_size": page_size, **write_filters({**filters, "cursor": cursor})}
        return self._page(self.kind, f"{self.path}/", params)


def parse(kind: type[Other], answer: httpx.Response) -> Other:
    tag = answer.headers.get("ETag", "")
    has_tag = any(one.name == "etag" for one in getattr(kind, "__dataclass_fields__", {}).values())
    return read_record(kind, parse_object(answer), **({"etag": tag} if has_tag else {}))


def parse_object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        told = None
    if not isinstance(told, Mapping):
        raise ProtocolError("The answer is no JSON object. Is the address the portal's?")
    return told


def write_expansion(parts: Sequence[str]) -> dict[str, str]:
    return {"expand": ",".join(parts)} if parts else {}


def given(**values: Any) -> dict[str, Any]:
    """What was given, days as text: the rest is left to the server."""
    return {
        name: value.isoformat() if isinstance(value, dt.date) else value
        for name, value in values.items()
        if value is not None
    }


def id_of(row: Any) -> str:
    return row if isinstance(row, str) else str(row.id)


def tag_of(row: Any) -> str:
    return "" if isinstance(row, str) else str(getattr(row, "etag", ""))


# --- Read-only resources ------------------------------------------------------------------------


class Predictions(Collection[PredictionDetailRecord]):
    kind, path = PredictionDetailRecord, "predictions"


class ModelVersions(Collection[ModelVersionRecord]):
    kind, path = ModelVersionRecord, "model-versions"


class Clinics(Collection[ClinicDetailRecord]):
    kind, path = ClinicDetailRecord, "clinics"
