"""Tokens for tests."""

from portal.trust.accounts.tokens.tokens import make_own_token


def make_token(person, *scopes, **changes):
    """A token as its owner makes it on the page."""
    given = {"name": "Tablet", "scopes": scopes or ("submissions:read",), "days": 30, **changes}
    return make_own_token(actor=person, **given)
