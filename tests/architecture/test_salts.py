"""Salts outlive the places of their modules: what was signed or digested before is still recognised."""

import pytest
from django.core.signing import Signer

from classifier import preconditions
from classifier.pages import new_submission
from portal.trust.accounts.login import limits
from portal.trust.accounts.people import invitations


def test_links_of_invitations_sent_before_still_open():
    assert invitations.SIGNER.unsign(Signer(salt="portal.accounts.invitations").sign("word")) == "word"


@pytest.mark.parametrize(
    ("module", "salt"),
    [(limits, "portal.accounts.device"), (new_submission, "classifier.draft_keys")],
)
def test_devices_and_drafts_from_before_are_known(module, salt):
    assert salt == module.SALT


def test_entity_tags_stay(monkeypatch):
    used = []
    real = preconditions.salted_hmac
    monkeypatch.setattr(
        preconditions, "salted_hmac", lambda salt, *a, **k: used.append(salt) or real(salt, *a, **k)
    )
    preconditions.make_tag("patient")
    assert used == ["classifier.entity_tags"]
