"""Whether a membership counts is said in one place: a guest's end must hold everywhere."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
HOME = PROJECT / "portal" / "trust" / "accounts" / "models" / "membership.py"
# A filter on memberships by their flag alone, over however many lines the call has.
BY_FLAG = re.compile(r"[Mm]embership\w*(?:\.\w+)*\([^()]*\bis_active=True|memberships__is_active")


def test_nobody_asks_the_flag_alone():
    """`Membership.objects.held_by(user)` and `.active()` know of ends; `is_active=True` does not."""
    asking = [
        str(path.relative_to(PROJECT))
        for folder in ("portal", "classifier")
        for path in sorted((PROJECT / folder).rglob("*.py"))
        if path != HOME and "migrations" not in path.parts and BY_FLAG.search(path.read_text())
    ]
    assert asking == []


def test_the_pattern_finds_what_it_is_for():
    assert BY_FLAG.search("Membership.objects.filter(\n    user=user, is_active=True\n)")
    assert BY_FLAG.search("user.memberships.filter(is_active=True)")
    assert BY_FLAG.search("self.filter(clinic__memberships__is_active=True)")
    assert not BY_FLAG.search("Membership.objects.held_by(user)")
