"""The table of scopes."""

import pytest

from portal.trust.accounts.tokens.scopes import PASSWORD_SCOPES, SCOPES, scopes_for


def test_scopes_of_the_password_route_are_those_of_the_readme():
    """One who proves who they are may do what their role may; add a scope here on purpose."""
    assert set(SCOPES) == PASSWORD_SCOPES


def test_table_of_scopes_reads_and_writes():
    assert scopes_for("patients")["GET"] == "patients:read"
    assert scopes_for("patients")["DELETE"] == "patients:write"
    assert set(scopes_for("models")) == {"GET"}
    with pytest.raises(ValueError, match="received 'nothing'"):
        scopes_for("nothing")
