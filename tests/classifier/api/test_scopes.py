"""A token acts with the intersection of its scopes and its person's role."""

import pytest
from rest_framework.test import APIClient

from portal.trust.accounts.tokens.scopes import SCOPES
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import ROOT, codes, form
from tests.factories import MembershipFactory, SubmissionFactory
from tests.support.tokens import make_token

pytestmark = pytest.mark.django_db


def token_client(person, *scopes, clinic_id=None):
    issued = make_token(person, *scopes, clinic_id=clinic_id)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.text}")
    return client


def test_missing_scope_is_named_and_recorded(side):
    client = token_client(side.own.clinician, "models:read")

    answer = client.get(f"{ROOT}/patients/")

    assert answer.status_code == 403
    assert codes(answer) == [("scope_missing", None)]
    assert "patients:read" in answer.json()["detail"]
    assert client.get(f"{ROOT}/model-versions/").status_code == 200
    event = AuditEvent.objects.get(action="token.refused")
    assert event.details == {"reason": "scope_missing", "scope": "patients:read"}
    assert event.actor == side.own.clinician
    assert not AuditEvent.objects.filter(action="access.refused").exists()


def test_reading_scope_does_not_write(side, model, stores):
    assert (
        token_client(side.own.clinician, "submissions:read")
        .post(f"{ROOT}/submissions/", form(), format="multipart")
        .status_code
        == 403
    )
    assert (
        token_client(side.own.clinician, "submissions:write")
        .post(f"{ROOT}/submissions/", form(), format="multipart")
        .status_code
        == 202
    )


def test_scope_gives_no_more_than_the_role(side, model, stores):
    client = token_client(side.own.administrator, *SCOPES)

    answer = client.post(f"{ROOT}/submissions/", form(), format="multipart")

    assert answer.status_code == 403
    assert codes(answer) == [("permission_denied", None)]


def test_any_token_reads_whose_it_is_and_ends_itself(side):
    client = token_client(side.own.clinician, "models:read")
    assert client.get(f"{ROOT}/me/").json()["email"] == side.own.clinician.email
    assert client.delete(f"{ROOT}/token/").status_code == 204
    assert client.get(f"{ROOT}/me/").status_code == 401


def test_session_has_no_scopes_to_lack(side):
    client = APIClient()
    client.force_login(side.own.clinician)
    assert client.get(f"{ROOT}/patients/").status_code == 200


def test_token_of_another_clinic_finds_nothing_here(side):
    person = MembershipFactory(user=side.own.clinician, clinic=side.other.clinic, role="clinician").user
    here = SubmissionFactory(clinic=side.own.clinic)
    client = token_client(person, *SCOPES, clinic_id=side.other.clinic.pk)

    assert client.get(f"{ROOT}/submissions/{here.pk}/").status_code == 404
    assert client.get(f"{ROOT}/submissions/").json()["results"] == []
    assert [row["clinic"]["name"] for row in client.get(f"{ROOT}/me/").json()["memberships"]] == [
        side.other.clinic.name
    ]


def test_method_that_is_not_there_stays_405(side):
    assert token_client(side.own.clinician, "models:read").put(f"{ROOT}/patients/").status_code == 405


def test_unknown_tokens_are_recorded_once_an_address(db):
    for _ in range(2):
        assert APIClient().get(f"{ROOT}/me/", HTTP_AUTHORIZATION="Bearer dp_no").status_code == 401
    assert AuditEvent.objects.get().details == {"reason": "token_unknown"}
