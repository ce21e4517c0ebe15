"""Keyset pagination: pages hold still while rows arrive; each begins after the last row of the one before."""

from __future__ import annotations

import base64
import datetime as dt
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from classifier.fhir.errors import FhirError, Issue

if TYPE_CHECKING:
    from django.db.models import QuerySet


MOMENT = "%Y-%m-%dT%H:%M:%S.%f"


@dataclass(frozen=True)
class BundlePage:
    rows: list[Any]
    total: int
    next_place: str = ""


def take_page(rows: QuerySet[Any], *, order: str, count: int, after: str) -> BundlePage:
    """The newest `count` rows after the place `after`, by the moment `order`; equal moments are told apart by id."""
    total = rows.count()
    if count == 0:
        return BundlePage([], total)
    if after:
        moment, key = read_place(after)
        rows = rows.filter(Q(**{f"{order}__lt": moment}) | Q(**{order: moment, "pk__lt": key}))
    found = list(rows.order_by(f"-{order}", "-pk")[: count + 1])
    shown = found[:count]
    more = len(found) > count
    return BundlePage(shown, total, write_place(getattr(shown[-1], order), shown[-1].pk) if more else "")


def write_place(moment: dt.datetime, key: uuid.UUID) -> str:
    return (
        base64.urlsafe_b64encode(f"{moment.astimezone(dt.UTC).strftime(MOMENT)} {key}".encode())
        .decode()
        .rstrip("=")
    )


def read_place(place: str) -> tuple[dt.datetime, uuid.UUID]:
    try:
        text = base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)).decode()
        moment, _, key = text.partition(" ")
        return dt.datetime.strptime(moment, MOMENT).replace(tzinfo=dt.UTC), uuid.UUID(key)
    except ValueError as error:
        raise invalid_cursor() from error


def invalid_cursor() -> FhirError:
    text = "This page is not one of ours. Follow the links of a Bundle as they are."
    return FhirError(400, Issue("invalid_cursor", text, kind="value"))
