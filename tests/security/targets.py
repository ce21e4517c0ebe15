"""Every route as somebody would attack it: from the matrix of permissions, so that none is left out."""

from __future__ import annotations

import contextlib
import hashlib
import re
import uuid
from collections.abc import Container, Iterator
from typing import Any

from django.apps import apps
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from portal.trust.accounts.roles import Role
from tests.permissions.calling import FOR_PROGRAMS
from tests.permissions.expectations import OK
from tests.permissions.matrix import MATRIX, Row
from tests.permissions.world import World

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
WRITES = [row for row in MATRIX if row.method in UNSAFE]
READS = [row for row in MATRIX if row.method == "GET"]
# What belongs to no clinic, or is kept by every request.
NOBODYS = {"sessions.Session", "usersessions.UserSession", "audit.AuditEvent", "audit.AuditChain"}


def is_for_programs(row: Row) -> bool:
    return row.route.startswith(FOR_PROGRAMS)


def actors_of(row: Row) -> list[str]:
    """People of the own clinic who may do this, or the operator where only they may."""
    people = [f"own.{role.value}" for role in Role if row.policy[f"own.{role.value}"] == OK]
    return people or [actor for actor in ("operator",) if row.policy[actor] == OK]


def client_of(world: World, actor: str, row: Row, **options: Any) -> Client:
    client = world.client(actor, by_token=is_for_programs(row))
    client.raise_request_exception = False
    for name, value in options.items():
        setattr(client, name, value)
    return client


def text_of(response: HttpResponse) -> str:
    return response.getvalue().decode("utf-8", "replace")


def ids_of(world: World) -> dict[str, str]:
    """Their rows under every name by which something may ask for one."""
    case, clinic = world.judged, world.side.own.clinic
    rows = {
        "clinic form_clinic clinic_id organization custodian": clinic,
        "patient patient_id subject": case.lesion.patient,
        "lesion lesion_id focus bodySite": case.lesion,
        "submission submission_id based-on basedOn request case": case,
        "image image_id media": world.image,
        "prediction prediction_id result observation": world.prediction,
        "review review_id amends": world.review,
        "outcome outcome_id corrects": world.outcome,
        "webhook endpoint endpoint_id": world.webhook,
        "delivery event": world.delivery,
        "member membership person_membership": world.colleague,
        "user actor author performer person by owner": world.side.own.clinician,
        "application client": world.application,
        "service": world.service,
        "invitation": world.issued_invitation.invitation,
        "access emergency": world.access,
    }
    return {name: str(row.pk) for names, row in rows.items() for name in names.split()}


def words_of(world: World) -> set[str]:
    """What stands in no other clinic's pages: record numbers, pseudonyms, people, ids of cases."""
    clinic = world.side.own.clinic
    patients = apps.get_model("classifier.Patient").objects.filter(clinic=clinic)
    cases = apps.get_model("classifier.Submission").objects.filter(clinic=clinic)
    people = [world.side.own.person(role) for role in Role]
    return {
        *(word for patient in patients for word in (patient.mrn, patient.public_id)),
        *(str(case.pk) for case in cases),
        *(word for person in people for word in (person.email, person.full_name)),
        *(str(row.pk) for row in (world.image, world.prediction, world.review, world.webhook, world.outcome)),
        world.application.client_id,
        world.webhook.url,
    }


WRITE = re.compile(r'\s*(?:INSERT\b.*?\bINTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)', re.IGNORECASE)


@contextlib.contextmanager
def watch_writes() -> Iterator[set[str]]:
    """The tables that something inside writes to, whether by a row or by hand."""
    written: set[str] = set()

    def note(execute: Any, sql: str, *args: Any) -> Any:
        if found := WRITE.match(sql):
            written.add(found[1])
        return execute(sql, *args)

    with connection.execute_wrapper(note):
        yield written


def fingerprints(tables: Container[str] | None = None) -> dict[tuple[str, str], str]:
    """Every row of every table, or of these, as it is now: two of these tell what a request touched."""
    return {
        (label, key): hashlib.sha256(repr(row).encode()).hexdigest() for label, key, row in all_rows(tables)
    }


def list_touched(before: dict[tuple[str, str], str], tables: Container[str]) -> list[tuple[str, str]]:
    """Rows of these tables that were changed or taken away since `before`."""
    after = fingerprints(tables)
    labels = {model._meta.label for model in apps.get_models() if model._meta.db_table in tables}
    return [key for key in before if key[0] in labels and after.get(key) != before[key]]


def all_rows(tables: Container[str] | None = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for model in apps.get_models():
        if model._meta.label in NOBODYS or model._meta.app_label in ("contenttypes", "sessions"):
            continue
        if tables is not None and model._meta.db_table not in tables:
            continue
        for row in model._default_manager.order_by("pk").values():
            row.pop("last_login", None)
            yield model._meta.label, str(row[model._meta.pk.attname]), row


def list_strings(value: Any) -> list[str]:
    """All that a body says, however deep."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in list_strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in list_strings(part)]
    return [str(value)] if isinstance(value, str | uuid.UUID | int) else []
