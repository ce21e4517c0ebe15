"""An installation is upgraded: people, tokens and events stay, and what nothing reads any more goes."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from knox.models import AuthToken
from oauth2_provider.models import AccessToken

from portal.trust.accounts.models import User
from portal.trust.accounts.oauth.server import generate_access_token
from portal.trust.accounts.people.service_accounts import make_service
from portal.trust.accounts.tokens.scopes import PASSWORD_SCOPES
from portal.trust.accounts.tokens.use import ApiBearer, TokenRefusedError, find_token
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event, verify_chains
from tests.factories import staff_clinic

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = ("accounts", "0012_user_closed_by")


@pytest.fixture
def newest() -> Iterator[Callable[[], None]]:
    """Migrate to the newest; done after the test whatever happens."""
    found = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield lambda: MigrationExecutor(connection).migrate(found)
    MigrationExecutor(connection).migrate(found)


@pytest.fixture
def staff():
    return staff_clinic()


@pytest.fixture
def service(staff):
    return make_service(actor=staff.administrator, clinic=staff.clinic, name="Records")


@pytest.fixture
def old(newest, service):
    """The models as the version before knew them, on its tables."""
    executor = MigrationExecutor(connection)
    executor.migrate([BEFORE])
    return executor.loader.project_state([BEFORE]).apps.get_model


def test_kept_forms_go_and_their_people_and_events_stay(newest, old, staff):
    person = staff.clinician
    record_event(clinic_id=None, action="user.form_kept", actor=person, obj=person, details={"fields": 3})
    old("accounts", "KeptForm").objects.create(
        id=uuid.uuid4(), user_id=person.pk, path="/settings/name/", sealed="x", expires_at=timezone.now()
    )
    events = list(AuditEvent.objects.order_by("pk").values_list("pk", "hash"))
    newest()
    assert "accounts_keptform" not in connection.introspection.table_names()
    assert User.objects.filter(pk=person.pk).exists()
    assert list(AuditEvent.objects.order_by("pk").values_list("pk", "hash")) == events
    assert list(verify_chains()) == []


def test_tokens_of_every_kind_go_on_working(newest, old, staff, service):
    """Also those from before there were scopes, which have no row of ours."""
    formerly, text = AuthToken.objects.create(user=staff.clinician)
    with_scopes, scoped_text = AuthToken.objects.create(user=staff.clinician)
    old("accounts", "ApiToken").objects.create(
        token_id=with_scopes.pk,
        name="Ward tablet",
        scopes=["submissions:read"],
        clinic_id=staff.clinic.pk,
        made_by_id=staff.clinician.pk,
    )
    application = old("accounts", "OAuthApplication").objects.create(
        name="Records",
        clinic_id=staff.clinic.pk,
        service_id=service.user_id,
        made_by_id=staff.administrator.pk,
        scopes=["submissions:read"],
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )
    oauth_text = generate_access_token(None)
    AccessToken.objects.create(
        user_id=service.user_id,
        application_id=application.pk,
        token=oauth_text,
        scope="submissions:read patients:read",
        expires=timezone.now() + dt.timedelta(hours=1),
    )
    newest()
    found = [find_token(one) for one in (text, scoped_text, oauth_text)]
    narrow = frozenset({"submissions:read"})
    assert [one.scopes for one in found] == [PASSWORD_SCOPES, narrow, narrow]
    assert [one.clinic_id for one in found] == [None, staff.clinic.pk, staff.clinic.pk]
    assert [one.user for one in found] == [staff.clinician, staff.clinician, service.user]
    assert [one.name for one in ApiBearer.list_live(staff.clinician)] == [
        "Ward tablet",
        "Made before tokens had names",
    ]
    for one in found:
        one.end()
    for one in (text, scoped_text, oauth_text):
        with pytest.raises(TokenRefusedError, match="Invalid token"):
            find_token(one)
    assert not AuthToken.objects.filter(pk=formerly.pk).exists()
    assert list(verify_chains()) == []
