"""Search parameters: what a search asks for, from the address or a form, and on its next pages."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.paging import invalid_cursor
from portal.trust.encryption.keys import DecryptionError
from portal.trust.encryption.sealed import seal, unseal
from portal.trust.encryption.texts import PREFIX

if TYPE_CHECKING:
    from django.http import QueryDict

    from classifier.fhir.resources.base import Kind
    from classifier.fhir.viewer import Viewer

Filter = tuple[str, list[str]]
"""A parameter and its values, of which any may match."""

DEFAULT_COUNT = 25
MOST = 100
CURSOR = "_cursor"
COMMA = re.compile(r"(?<!\\),")
BAR = re.compile(r"(?<!\\)\|")
CONTROLS = {"_count", "_include", "_revinclude", "_format", "_pretty", "_total", "_summary", CURSOR}


@dataclass(frozen=True)
class Query:
    """The part of a search that this server understood."""

    filters: list[Filter]
    includes: list[str]
    revincludes: list[str]
    count: int
    place: str
    """After which row the page begins; empty for the first page."""
    cursor: str
    """As it was sent: the place, sealed with what may tell who a patient is."""
    is_count_only: bool = False

    def describe(self, kind: Kind, *, cursor: str) -> str:
        """The query of a link: without what may tell who a patient is, which `cursor` holds sealed."""
        shown = [
            (name, ",".join(values)) for name, values in self.filters if not kind.params[name].is_private
        ]
        shown += [("_include", one) for one in self.includes]
        shown += [("_revinclude", one) for one in self.revincludes]
        shown.append(("_summary", "count") if self.is_count_only else ("_count", str(self.count)))
        return urlencode([*shown, *([(CURSOR, cursor)] if cursor else [])])

    @property
    def is_sealed(self) -> bool:
        return self.cursor.startswith(SEALED)

    def list_private(self, kind: Kind) -> list[Filter]:
        return [(name, values) for name, values in self.filters if kind.params[name].is_private]


def read_query(kind: Kind, sent: QueryDict, viewer: Viewer, *, is_strict: bool, is_posted: bool) -> Query:
    """Raises FhirError: a wrong value always, an unknown name only where the caller is strict.

    A page of a search that was posted is asked for by GET: what identifies a patient comes in its cursor.
    """
    check_names(kind, sent, is_strict=is_strict, is_posted=is_posted)
    known = [name for name in sent if name in kind.params]
    is_count_only = sent.get("_summary") == "count"
    cursor = sent.get(CURSOR, "")
    place, sealed = open_cursor(cursor, kind, viewer)
    filters = [(name, split_values(value)) for name in known for value in sent.getlist(name)]
    return Query(
        filters=[*filters, *(one for one in sealed if one not in filters)],
        includes=_read_includes(
            sent, "_include", [f"{kind.name}:{name}" for name in kind.includes], is_strict
        ),
        revincludes=_read_includes(sent, "_revinclude", list(kind.revincludes), is_strict),
        count=0 if is_count_only else _read_count(sent.get("_count", "")),
        place=place,
        cursor=cursor,
        is_count_only=is_count_only,
    )


def check_names(kind: Kind, sent: QueryDict, *, is_strict: bool = False, is_posted: bool = False) -> None:
    """Raise FhirError where a parameter has no place in an address, or is unknown and the caller strict."""
    issues = [_refuse(kind, name, is_posted=is_posted) for name in sent]
    wrong = [issue for issue in issues if issue and (is_strict or issue.code != "unknown_parameter")]
    if wrong:
        raise FhirError(400, *wrong)


# --- Cursors ------------------------------------------------------------------------------------
# Where a page begins; of a search that was posted with what identifies a patient, sealed with that: the same
# search goes on, for the same caller, and no address says whom it is about.


SEALED = "~"
LONGEST = 6_000
"""Characters of a cursor: the web server takes 8,190 of a whole request line."""
TO_ADDRESS, FROM_ADDRESS = str.maketrans("+/:", "-_."), str.maketrans("-_.", "+/:")


def make_cursor(query: Query, kind: Kind, viewer: Viewer, *, place: str) -> str:
    """The cursor of a page that begins after `place`. Raises FhirError (search_too_long)."""
    private = query.list_private(kind)
    if not private:
        return place
    content = zlib.compress(json.dumps([place, private]).encode(), 9)
    sealed = seal(content, purpose=_name_purpose(kind, viewer)).removeprefix(PREFIX)
    cursor = SEALED + sealed.rstrip("=").translate(TO_ADDRESS)
    if len(cursor) > LONGEST:
        text = (
            f"What this search asks for in {', '.join(name for name, _ in private)} is too long to be paged. "
            f"Ask for fewer at once, or for _count={MOST}."
        )
        raise FhirError(400, Issue("search_too_long", text, kind="too-costly"))
    return cursor


def open_cursor(cursor: str, kind: Kind, viewer: Viewer) -> tuple[str, list[Filter]]:
    """The place and the sealed filters of `make_cursor`. Raises FhirError (invalid_cursor)."""
    if not cursor.startswith(SEALED):
        return cursor, []
    body = cursor.removeprefix(SEALED).translate(FROM_ADDRESS)
    padding = "=" * (-len(body.rpartition(":")[2]) % 4)
    try:
        content = unseal(f"{PREFIX}{body}{padding}", purpose=_name_purpose(kind, viewer))
    except DecryptionError as error:
        raise invalid_cursor() from error
    place, private = json.loads(zlib.decompress(content))
    if any(name not in kind.params for name, _ in private):
        raise invalid_cursor()  # sealed by another version
    return place, [(name, values) for name, values in private]


def _name_purpose(kind: Kind, viewer: Viewer) -> str:
    return f"fhir search of {kind.name} by {viewer.user.pk}"


# --- Values -------------------------------------------------------------------------------------


def split_values(text: str) -> list[str]:
    """Any of these may match; a comma within one is written with a backslash."""
    # A bar that belongs to a value keeps its backslash: `read_token` parts at the other one.
    return [re.sub(r"\\([,$\\])", r"\1", value) for value in COMMA.split(text)]


@dataclass(frozen=True)
class SearchToken:
    """A value of a token parameter: `code`, `system|code`, `|code` (of no system) or `system|` (any code of it)."""

    system: str | None
    """None where any system will do."""
    code: str

    @property
    def is_any(self) -> bool:
        """Whether it means every code of its system."""
        return bool(self.system) and not self.code


def read_token(value: str) -> SearchToken:
    parts = [part.replace("\\|", "|").strip() for part in BAR.split(value, maxsplit=1)]
    return SearchToken(parts[0], parts[1]) if len(parts) > 1 else SearchToken(None, parts[0])


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
