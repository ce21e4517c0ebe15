"""Fields that nobody asked for: sent along with every form and every body, and taken by none."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Container
from dataclasses import replace
from typing import Any

from django.apps import apps
from django.db import transaction

from classifier.models import ModelVersion, Prediction
from portal.trust.accounts.models import Membership, User
from tests.factories import UserFactory
from tests.permissions.calling import call
from tests.security.targets import WRITES, actors_of, all_rows, client_of, watch_writes

ID = uuid.UUID("e11e11e1-1e11-41e1-8e11-1e11e11e11e1")
MOMENT = dt.datetime(2001, 2, 3, tzinfo=dt.UTC)
WORD, NUMBER, FIGURE = "evil0000", 1_733_173_317, 0.123456
MARKS = (str(ID), ID.hex, WORD, str(NUMBER), str(FIGURE), "2001, 2, 3", "2001-02-03")

PEOPLE = "user owner created_by submitted_by signed_by recorded_by requested_by made_by actor caller author"
MOMENTS = "created_at submitted_at signed_at recorded_at expiry expires_at ends_at erased_at date_joined"
WORDS = "public_id sha256 digest token_key secret client_secret client_id sealed_secret password_hash worker"
NUMBERS = "session_epoch attempt queue_rank failures byte_size position"
FIGURES = "probability calibrated_probability threshold"
SWITCHES = "is_staff is_superuser is_shadow is_withheld skip_authorization is_verified is_current is_guest"
RANKS = {"role": "administrator", "state": "succeeded", "lifecycle": "active", "kind": "service"}
RANKS |= {"source": "demo", "groups": "1", "user_permissions": "1", "outcome": "malignant"}


def build_extras(bystander: User) -> dict[str, Any]:
    people = {name: str(bystander.pk) for word in PEOPLE.split() for name in (word, f"{word}_id")}
    return {
        **people,
        **dict.fromkeys(("id", "pk", "uuid", "request_key_id", "claim"), str(ID)),
        **dict.fromkeys(MOMENTS.split(), MOMENT.isoformat()),
        **dict.fromkeys(WORDS.split(), WORD),
        **dict.fromkeys(NUMBERS.split(), NUMBER),
        **dict.fromkeys(FIGURES.split(), FIGURE),
        **dict.fromkeys(SWITCHES.split(), "true"),
        **RANKS,
    }


def rows_now(tables: Container[str] | None = None) -> set[tuple[str, str, str]]:
    return {(label, key, repr(row)) for label, key, row in all_rows(tables)}


def ranks_now() -> dict[str, Any]:
    """Who is what: nothing of it may follow from a field that was sent along."""
    return {
        "people": set(User.objects.values_list("pk", "is_staff", "is_superuser", "kind")),
        "roles": set(Membership.objects.values_list("user", "clinic", "role")),
        "judged": set(Prediction.objects.filter(state="succeeded").values_list("pk", "outcome", "is_shadow")),
        "networks": set(ModelVersion.objects.values_list("pk", "lifecycle")),
    }


MEANT = {"person-role": "roles", "model-lifecycle": "networks", "services": "people"}
"""What a route is there to change; a service account is a new person, of a role of its own."""


def test_nothing_that_was_sent_along_is_taken(sides):
    bystander = UserFactory()
    extras = build_extras(bystander)
    before, ranks = rows_now(), ranks_now()
    done, wrong = 0, []
    for row in WRITES:
        for actor in actors_of(row)[:1]:
            with transaction.atomic():
                with watch_writes() as prepared:
                    sent = row.data(sides.mine, actor)
                    body = {**{name: value for name, value in extras.items() if name not in sent}, **sent}
                    client = client_of(sides.mine, actor, row)
                before_this = rows_now(prepared) - before
                with watch_writes() as written:
                    answer = call(client, replace(row, data=lambda *_, body=body: body), sides.mine, actor)
                new = rows_now(written) - before - before_this
                changed = {name for name, known in ranks.items() if not _holds(known, ranks_now()[name], row)}
                transaction.set_rollback(True)
            done += answer.status_code < 400
            taken = [line for line in new if any(mark in line[2] for mark in (*MARKS, bystander.pk.hex))]
            if answer.status_code >= 500 or taken or changed - {MEANT.get(row.route)}:
                wrong.append((str(row), answer.status_code, taken, changed))
    assert wrong == []
    assert done > 60, "what is refused as a whole shows nothing"


def _holds(known: set[Any], now: set[Any], row: Any) -> bool:
    """New rows may come; then they are as the route makes them: no operators, no administrators."""
    fresh = now - known
    return known <= now and not any(True in one or "administrator" in one for one in fresh)


def test_body_of_the_api_names_each_field_it_does_not_know(sides):
    """Refused with a code, so that an integrator hears of a slip and an attacker gets nothing."""
    rows = [row for row in WRITES if row.route.startswith("api-") and row.route != "api-token"]
    bodies = {str(row): row.data(sides.mine, "own.clinician") for row in rows}
    as_json = [row for row in rows if bodies[str(row)] and "images" not in bodies[str(row)]]
    assert len(as_json) > 8
    for row in as_json:
        actor = actors_of(row)[0]
        body = {**row.data(sides.mine, actor), "signed_by": str(ID), "is_staff": True}
        with transaction.atomic():
            answer = call(
                client_of(sides.mine, actor, row), replace(row, data=lambda *_, b=body: b), sides.mine, actor
            )
            transaction.set_rollback(True)
        told = {(one["field"], one["code"]) for one in answer.json().get("fields", [])}
        assert answer.status_code == 400, row
        assert told == {("signed_by", "unknown_field"), ("is_staff", "unknown_field")}, row


def test_every_table_is_looked_at():
    """The test above sees a field only in the tables that it reads."""
    labels = {model._meta.label for model in apps.get_models()}
    assert {"accounts.User", "accounts.Membership", "classifier.Review", "knox.AuthToken"} <= labels
