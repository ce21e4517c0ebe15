"""Who may ask, what they must say, and that nobody learns which patients exist."""

import datetime as dt
import re

import pytest
from django.utils import timezone

from classifier.domain.errors import ServiceError
from classifier.models import (
    EmergencyAccess,
)
from classifier.privacy.emergency_access import open_emergency
from tests.classifier.emergency.asking import REASON, ask
from tests.factories import (
    MembershipFactory,
    PatientFactory,
)

pytestmark = pytest.mark.django_db


def test_nobody_learns_which_patients_exist(client, side, case):
    PatientFactory(clinic=side.other.clinic, mrn="MRN-78", birth_date=None)
    PatientFactory(clinic=side.own.clinic, mrn="MRN-79", birth_date="1961-05-17")
    wrong = [
        {"birth_date": "1961-05-18"},
        {"mrn": "MRN-7"},
        {"mrn": "MRN-78"},
        {"mrn": "MRN-79"},
    ]
    answers = []
    for changes in wrong:
        answer = ask(client, side, **changes)
        assert answer.status_code == 400
        answers.append(re.findall(r"No patient of this clinic fits[^<]*", answer.text))
    assert all(words == answers[0] != [] for words in answers)
    assert not EmergencyAccess.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": "Emergency"}, "at least 20 characters, received 9"),
        ({"reason": "x" * 1001}, "1001 characters; the limit is 1000"),
        ({"mrn": ""}, "Give the MRN and the birth date"),
        ({"birth_date": ""}, "Give the MRN and the birth date"),
        ({"birth_date": "soon"}, "is not a date"),
        ({"clinic": ""}, "required"),
    ],
)
def test_what_is_missing_is_said(client, side, case, changes, words):
    answer = ask(client, side, **changes)
    assert answer.status_code == 400
    assert words in answer.text
    assert not EmergencyAccess.objects.exists()


def test_own_clinic_needs_no_emergency(client, side, case):
    assert ask(client, side, clinic=side.own.clinic.pk).status_code == 400
    with pytest.raises(ServiceError) as error:
        open_emergency(
            actor=side.own.clinician,
            home_clinic=side.own.clinic,
            clinic=side.own.clinic,
            reason=REASON,
            public_id="P-22222222",
        )
    assert error.value.code == "own_clinic"


@pytest.mark.parametrize("role", ["administrator", "integration"])
def test_only_clinicians_and_dermatologists(side, log_in, case, role):
    assert ask(log_in(side.own.person(role)), side).status_code == 403


def test_not_from_a_clinic_where_one_is_a_guest(side, log_in, case):
    stay = MembershipFactory(
        clinic=side.own.clinic, role="dermatologist", ends_at=timezone.now() + dt.timedelta(days=1)
    )
    assert ask(log_in(stay.user), side).status_code == 403
