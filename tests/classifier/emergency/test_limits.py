"""So many tries an hour, and what the database itself refuses."""

import datetime as dt
import threading

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from classifier.domain.errors import ConflictError, ServiceError
from classifier.models import (
    EmergencyAccess,
)
from classifier.privacy.emergency_access import open_emergency
from tests.classifier.emergency.asking import REASON, ask

pytestmark = pytest.mark.django_db


def test_so_many_tries_an_hour(client, side, case, settings):
    settings.DERMAPORT_EMERGENCY_ATTEMPTS = 3
    for _ in range(3):
        assert ask(client, side, mrn="MRN-1").status_code == 400
    refused = ask(client, side)
    assert refused.status_code == 429
    assert "the limit is 3" in refused.text
    assert not EmergencyAccess.objects.exists()
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=61), tick=False):
        assert ask(client, side).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_limit_holds_for_many_at_once(side, case, settings):
    settings.DERMAPORT_EMERGENCY_ATTEMPTS = 2
    start, outcomes = threading.Barrier(6), []

    def guess(number):
        start.wait()
        try:
            open_emergency(
                actor=side.own.clinician,
                home_clinic=side.own.clinic,
                clinic=side.other.clinic,
                reason=REASON,
                public_id=f"P-{number}",
            )
        except ConflictError as error:
            outcomes.append(error.code)
        except ServiceError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["patient_not_found"] * 2 + ["too_many_attempts"] * 4


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("emergency_has_reason", {"reason": ""}),
        ("emergency_expires", {"expires_at": timezone.now() - dt.timedelta(days=1)}),
        ("emergency_acknowledged_by_someone", {"acknowledged_at": timezone.now()}),
    ],
)
def test_constraints_hold(client, side, case, name, changes):
    ask(client, side)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        EmergencyAccess.objects.update(**changes)


def test_another_clinic_and_one_open(client, side, case):
    ask(client, side)
    with pytest.raises(IntegrityError, match="emergency_is_for_another_clinic"), transaction.atomic():
        EmergencyAccess.objects.update(clinic=side.own.clinic)
    ask(client, side)
    # SQLite names the columns of a unique index, PostgreSQL the constraint.
    with pytest.raises(IntegrityError, match=r"emergency_one_open|user_id"), transaction.atomic():
        EmergencyAccess.objects.update(ended_at=None)
