"""Search parameters: what a search asks for, from the address or a form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from classifier.fhir.errors import FhirError, Issue

if TYPE_CHECKING:
    from django.http import QueryDict

    from classifier.fhir.resources.base import Kind

DEFAULT_COUNT = 25
MOST = 100
CURSOR = "_cursor"
COMMA = re.compile(r"(?<!\\),")
CONTROLS = {"_count", "_include", "_revinclude", "_format", "_pretty", "_total", "_summary", CURSOR}


@dataclass(frozen=True)
class Query:
    """The part of a search that this server understood."""

    filters: list[tuple[str, list[str]]]
    includes: list[str]
    revincludes: list[str]
    count: int
    cursor: str
    is_count_only: bool = False

    def describe(self, kind: Kind, *, cursor: str) -> str:
        """The query of a link: without what may tell who a patient is."""
        shown = [
            (name, ",".join(values)) for name, values in self.filters if not kind.params[name].is_private
        ]
        shown += [("_include", one) for one in self.includes]
        shown += [("_revinclude", one) for one in self.revincludes]
        shown.append(("_summary", "count") if self.is_count_only else ("_count", str(self.count)))
        return urlencode([*shown, *([(CURSOR, cursor)] if cursor else [])])


def read_query(kind: Kind, sent: QueryDict, *, is_strict: bool, is_posted: bool) -> Query:
    """Raises FhirError: a wrong value always, an unknown name only where the caller is strict."""
    issues = [_refuse(kind, name, is_posted=is_posted) for name in sent]
    wrong = [issue for issue in issues if issue and (is_strict or issue.code != "unknown_parameter")]
    if wrong:
        raise FhirError(400, *wrong)
    known = [name for name in sent if name in kind.params]
    is_count_only = sent.get("_summary") == "count"
    return Query(
        filters=[(name, split_values(value)) for name in known for value in sent.getlist(name)],
        includes=_read_includes(
            sent, "_include", [f"{kind.name}:{name}" for name in kind.includes], is_strict
        ),
        revincludes=_read_includes(sent, "_revinclude", list(kind.revincludes), is_strict),
        count=0 if is_count_only else _read_count(sent.get("_count", "")),
        cursor=sent.get(CURSOR, ""),
        is_count_only=is_count_only,
    )


def split_values(text: str) -> list[str]:
    """Any of these may match; a comma within one is written with a backslash."""
    return [re.sub(r"\\([,$|\\])", r"\1", value) for value in COMMA.split(text)]


def _refuse(kind: Kind, name: str, *, is_posted: bool) -> Issue | None:
    if name in CONTROLS:
        return None
    if name not in kind.params:
        text = f"{kind.name} can be searched by {', '.join(sorted(kind.params))}."
        return Issue("unknown_parameter", text, kind="not-supported")
    if kind.params[name].is_private and not is_posted:
        text = (
            f"Send `{name}` by POST to {kind.name}/_search: what identifies a patient has no place "
            "in an address, which stays in logs."
        )
        return Issue("use_post_search", text, kind="not-supported")
    return None


def _read_includes(sent: QueryDict, name: str, offered: list[str], is_strict: bool) -> list[str]:  # noqa: FBT001
    # A target type, the third part, narrows nothing here: each reference has one type.
    asked = [":".join(value.split(":")[:2]) for value in sent.getlist(name)]
    if is_strict and set(asked) - set(offered):
        text = f"Offered for {name}: {', '.join(offered) or 'nothing'}."
        raise FhirError(400, Issue("unknown_include", text, kind="not-supported"))
    return [value for value in dict.fromkeys(asked) if value in offered]


def _read_count(text: str) -> int:
    if not text:
        return DEFAULT_COUNT
    if not (text.isascii() and text.isdigit()):
        raise FhirError(400, Issue("invalid_count", "_count is a number from 0.", kind="value"))
    # Cut before it is read: a number of a million digits takes its time.
    return min(int(text[:9]), MOST)
