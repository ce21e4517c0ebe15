"""Tokens made on the page: named, scoped, maybe of one clinic, expiring, revocable."""

import pytest
from django.db import IntegrityError, transaction

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import ApiToken
from portal.trust.accounts.tokens.tokens import drop_surplus_tokens
from portal.trust.accounts.tokens.use import find_token
from portal.trust.audit.models import AuditEvent
from tests.support.tokens import make_token

pytestmark = pytest.mark.django_db
PAGE = "/settings/tokens/"
GIVEN = {"name": " Ward   tablet ", "scopes": ["submissions:write", "submissions:read"], "days": "30"}


def test_event_of_a_new_token_holds_codes_only(client, person):
    client.post(PAGE, GIVEN)

    event = AuditEvent.objects.get(action="token.created")
    assert event.object_id == str(ApiToken.objects.get().pk)
    assert event.details == {
        "owner": str(person.pk),
        "scopes": ["submissions:read", "submissions:write"],
        "days": 30,
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "name_missing"),
        ({"name": "x" * 81}, "name_too_long"),
        ({"scopes": []}, "scopes_missing"),
        ({"scopes": ["everything"]}, "scope_unknown"),
        ({"days": 0}, "days_out_of_range"),
    ],
)
def test_service_checks_what_the_form_checks(person, changes, code):
    with pytest.raises(PeopleError) as caught:
        make_token(person, **changes)
    assert caught.value.code == code


def test_other_clinics_are_neither_offered_nor_taken(client, clinics, person):
    page = client.post(PAGE, {**GIVEN, "clinic": clinics.other.clinic.pk})

    assert page.status_code == 400
    assert list(page.context["form"].fields["clinic"].queryset) == [clinics.own.clinic]
    with pytest.raises(PeopleError) as caught:
        make_token(person, clinic_id=clinics.other.clinic.pk)
    assert caught.value.code == "clinic_unknown"


def test_event_of_a_token_of_one_clinic_is_that_clinics(clinics, person):
    make_token(person, clinic_id=clinics.own.clinic.pk)

    event = AuditEvent.objects.get(action="token.created")
    assert event.chain.clinic == clinics.own.clinic


def test_token_without_a_name_is_no_token(person):
    issued = make_token(person)
    grant = find_token(issued.text).subject
    grant.name = ""
    with pytest.raises(IntegrityError, match="api_token_named"), transaction.atomic():
        grant.save()


def test_limit_is_told_and_pushes_nothing_out(person, settings):
    settings.REST_KNOX = {**settings.REST_KNOX, "TOKEN_LIMIT_PER_USER": 2}
    for _ in range(2):
        make_token(person)
    with pytest.raises(PeopleError) as caught:
        make_token(person)
    assert caught.value.code == "too_many_tokens"
    drop_surplus_tokens(person)
    assert ApiToken.objects.count() == 2
