"""Anchors tell what a chain alone can't: a chain written anew, and one cut off with its head."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.audit.anchors import anchor_chains, publish_anchors
from portal.audit.models import AuditAnchor, AuditChain, AuditEvent
from portal.audit.services import record_event, verify_chains
from portal.audit.tasks import anchor_audit_task
from portal.audit.verification import verify_anchors
from tests.factories import ClinicFactory
from tests.portal.audit.test_chain import tamper

pytestmark = pytest.mark.django_db


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


def rewrite_chain(chain, since):
    """As somebody would who knows how the hashes are made."""
    previous = AuditEvent.objects.get(chain=chain, position=since - 1).hash
    for event in AuditEvent.objects.filter(chain=chain, position__gte=since).order_by("position"):
        event.action, event.previous_hash = "test.undone", previous
        previous = event.compute_hash()
        tamper(
            "UPDATE audit_auditevent SET action = 'test.undone', previous_hash = %s, hash = %s "
            "WHERE position = %s",
            event.previous_hash,
            previous,
            event.position,
        )
    AuditChain.objects.filter(pk=chain.pk).update(last_hash=previous)


def test_untouched(chain, file):
    assert breaks() == []
    assert [json.loads(line)["position"] for line in file.read_text().splitlines()] == [1, 2]
    call_command("verify_audit", verbosity=0)


def test_nothing_new_is_not_anchored(chain):
    assert anchor_chains() is None
    assert AuditAnchor.objects.count() == 2


def test_chain_written_anew(chain):
    rewrite_chain(chain, 5)
    assert list(verify_chains()) == []
    assert breaks() == [(6, "an anchor knows another event here")]


def test_tail_cut_off_with_its_head(chain):
    kept = AuditEvent.objects.get(chain=chain, position=4)
    tamper("DELETE FROM audit_auditevent WHERE position > 4")
    AuditChain.objects.filter(pk=chain.pk).update(last_position=4, last_hash=kept.hash)
    assert list(verify_chains()) == []
    assert breaks() == [(6, "an anchor knows an event here, and it is missing")]
    with pytest.raises(CommandError) as error:
        call_command("verify_audit", verbosity=0)
    assert error.value.returncode == 1


def test_whole_chain_gone(chain):
    tamper("DELETE FROM audit_auditevent")
    tamper("DELETE FROM audit_auditchain")
    assert breaks() == [(6, "the whole chain is missing; an anchor knows it")]


class TestAnchors:
    def test_taken_from_the_table(self, chain):
        tamper("DELETE FROM audit_auditanchor WHERE position = 2")
        assert breaks() == [(2, "this anchor of the file is missing in the table")]

    def test_changed_in_the_table(self, chain):
        tamper("UPDATE audit_auditanchor SET heads = '{}' WHERE position = 2")
        assert (2, "its content was changed in the table") in breaks()

    def test_taken_from_the_file(self, chain, file):
        file.write_text(file.read_text().splitlines(keepends=True)[1])
        assert (1, "an anchor is missing in the file") in breaks()

    def test_spoilt_line(self, chain, file):
        file.write_text(file.read_text() + "spoilt\n")
        assert breaks() == [(3, "a line of the file can't be read")]

    def test_made_up_in_both_without_the_key(self, chain, file, settings):
        settings.DERMAPORT_AUDIT_ANCHOR_KEY = "a key that stands nowhere in the database"
        record_event(clinic_id=None, action="test.done")
        anchor = anchor_chains()
        assert breaks() == []
        settings.DERMAPORT_AUDIT_ANCHOR_KEY = "another"
        assert breaks() == [
            (anchor.position, "its signature does not fit in the table"),
            (anchor.position, "its signature does not fit in the file"),
        ]


def test_lost_file_is_written_again(chain, file):
    file.unlink()
    assert publish_anchors() == 2
    assert publish_anchors() == 0
    assert breaks() == []


def test_file_that_cannot_be_written_stops_nothing(file, settings):
    settings.DERMAPORT_AUDIT_ANCHOR_FILE = "/proc/nowhere/anchors.jsonl"
    record_event(clinic_id=None, action="test.done")
    assert anchor_chains().position == 1


def test_beat_anchors(file):
    record_event(clinic_id=None, action="test.done")
    anchor_audit_task.apply()
    assert AuditAnchor.objects.get().heads["site"][0] == 1
