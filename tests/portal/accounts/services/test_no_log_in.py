"""A service account has tokens and no other way in."""

import pytest
from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import User
from portal.trust.accounts.people.invitations import invite
from portal.trust.accounts.people.services import may_invite

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "changes", [{"is_staff": True}, {"is_superuser": True}, {"password": "md5$a$b"}, {"email": "a@b.example"}]
)
def test_database_refuses_a_way_in(service, changes):
    with pytest.raises(IntegrityError, match="user_service_cannot_log_in"), transaction.atomic():
        User.objects.filter(pk=service.user_id).update(**changes)


def test_kind_is_one_of_two(service):
    with pytest.raises(IntegrityError, match="user_kind_known"), transaction.atomic():
        User.objects.filter(pk=service.user_id).update(kind="robot")


def test_no_password_is_set(rf, service):
    with pytest.raises(PermissionDenied):
        get_adapter().set_password(service.user, "a-long-enough-phrase")
    assert not may_invite(service)


def test_no_log_in_whatever_led_there(rf, service):
    with pytest.raises(PermissionDenied):
        get_adapter().pre_login(rf.get("/"), service.user)


def test_password_route_gives_it_nothing(client, service):
    answer = client.post("/api/v1/token/", {"email": service.user.email, "password": "!"}, "application/json")
    assert answer.status_code == 400


def test_session_opens_no_page(client, service):
    client.force_login(service.user)
    assert client.get("/").status_code == 403


def test_people_page_does_not_know_it(client, administrator, service):
    assert service.user.full_name not in client.get("/settings/people/").content.decode()
    for act in ("role", "active", "link"):
        assert (
            client.post(f"/settings/people/{service.pk}/{act}/", {"role": "administrator"}).status_code == 404
        )


def test_no_other_clinic_takes_it_in(clinics, service):
    with pytest.raises(PeopleError) as caught:
        invite(
            actor=clinics.other.administrator,
            clinic=clinics.other.clinic,
            email=service.user.email,
            role="integration",
        )
    assert caught.value.code == "email_invalid"
