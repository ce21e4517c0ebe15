"""Clients that call the API as somebody, with a token."""

from __future__ import annotations

from knox.models import AuthToken
from rest_framework.test import APIClient

from portal.trust.accounts.models import User


def call_by_token(user: User) -> APIClient:
    """A client that calls with a token of this person."""
    _, text = AuthToken.objects.create(user=user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client
