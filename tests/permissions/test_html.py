"""Every page of every role is sound HTML: what a browser repairs in silence, a reader of screens reads wrong."""

from __future__ import annotations

import pytest
from django.db import transaction

from tests.permissions.calling import FOR_PROGRAMS, call
from tests.permissions.matrix import MATRIX, Row
from tests.permissions.world import World
from tests.support.html_grammar import list_html_faults

READERS = ("own.clinician", "own.dermatologist", "own.administrator", "nobody")
PAGES = [row for row in MATRIX if row.method == "GET" and not row.route.startswith(FOR_PROGRAMS)]


@pytest.mark.parametrize("row", PAGES, ids=str)
def test_page_is_sound(world: World, row: Row) -> None:
    faults = []
    for actor in READERS:
        with transaction.atomic():
            answer = call(world.client(actor, by_token=False), row, world, actor)
            transaction.set_rollback(True)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            found = list_html_faults(answer.content.decode())
            faults += [
                (actor, fault) for fault in found if not is_fragment(answer) or "leads nowhere" not in fault
            ]
    assert faults == []


def is_fragment(answer: object) -> bool:
    """Part of a page names ids of the page that takes it."""
    return b"<html" not in answer.content  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "html",
    [
        '<time datetime="2026-03-03T09:15:00.123456+00:00">now</time>',
        "<time>2 h</time>",
        "<dl><div><dt>Open</dt><dd>o</dd></div><div><dt>Open</dt><dd>x</dd></div></dl>",
        "<dl><dt>Open</dt></dl>",
        "<p><div></div></p>",
        '<a href="/"><button>x</button></a>',
        '<i id="a"></i><i id="a"></i>',
        '<label for="gone">x</label>',
        "<ul><p>x</p></ul>",
        "<div><span></div></span>",
        '<img src="x">',
    ],
)
def test_checker_sees(html: str) -> None:
    assert list_html_faults(html) != []


@pytest.mark.parametrize(
    "html",
    [
        '<time datetime="2026-03-03T09:15:00+00:00">now</time><time datetime="2026-03-03">day</time>',
        "<dl><div><dt>Open</dt><dd>o</dd></div><div><dt>Close</dt><dd>x</dd></div></dl>",
        '<details><summary><h2>x</h2></summary><p>y</p></details><label for="a">x</label><input id="a">',
    ],
)
def test_checker_lets_pass(html: str) -> None:
    assert list_html_faults(html) == []
