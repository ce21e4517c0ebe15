"""What every answer tells the browser: run nothing foreign, keep nothing, frame nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpResponse

from tests.permissions.calling import call
from tests.permissions.conftest import shared_world, world
from tests.permissions.expectations import EVERYBODY, OK
from tests.permissions.matrix import MATRIX, Row
from tests.permissions.world import World

__all__ = ["shared_world", "world"]

READ = [row for row in MATRIX if row.method == "GET" and OK in row.policy.values()]
KEPT_AWHILE = {"image-derivative", "image-thumbnail", "explanation-overlay"}
"""Pictures that never change behind their id: kept by this person's own browser only."""
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=|\son[a-z]+=\"|javascript:", re.IGNORECASE
)
FOREIGN = re.compile(
    r"<(?:script|link|img|iframe|form)\b[^>]*\b(?:src|href|action)=\"(?:https?:)?//", re.IGNORECASE
)


def read(row: Row, world: World) -> HttpResponse:
    """As the first actor who may."""
    actor = next(actor for actor, answer in row.policy.items() if answer == OK)
    return call(world.client(actor, by_token=row.route.startswith("api-")), row, world, actor)


def parse_policy(response: HttpResponse) -> dict[str, set[str]]:
    directives = (part.split() for part in response["Content-Security-Policy"].split(";") if part.strip())
    return {name: set(sources) for name, *sources in directives}


@pytest.mark.parametrize("row", READ, ids=str)
def test_answer(world: World, row: Row) -> None:
    response = read(row, world)
    policy = parse_policy(response)
    assert policy["default-src"] == {"'none'"}
    assert policy["script-src"] == policy["connect-src"] == {"'self'"}
    assert policy["style-src"] == {"'self'"}
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == {"'none'"}
    pictures = {"'self'", "blob:"} | ({"data:"} if row.route == "api-docs" else set())
    assert policy["img-src"] == pictures
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    check_isolation(response)
    check_cache(row, response)
    if response["Content-Type"].startswith("text/html") and not response.streaming:
        words = response.content.decode()
        assert INLINE.findall(words) == []
        assert FOREIGN.findall(words) == []


def check_isolation(response: HttpResponse) -> None:
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    permissions = response["Permissions-Policy"]
    for name in ("camera", "microphone", "geolocation", "payment", "usb"):
        assert f"{name}=()" in permissions


def check_cache(row: Row, response: HttpResponse) -> None:
    control = response.get("Cache-Control", "")
    if row.route in KEPT_AWHILE:
        assert "private" in control
        assert "Cookie" in response["Vary"]
    elif row.policy is not EVERYBODY:
        assert "no-store" in control


@pytest.mark.parametrize("path", ["/nothing/", "/accounts/signup/", "/api/v1/nothing/", "/patients/x/"])
def test_error_pages_carry_the_same(db: Any, client: Any, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    check_isolation(response)
    assert INLINE.findall(response.content.decode()) == []
