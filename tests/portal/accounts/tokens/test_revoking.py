import pytest
from knox.models import AuthToken

from portal.trust.audit.models import AuditEvent
from tests.support.tokens import make_token

pytestmark = pytest.mark.django_db
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
