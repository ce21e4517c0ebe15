"""The demo is made once, of invented people, and never unasked in production."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from classifier.demo import cases
from classifier.demo.people import LOG_INS_FILE, PEOPLE
from classifier.domain.vocabulary import Source
from classifier.models import Submission
from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.roles import Role
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.django_db


def test_two_clinics_and_one_person_in_every_role_are_made_once(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    call_command("create_demo")
    before = (tmp_path / LOG_INS_FILE).read_text()
    call_command("create_demo")
    assert Clinic.objects.count() == 2
    for clinic in Clinic.objects.all():
        assert set(Membership.objects.filter(clinic=clinic).values_list("role", flat=True)) == set(Role)
    assert User.objects.count() == len(PEOPLE) + 1
    assert (tmp_path / LOG_INS_FILE).read_text() == before


def test_the_password_is_told_once_works_and_differs_between_installations(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    call_command("create_demo")
    file = tmp_path / LOG_INS_FILE
    password = file.read_text().split("Password for all: ")[1].strip()
    assert User.objects.get(email="clinician@harbour.example").check_password(password)
    assert len(password) >= 16
    assert oct(Path(file).stat().st_mode)[-3:] == "600"


def test_production_settings_need_an_explicit_flag(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.DERMAPORT_DEMO = False
    with pytest.raises(CommandError, match="yes-in-production"):
        call_command("create_demo")
    assert not User.objects.exists()
    call_command("create_demo", "--yes-in-production")
    assert User.objects.exists()


def test_cases_go_through_the_services_and_only_once(settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    ModelVersionFactory(active=True)
    monkeypatch.setattr(cases, "CASES_PER_CLINIC", {"Harbour Skin Clinic": 3, "Hillside Practice": 1})
    monkeypatch.setattr(cases, "RESULT_WAIT_SECONDS", 0)
    call_command("create_demo", "--cases")
    assert Submission.objects.filter(source=Source.DEMO).count() == 4
    numbers = Submission.objects.values_list("lesion__patient__mrn", flat=True)
    assert all(number.startswith("DEMO-") for number in numbers)
    call_command("create_demo", "--cases")
    assert Submission.objects.count() == 4
