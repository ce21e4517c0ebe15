"""IDOR: somebody of one clinic names what belongs to another, wherever an id can be written."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import django_filters
import pytest
from django.db import transaction
from django.urls import reverse

from classifier.cases.access import record_viewed
from classifier.fhir.resources import KINDS
from classifier.models import Submission
from tests.permissions.calling import FORM, ROUTES, call
from tests.permissions.expectations import OK
from tests.permissions.matrix import MATRIX, Row
from tests.security.conftest import Sides
from tests.security.targets import (
    READS,
    UNSAFE,
    WRITES,
    actors_of,
    client_of,
    fingerprints,
    ids_of,
    is_for_programs,
    list_strings,
    list_touched,
    text_of,
    watch_writes,
    words_of,
)

REFUSED = {400, 403, 404, 409, 422}
# Its key is a secret, not an id; tests/portal/accounts/test_login_password.py makes one up.
BY_SECRET = {"account_reset_password_from_key"}
# A person opens a patient of another clinic here, with a reason: that is what it is for.
BREAK_GLASS = {"emergency-open"}


def is_of_a_clinic(row: Row, sides: Sides) -> bool:
    """Whether its address names something that the other clinic may not see."""
    at = row.at(sides.theirs)
    names_a_network = "version" in at and "pk" not in at
    is_shared = row.policy["other.clinician"] == OK or names_a_network or at == row.at(sides.mine)
    return not is_shared and row.route not in BY_SECRET


def find_words(text: str, words: set[str]) -> list[str]:
    """Those of `words` that `text` holds; the numbers behind invented names are read to their end."""
    return sorted(word for word in words if word in text and re.search(rf"{re.escape(word)}(?!\d)", text))


def send(sides: Sides, row: Row, actor: str, at: Any, data: Any) -> Any:
    """One request of an attacker, taken back afterwards."""
    aimed = replace(row, at=lambda _: at, data=lambda *_: data)
    return call(client_of(sides.mine, actor, row), aimed, sides.mine, actor)


def test_ids_in_addresses(sides):
    """The other clinic's row is refused, and nothing of it is told or touched."""
    rows = [row for row in MATRIX if is_of_a_clinic(row, sides)]
    assert len(rows) > 60
    words, before = words_of(sides.theirs), fingerprints()
    wrong = []
    for row in rows:
        for actor in actors_of(row):
            with transaction.atomic():
                data = row.data(sides.mine, actor)
                with watch_writes() as written:
                    answer = send(sides, row, actor, row.at(sides.theirs), data)
                told = find_words(text_of(answer), words)
                touched = list_touched(before, written) if row.method in UNSAFE else []
                transaction.set_rollback(True)
            if answer.status_code not in (403, 404) or told or touched:
                wrong.append((str(row), actor, answer.status_code, told, touched))
    assert wrong == []


def test_every_route_with_an_id_is_aimed_at(sides):
    """A new route can't stay out: what takes an id has a row, and the row leads to a clinic's own thing."""
    with_ids = {row.route for row in MATRIX if "pk" in row.at(sides.mine)}
    aimed = {row.route for row in MATRIX if is_of_a_clinic(row, sides)}
    # A network is every clinic's; passkeys and consents are the caller's own, whatever the number says.
    assert with_ids - aimed == {
        *("fhir-device", "mfa_remove_webauthn", "mfa_edit_webauthn", "application-withdraw")
    }


def swap(mine: Any, theirs: Any, wanted: str) -> Any:
    """`mine` with the one value `wanted` as in `theirs`, wherever it stands in the body."""
    if isinstance(mine, dict):
        return {name: swap(value, theirs[name], wanted) for name, value in mine.items()}
    if isinstance(mine, list) and len(mine) == len(theirs):
        return [swap(one, other, wanted) for one, other in zip(mine, theirs, strict=True)]
    return theirs if str(theirs) == wanted else mine


def foreign_values(mine: Any, theirs: Any, known: set[str]) -> set[str]:
    """Ids of the other clinic that this body would carry if it were theirs."""
    return {text for text in list_strings(theirs) if any(one in text for one in known)} - set(
        list_strings(mine)
    )


def test_ids_in_bodies(sides):
    """Each id in each form and body, exchanged for the other clinic's one."""
    # A refused form shows the page of one's own case, and who follows it up has opened it with that.
    Submission.objects.update(is_unread=False)
    words, before, known = words_of(sides.theirs), fingerprints(), set(ids_of(sides.theirs).values())
    tried, wrong = 0, []
    for row in [row for row in WRITES if row.route not in BREAK_GLASS]:
        for actor in actors_of(row)[:2]:
            mine, theirs = row.data(sides.mine, actor), row.data(sides.theirs, actor)
            for value in foreign_values(mine, theirs, known):
                tried += 1
                with transaction.atomic():
                    with watch_writes() as written:
                        answer = send(sides, row, actor, row.at(sides.mine), swap(mine, theirs, value))
                    told, touched = (
                        find_words(text_of(answer), words - {value}),
                        list_touched(before, written),
                    )
                    transaction.set_rollback(True)
                if answer.status_code not in REFUSED or told or touched:
                    wrong.append((str(row), actor, answer.status_code, told, touched))
    assert wrong == []
    assert tried > 20


def test_no_page_and_no_list_tells_of_another_clinic(sides):
    """Every address that can be read, by everybody who may, with ids of the other clinic in its query."""
    words, ids = words_of(sides.theirs), ids_of(sides.theirs)
    wrong = []
    for row in [row for row in READS if not is_for_programs(row)]:
        for actor in actors_of(row):
            for query in ({}, ids):
                with transaction.atomic():
                    data = {**row.data(sides.mine, actor), **query}
                    answer = send(sides, row, actor, row.at(sides.mine), data)
                    # What was sent may come back in a field of the page, and only that.
                    told = find_words(text_of(answer), words - set(query.values()))
                    transaction.set_rollback(True)
                if told or (not query and answer.status_code >= 400):
                    wrong.append((str(row), actor, answer.status_code, told))
    assert wrong == []


def test_history_by_a_person_of_another_clinic(sides):
    """By itself: beside a patient or a lesion the person would not be looked at."""
    client, address = client_of(sides.mine, "own.clinician", READS[0]), reverse("submission-list")
    mine, theirs = (side.side.own.clinician for side in (sides.mine, sides.theirs))
    assert mine.full_name in text_of(client.get(address, {"by": mine.pk}))
    assert client.get(address, {"by": theirs.pk}).status_code == 404


def list_filters(row: Row) -> list[str]:
    view = ROUTES[row.route].callback
    filters = getattr(getattr(view, "cls", None), "filterset_class", None)
    found = filters.base_filters.items() if filters else []
    return sorted(name for name, one in found if isinstance(one, django_filters.UUIDFilter))


def test_filters_of_the_api(sides):
    """A list narrowed to the other clinic's row is empty, not theirs."""
    words, ids, tried = words_of(sides.theirs), ids_of(sides.theirs), 0
    for row in [row for row in READS if row.route.startswith("api-")]:
        for name in [name for name in list_filters(row) if name in ids]:
            tried += 1
            client = client_of(sides.mine, actors_of(row)[-1], row)
            address = reverse(row.route, kwargs=row.at(sides.mine))
            answer = client.get(address, {name: ids[name]})
            assert (answer.status_code, answer.json()["results"]) == (200, []), (row.route, name)
            both = client.get(f"{address}?{name}={ids[name]}&clinic={ids['clinic']}")
            assert find_words(text_of(both), words - set(ids.values())) == []
    assert tried > 10


@pytest.mark.parametrize("kind", KINDS)
def test_searches_of_fhir(sides, kind):
    """Each parameter that takes a reference or an id, by GET and by POST, and what comes along with it."""
    ids, words = ids_of(sides.theirs), words_of(sides.theirs)
    found, client = KINDS[kind], client_of(sides.mine, "own.administrator", READS[-1])
    for side in (sides.mine, sides.theirs):
        clinic, reader = side.side.own.clinic, side.side.own.dermatologist
        record_viewed(actor=reader, obj=side.judged, clinic_id=clinic.pk)
    needed = {"target": f"Observation/{sides.mine.prediction.pk}"} if kind == "Provenance" else {}
    everything = client.get(f"/fhir/r4/{kind}", {"_count": "100", **needed})
    assert everything.json()["entry"], "of the own clinic there is something to find"
    assert find_words(text_of(everything), words) == []
    along = [("_include", f"{kind}:{name}") for name in found.includes]
    along += [("_revinclude", name) for name in found.revincludes]
    plain = [ids[one] for one in ("patient", "submission", "image", "prediction", "user")]
    # Some parameters take a reference with its type alone.
    typed = [f"Observation/{ids['prediction']}", f"DiagnosticReport/{ids['submission']}"]
    for name, param in found.params.items():
        for value in [*plain, *typed]:
            if param.kind not in ("reference", "token"):
                continue
            query = {name: value, "_count": "100", **dict(along)}
            for answer in (
                client.get(f"/fhir/r4/{kind}", query),
                client.post(f"/fhir/r4/{kind}/_search", urlencode(query), content_type=FORM),
            ):
                assert answer.status_code in (200, 400), (name, answer.status_code)
                told = find_words(text_of(answer), words - {value.rpartition("/")[2]})
                assert told == [], (name, value)


def test_key_and_cursor_of_another_person(sides):
    """A kept answer belongs to its caller; a cursor says where to go on, never in whose rows."""
    mine = client_of(sides.mine, "own.integration", READS[-1])
    theirs = client_of(sides.theirs, "own.integration", READS[-1])
    key = {"Idempotency-Key": "order-4711"}
    case = sides.theirs.failed.pk
    cancel = {
        "path": f"/api/v1/submissions/{case}/cancel/",
        "content_type": "application/json",
        "headers": key,
    }
    assert theirs.post(**cancel).status_code == 200
    again = mine.post(**cancel)
    assert (again.status_code, "Idempotency-Replayed" in again) == (404, False)
    next_page = theirs.get("/api/v1/submissions/?page_size=1").json()["next"]
    assert "cursor=" in next_page
    answer = mine.get(next_page)
    assert answer.status_code == 200
    assert find_words(text_of(answer), words_of(sides.theirs)) == []


def test_selection_of_an_export(sides):
    """Rows chosen by hand: of the other clinic's none is in the file."""
    client = client_of(sides.mine, "own.dermatologist", READS[0])
    chosen = [str(sides.theirs.judged.pk), str(sides.mine.judged.pk)]
    file = text_of(client.post(reverse("submission-export"), {"what": "selected", "selected": chosen}))
    assert sides.mine.judged.lesion.patient.public_id in file
    assert find_words(file, words_of(sides.theirs)) == []
