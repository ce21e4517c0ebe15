"""On PostgreSQL the site can run as a role that can't change what it recorded."""

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event, verify_chains
from tests.factories import two_clinics

pytestmark = pytest.mark.django_db
ROLE = "dermaport_test_site"
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no roles")


def run(text):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(text)


@pytest.fixture
def as_site():
    call_command("restrict_database_role", ROLE, verbosity=0)
    record_event(clinic_id=None, action="test.done")
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")  # the role alone must be enough
    run(f"SET LOCAL ROLE {ROLE}")
    yield
    run("RESET ROLE")


@on_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET action = 'test.undone'",
        "DELETE FROM audit_auditevent",
        "TRUNCATE audit_auditevent",
        "DELETE FROM audit_auditchain",
        "UPDATE audit_auditanchor SET digest = ''",
        "ALTER TABLE audit_auditevent ENABLE TRIGGER USER",
    ],
)
def test_role_cannot_change_the_audit_log(as_site, statement):
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        run(statement)


@on_postgresql
def test_role_can_run_the_site(as_site):
    side = two_clinics()
    record_event(clinic_id=side.own.clinic.pk, action="test.done", actor=side.own.clinician)
    assert AuditEvent.objects.count() == 2
    assert list(verify_chains()) == []


@on_postgresql
@pytest.mark.parametrize("name", ["Robert'; DROP TABLE x", "", "9lives"])
def test_strange_names_are_refused(name):
    with pytest.raises(CommandError, match="expected a role"):
        call_command("restrict_database_role", name, verbosity=0)


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="about other databases")
def test_elsewhere_it_says_so():
    with pytest.raises(CommandError, match="expected PostgreSQL, received sqlite"):
        call_command("restrict_database_role", ROLE, verbosity=0)
