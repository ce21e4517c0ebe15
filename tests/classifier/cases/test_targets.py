"""Targets: the days that a clinic gives for an order, also while one is being signed."""

import datetime as dt
import threading
import time
import uuid

import pytest
from django.db import connection, transaction

from classifier.cases import targets
from classifier.cases.reviews import Decision, sign_review
from classifier.cases.targets import set_targets
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.models import Submission
from classifier.standing.columns import find_differences
from portal.trust.accounts.models import Clinic
from tests.factories import (
    LesionFactory,
    answered_submission,
    staff_clinic,
)
from tests.support.threads import run_in_threads


def sign(staff, case, diagnosis="melanoma", management="excise"):
    return sign_review(
        actor=staff.dermatologist,
        submission=case,
        decision=Decision(diagnosis=diagnosis, management=management),
    )


@pytest.mark.django_db
class TestDeadlines:
    def test_open_orders_get_their_new_day(self, staff):
        case = answered_submission(staff, "malignant")
        review = sign(staff, case)
        set_targets(
            actor=staff.administrator,
            clinic=staff.clinic,
            reading_target_days=2,
            order_target_days={"excise": 7, "biopsy": 14},
        )
        assert Submission.objects.get().order_due_at == review.signed_at + dt.timedelta(days=7)
        staff.clinic.refresh_from_db()
        assert staff.clinic.order_target_days == {"excise": 7}, "a default is not kept"

    def test_patients_are_locked_in_one_order_through_all_batches(self, staff, monkeypatch):
        for number in "31524":
            lesion = LesionFactory(clinic=staff.clinic, patient__pk=uuid.UUID(number * 32))
            sign(staff, answered_submission(staff, "malignant", lesion=lesion))
        locked = []
        monkeypatch.setattr(targets, "BATCH", 1)
        monkeypatch.setattr(targets, "lock_patients", lambda *, submissions: locked.extend(submissions))
        set_targets(
            actor=staff.administrator,
            clinic=staff.clinic,
            reading_target_days=2,
            order_target_days={"excise": 7},
        )
        patients = [Submission.objects.get(pk=pk).lesion.patient_id for pk in locked]
        assert patients == sorted(patients)
        assert len(patients) == 5

    def test_what_is_signed_meanwhile_gets_its_new_day_too(self, staff, monkeypatch):
        """Signed after the open orders were listed and before the clinic's row was locked."""
        first, second = (answered_submission(staff, "malignant") for _ in range(2))
        sign(staff, first)
        locked = []

        def lock(*, submissions):
            locked.append(set(submissions))
            if len(locked) == 1:
                sign(staff, second)

        monkeypatch.setattr(targets, "lock_patients", lock)
        set_targets(
            actor=staff.administrator,
            clinic=staff.clinic,
            reading_target_days=2,
            order_target_days={"excise": 7},
        )
        assert locked == [{first.pk}, {first.pk, second.pk}], (
            "it begins again: nobody waits behind the clinic"
        )
        assert not list(find_differences())

    def test_gives_up_where_one_is_signed_after_another(self, staff, monkeypatch):
        sign(staff, answered_submission(staff, "malignant"))
        monkeypatch.setattr(
            targets, "lock_patients", lambda **_: sign(staff, answered_submission(staff, "malignant"))
        )
        with pytest.raises(ConflictError) as caught:
            set_targets(
                actor=staff.administrator,
                clinic=staff.clinic,
                reading_target_days=2,
                order_target_days={"excise": 7},
            )
        assert caught.value.code == "changed_meanwhile"
        assert Clinic.objects.get(pk=staff.clinic.pk).order_target_days == {}

    @pytest.mark.parametrize(
        ("reading", "orders", "code"),
        [
            (0, {}, "days_out_of_range"),
            (31, {}, "days_out_of_range"),
            (2, {"excise": 0}, "days_out_of_range"),
            (2, {"excise": 731}, "days_out_of_range"),
            (2, {"no_action": 5}, "order_unknown"),
        ],
    )
    def test_limits(self, staff, reading, orders, code):
        with pytest.raises(InvalidInputError) as caught:
            set_targets(
                actor=staff.administrator,
                clinic=staff.clinic,
                reading_target_days=reading,
                order_target_days=orders,
            )
        assert caught.value.code == code


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_signed_while_the_days_change():
    """The signature isn't committed when the open orders are listed, and has read the old days."""
    staff = staff_clinic()
    case = answered_submission(staff, "malignant")
    is_signed, is_setting = threading.Event(), threading.Event()

    def act(number):
        if number:
            assert is_signed.wait(20)
            is_setting.set()
            set_targets(
                actor=staff.administrator,
                clinic=staff.clinic,
                reading_target_days=2,
                order_target_days={"excise": 7},
            )
            return
        with transaction.atomic():
            sign(staff, case)
            is_signed.set()
            assert is_setting.wait(20)
            time.sleep(1.5)

    assert run_in_threads(2, act) == [None, None]
    case.refresh_from_db()
    assert case.order_due_at == case.reviews.get().signed_at + dt.timedelta(days=7)
    assert not list(find_differences())
