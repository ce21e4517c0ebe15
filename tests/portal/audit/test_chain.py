"""The audit log shows an edit, a deletion, a reordering and a lost tail; many writers keep it whole."""

import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.trust.audit.models import AuditChain, AuditEvent
from portal.trust.audit.services import Entry, record_event, record_events, verify_chains
from tests.factories import ClinicFactory, UserFactory
from tests.support.threads import run_in_threads

EVENTS = 6


@pytest.fixture
def chain(db):
    """A chain of six events, open to tampering as to someone who owns the database."""
    clinic = ClinicFactory()
    for number in range(EVENTS):
        record_event(clinic_id=clinic.pk, action="test.done", details={"number": number})
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending when a table is altered
            cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
                ["audit_auditevent"],
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
    return AuditChain.objects.get(clinic=clinic)


def tamper(text, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)


def breaks():
    return [(found.position, found.reason) for found in verify_chains()]


def test_untouched(chain):
    assert breaks() == []
    assert chain.last_position == EVENTS
    call_command("verify_audit", verbosity=0)


def test_edit(chain):
    tamper("UPDATE audit_auditevent SET action = 'test.undone' WHERE position = 3")
    assert breaks() == [(3, "its content was changed")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", uuid.UUID(int=7).hex),
        ("occurred_at", "2001-02-03 04:05:06"),
        ("actor_id", None),
        ("action", "test.undone"),
        ("object_type", "classifier.patient"),
        ("object_id", "7"),
        ("details", '{"number": 7}'),
        ("previous_hash", "0" * 64),
        ("hash", "0" * 64),
    ],
)
def test_edit_of_any_column(chain, column, value):
    """Who did what to which object, and when: none of it can be said otherwise later."""
    person = UserFactory()
    record_event(clinic_id=chain.clinic_id, action="test.done", actor=person, obj=person)
    assert breaks() == []
    tamper(f"UPDATE audit_auditevent SET {column} = %s WHERE position = %s", value, EVENTS + 1)
    assert (EVENTS + 1, "its content was changed") in breaks()


def test_edit_with_a_new_hash(chain):
    event = AuditEvent.objects.get(position=3)
    event.action = "test.undone"
    tamper(
        "UPDATE audit_auditevent SET action = %s, hash = %s WHERE position = 3",
        event.action,
        event.compute_hash(),
    )
    assert breaks() == [(4, "it does not follow the event before it")]


def test_deletion(chain):
    tamper("DELETE FROM audit_auditevent WHERE position = 3")
    assert breaks()[0] == (3, "an event is missing here")


def test_reordering(chain):
    for old, new in ((2, 100), (3, 2), (100, 3)):
        tamper("UPDATE audit_auditevent SET position = %s WHERE position = %s", new, old)
    assert {position for position, _ in breaks()} >= {2, 3}


def test_lost_tail(chain):
    tamper("DELETE FROM audit_auditevent WHERE position > 4")
    assert breaks() == [(5, "the newest events are missing")]
    with pytest.raises(CommandError):
        call_command("verify_audit", verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_keep_one_chain_each():
    clinics = [ClinicFactory().pk, ClinicFactory().pk, None]

    def write(number):
        for _ in range(5):
            # Named in different orders: locked in one.
            order = clinics if number % 2 else clinics[::-1]
            record_events(Entry(clinic_id=clinic, action="test.done") for clinic in order)
        return "done"

    assert run_in_threads(6, write) == ["done"] * 6
    assert breaks() == []
    assert sorted(AuditChain.objects.values_list("last_position", flat=True)) == [30, 30, 30]
