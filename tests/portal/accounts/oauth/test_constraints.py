"""What the database refuses of an application."""

import pytest
from django.db import IntegrityError, transaction

from portal.trust.accounts.models import OAuthApplication


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("oauth_application_grant_is_one_of_two", {"service": None}),
        ("oauth_application_grant_is_one_of_two", {"client_type": "public"}),
        ("oauth_application_grant_is_one_of_two", {"authorization_grant_type": "password"}),
        ("oauth_application_secret_is_hashed", {"hash_client_secret": False}),
    ],
)
def test_database_refuses_other_kinds(system, constraint, changes):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        OAuthApplication.objects.update(**changes)
