"""The page of one's own tokens."""

import datetime as dt

import pytest
from django.utils import timezone

from portal.trust.accounts.models import ApiToken
from portal.trust.accounts.tokens.scopes import SCOPES
from portal.trust.accounts.tokens.use import find_token

pytestmark = pytest.mark.django_db
PAGE = "/settings/tokens/"
GIVEN = {"name": " Ward   tablet ", "scopes": ["submissions:write", "submissions:read"], "days": "30"}


def test_token_is_shown_once_and_opens(client, person):
    page = client.post(PAGE, GIVEN)

    issued = page.context["issued"]
    assert issued.text in page.content.decode()
    assert page["Cache-Control"] == "private, no-store"
    later = client.get(PAGE).content.decode()
    assert issued.text not in later
    assert "Ward tablet" in later
    assert "never used" in later
    grant = ApiToken.objects.get()
    assert grant.scopes == ["submissions:read", "submissions:write"]
    assert grant.clinic is None
    assert dt.timedelta(days=29) < grant.token.expiry - timezone.now() <= dt.timedelta(days=30)
    assert find_token(issued.text).user == person


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"days": "0"}, "days"),
        ({"days": "366"}, "days"),
        ({"days": "soon"}, "days"),
        ({"clinic": "00000000-0000-0000-0000-000000000000"}, "clinic"),
    ],
)
def test_wrong_input_is_told_at_its_field(client, person, changes, field):
    page = client.post(PAGE, {**GIVEN, **changes})

    assert page.status_code == 400
    assert set(page.context["form"].errors) == {field}
    assert not ApiToken.objects.exists()


def test_longest_life_is_a_setting(client, person, settings):
    settings.DERMAPORT_TOKEN_MAX_DAYS = 7
    assert client.get(PAGE).context["form"].initial.get("days") is None
    assert 'value="7"' in client.get(PAGE).content.decode()

    page = client.post(PAGE, {**GIVEN, "days": "8"})

    assert page.context["form"].errors["days"] == ["A token can live 1 to 7 days, received 8."]


def test_empty_page_teaches_the_first_step(client, person):
    page = client.get(PAGE).content.decode()

    assert "No tokens" in page
    assert all(scope in page for scope in SCOPES)
