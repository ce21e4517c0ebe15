import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken

from portal.trust.accounts.people.closing import end_membership
from portal.trust.accounts.tokens.use import ApiBearer
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event
from tests.support.tokens import make_token

pytestmark = pytest.mark.django_db
LOCKED = [
    *("accounts_apitoken", "knox_authtoken", "oauth2_provider_accesstoken", "oauth2_provider_refreshtoken"),
    "accounts_user",
]
PAGE = "/settings/tokens/"


def test_only_own_tokens_are_revoked(client, clinics, person):
    make_token(person)
    make_token(clinics.own.dermatologist)
    mine = AuthToken.objects.get(user=person)
    foreign = AuthToken.objects.get(user=clinics.own.dermatologist)

    assert client.post(f"{PAGE}revoke/", {"token": foreign.pk}).status_code == 404
    assert client.post(f"{PAGE}revoke/", {"token": mine.pk}).status_code == 302

    assert AuthToken.objects.get() == foreign
    assert AuditEvent.objects.filter(action="token.revoked", actor=person).count() == 1
    assert not client.get(PAGE).context["tokens"]


@pytest.mark.parametrize("how", ["one", "with the access"])
def test_row_of_a_token_is_locked_before_the_audit_chain(clinics, person, how):
    """As the first use of a token locks them: the other way round the two could wait for each other."""
    make_token(person, clinic_id=clinics.own.clinic.pk)
    record_event(clinic_id=clinics.own.clinic.pk, action="clinic.updated")
    (token,) = ApiBearer.list_live(person)
    grant = token.subject.pk
    membership = person.memberships.get()
    with CaptureQueriesContext(connection) as queries:
        if how == "one":
            token.end()
        else:
            end_membership(actor=clinics.own.administrator, membership=membership)
    asked = [one["sql"] for one in queries]
    tables = {"one": ["accounts_apitoken"]}.get(how, LOCKED)
    first = {
        table: next(
            place for place, sql in enumerate(asked) if re.match(rf'(SELECT|DELETE) .*FROM "{table}"', sql)
        )
        for table in [*tables, "audit_auditchain"]
    }

    assert all(first[table] < first["audit_auditchain"] for table in tables), first
    event = AuditEvent.objects.get(action__in=["token.revoked", "user.shut_out"])
    assert event.object_id == str(grant if how == "one" else person.pk)
