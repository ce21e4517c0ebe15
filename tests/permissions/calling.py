"""Calling a row of the matrix, and what came of it in a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.permissions.expectations import LOGIN
from tests.permissions.rows import Row
from tests.permissions.world import World

FOR_PROGRAMS = ("api-", "fhir-")
FORM = "application/x-www-form-urlencoded"


def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns)
        else:
            yield pattern


ROUTES = {pattern.name: pattern for pattern in walk(get_resolver().url_patterns)}


def call(client: Client, row: Row, world: World, actor: str) -> HttpResponse:
    address = reverse(row.route, kwargs=row.at(world))
    data = row.data(world, actor)
    as_json = row.route.startswith(FOR_PROGRAMS) and "images" not in data
    how: dict[str, Any] = {"content_type": "application/json"} if as_json and row.method != "GET" else {}
    if row.route.endswith("-post-search"):
        return client.post(address, urlencode(data), content_type=FORM)
    return getattr(client, row.method.lower())(address, data, **how)


def name_answer(response: HttpResponse) -> str:
    if response.status_code == 302 and response["Location"].startswith("/accounts/login/?next="):
        return LOGIN
    # What a form gets whose session ended before it was sent: a page with the way to the log-in.
    told = {template.name for template in getattr(response, "templates", [])}
    if response.status_code == 401 and "account/session_ended.html" in told:
        return LOGIN
    return str(response.status_code)
