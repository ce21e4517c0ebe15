"""An installation is upgraded: people, tokens and events stay, and what nothing reads any more goes."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.audit.services import record_event, verify_chains
from tests.factories import staff_clinic

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = ("accounts", "0011_clinic_targets")


@pytest.fixture
def newest() -> Iterator[Callable[[], None]]:
    """Migrate to the newest; done after the test whatever happens."""
    found = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield lambda: MigrationExecutor(connection).migrate(found)
    MigrationExecutor(connection).migrate(found)


@pytest.fixture
def old(newest):
    """The models as the version before knew them, on its tables."""
    executor = MigrationExecutor(connection)
    executor.migrate([BEFORE])
    return executor.loader.project_state([BEFORE]).apps.get_model


def test_kept_forms_go_and_their_people_and_events_stay(newest, old):
    person = staff_clinic().clinician
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
