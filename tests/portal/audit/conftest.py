"""An anchored chain, and what became of it."""

import pytest
from django.db import connection

from portal.trust.audit.anchors import anchor_chains
from portal.trust.audit.models import AuditChain, AuditEvent
from portal.trust.audit.services import record_event
from portal.trust.audit.verification import verify_anchors
from tests.factories import ClinicFactory, two_clinics


@pytest.fixture
def file(tmp_path, settings):
    settings.DERMAPORT_AUDIT_ANCHOR_FILE = str(tmp_path / "outside" / "anchors.jsonl")
    settings.DERMAPORT_AUDIT_ANCHOR_KEY = ""
    return tmp_path / "outside" / "anchors.jsonl"


@pytest.fixture
def chain(file):
    """Six events, anchored after the third and the last, open to who owns the database."""
    clinic = ClinicFactory()
    for number in range(6):
        record_event(clinic_id=clinic.pk, action="test.done", details={"number": number})
        if number in (2, 5):
            anchor_chains()
    free("audit_auditevent", "audit_auditanchor")
    return AuditChain.objects.get(clinic=clinic)


def free(*tables):
    """Take the triggers away, as the owner of the database can."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            return
        for table in tables:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")


def breaks():
    return [(found.position, found.reason) for found in verify_anchors()]


@pytest.fixture
def side():
    return two_clinics()


def events(action):
    return list(AuditEvent.objects.filter(action=action).select_related("chain"))
