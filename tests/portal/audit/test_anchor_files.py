"""Anchors of table and file hold each other; a lost file is written again."""

import pytest

from portal.trust.audit.anchors import anchor_chains, publish_anchors
from portal.trust.audit.models import AuditAnchor
from portal.trust.audit.services import record_event
from portal.trust.audit.tasks import anchor_audit_task
from tests.portal.audit.conftest import breaks
from tests.portal.audit.test_chain import tamper

pytestmark = pytest.mark.django_db


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
