"""The checker of whole pages sees what it should. (Every page goes through it in test_matrix.)"""

from __future__ import annotations

import pytest

from tests.support.html_grammar import list_html_faults


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
