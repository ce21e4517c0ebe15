"""What the HTML standard forbids and browsers repair in silence: a small checker of whole pages.

Sources: the content models of https://html.spec.whatwg.org/multipage/ for dl, ul, p, a and button, and
"4.5.14 The time element" for the grammar of datetime.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

Attributes = list[tuple[str, str | None]]

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
DRAWING = {"svg", "math"}
PHRASING_ONLY = {
    *("p", "span", "strong", "em", "b", "i", "small", "code", "kbd", "label", "button", "summary", "time"),
    *("h1", "h2", "h3", "h4", "pre", "abbr"),
}
BLOCKS = {
    *("address", "article", "aside", "blockquote", "details", "dialog", "div", "dl", "dt", "dd", "fieldset"),
    *(
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    ),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
INTERACTIVE = {"a", "button", "details", "label", "select", "textarea", "iframe"}
CHILDREN = {
    "ul": {"li", "script", "template"},
    "ol": {"li", "script", "template"},
    "dl": {"dt", "dd", "div", "script", "template"},
    "select": {"option", "optgroup", "hr"},
    "tr": {"th", "td"},
    "thead": {"tr"},
    "tbody": {"tr"},
    "table": {"caption", "colgroup", "thead", "tbody", "tfoot", "tr"},
}
PARENTS = {
    "li": {"ul", "ol", "menu"},
    "dt": {"dl", "div"},
    "dd": {"dl", "div"},
    "figcaption": {"figure"},
    "legend": {"fieldset"},
    "summary": {"details"},
    "option": {"select", "optgroup", "datalist"},
}
REFERENCES = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "form", "list")

DAY = r"\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?"
ZONE = r"(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)"
MOMENT = re.compile(rf"({DAY}([T ]{CLOCK}{ZONE}?)?|{CLOCK}|\d{{4,}}(-(0[1-9]|1[0-2]))?|P(\d+D)?(T.+)?)")
"""A day, a moment with at most three digits of a second, a clock time, a month, a year or a duration."""


@dataclass
class Element:
    tag: str
    children: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    text: str = ""
    datetime: str | None = None


class Checker(HTMLParser):
    """Collects `faults`; `close` adds those that only a whole page shows."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[Element] = []
        self.ids: list[str] = []
        self.references: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self._check_attributes(tag, attrs)
        above = [element.tag for element in self.open]
        if not DRAWING & set(above):
            self._check_place(tag, above, dict(attrs))
        if self.open:
            self.open[-1].children.append(tag)
        if tag not in VOID:
            self.open.append(Element(tag, datetime=dict(attrs).get("datetime")))

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        if data.strip() and self.open and self.open[-1].tag in CHILDREN:
            self._fault(f"words stand in <{self.open[-1].tag}> itself: {data.strip()[:40]!r}")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            self._fault(f"</{tag}> closes what is not open")
            return
        element = self.open.pop()
        if tag == "time":
            said = element.datetime if element.datetime is not None else element.text.strip()
            if not MOMENT.fullmatch(said):
                self._fault(f"<time> says {said!r}, which no machine reads")
        elif tag in ("dl", "div") and {"dt", "dd"} & set(element.children):
            self._check_groups(element)
        if tag == "dt":
            words = " ".join(element.text.split())
            owner = next((e for e in reversed(self.open) if e.tag == "dl"), None)
            if owner is not None and words in owner.names:
                self._fault(f"<dt> {words!r} stands twice in one <dl>")
            if owner is not None:
                owner.names.append(words)

    def close(self) -> None:
        super().close()
        if self.open:
            self._fault(f"never closed: {[element.tag for element in self.open]}")
        self.faults += [
            f"id {name!r} stands twice" for name in {n for n in self.ids if self.ids.count(n) > 1}
        ]
        known = set(self.ids)
        self.faults += [f"{name}={to!r} leads nowhere" for name, to in self.references if to not in known]

    def _check_attributes(self, tag: str, attrs: Attributes) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self._fault(f"<{tag}> has one attribute twice: {names}")
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in REFERENCES and not (tag == "svg" or (name == "form" and tag == "form")):
                self.references += [(name, word) for word in (value or "").split()]
        if tag == "img" and "alt" not in names:
            self._fault("<img> without alt")

    def _check_place(self, tag: str, above: list[str], attrs: dict[str, str | None]) -> None:
        parent = above[-1] if above else ""
        if parent in CHILDREN and tag not in CHILDREN[parent]:
            self._fault(f"<{tag}> stands in <{parent}>")
        if tag in PARENTS and parent not in PARENTS[tag]:
            self._fault(f"<{tag}> stands in <{parent}>")
        if parent in PHRASING_ONLY and tag in BLOCKS and not (parent == "summary" and tag in HEADINGS):
            self._fault(f"<{tag}> stands in <{parent}>")
        is_control = tag in INTERACTIVE or (tag == "input" and attrs.get("type") != "hidden")
        if is_control and {"a", "button"} & set(above):
            self._fault(f"<{tag}> stands in a link or a button: {above}")
        if tag in ("form", "label") and tag in above:
            self._fault(f"<{tag}> stands in <{tag}>")

    def _check_groups(self, element: Element) -> None:
        parts = [tag for tag in element.children if tag in ("dt", "dd")]
        if parts[0] != "dt" or parts[-1] != "dd":
            self._fault(f"<{element.tag}> has a name without words, or words without a name: {parts}")

    def _fault(self, words: str) -> None:
        line, column = self.getpos()
        self.faults.append(f"{line}:{column} {words}")


def list_html_faults(html: str) -> list[str]:
    """Faults of a page or a fragment, none of a sound one."""
    checker = Checker()
    checker.feed(html)
    checker.close()
    return checker.faults
