"""Anchors tell what a chain alone can't: a chain written anew, and one cut off with its head."""

import json

import pytest
from django.core.management import CommandError, call_command

from portal.trust.audit.anchors import anchor_chains
from portal.trust.audit.models import AuditAnchor, AuditChain, AuditEvent
from portal.trust.audit.services import verify_chains
from tests.portal.audit.conftest import breaks
from tests.portal.audit.test_chain import tamper

pytestmark = pytest.mark.django_db


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
