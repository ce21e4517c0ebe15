"""The page shows whom the policy would erase; the clinic's page sets it."""

import pytest
from django.urls import reverse
from django.utils import timezone

from classifier.domain.vocabulary import FileStore
from classifier.models import FileRemoval
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.people.services import update_clinic
from tests.support.shown import read_shown

pytestmark = pytest.mark.django_db


def test_page_shows_what_would_go(add, side, log_in):
    patient = add(case=12)
    client = log_in(side.own.administrator)
    page = client.get(reverse("retention")).content.decode()
    assert patient.public_id in page
    assert "1 submission" in page
    assert patient.mrn not in page


def test_policy_is_set_on_the_clinics_page(side, log_in):
    client = log_in(side.own.administrator)
    sent = client.post(
        reverse("clinic-settings"), {"name": "Renamed", "kind": "primary_care", "retention_years": "15"}
    )
    assert sent.status_code == 302
    side.own.clinic.refresh_from_db()
    assert side.own.clinic.retention_years == 15
    with pytest.raises(PeopleError, match="1 to 100 years"):
        update_clinic(actor=side.own.administrator, clinic=side.own.clinic, retention_years=0)


def test_page_that_was_open_all_the_time_switches_no_blinding_off(side, log_in):
    client = log_in(side.own.administrator)
    page = client.get(reverse("clinic-settings")).text
    shown = read_shown(page)
    update_clinic(actor=side.own.administrator, clinic=side.own.clinic, hide_result_until_read=True)

    client.post(reverse("clinic-settings"), {**shown, "kind": "primary_care", "name": "Renamed"})

    side.own.clinic.refresh_from_db()
    assert side.own.clinic.name == "Renamed"
    assert side.own.clinic.hide_result_until_read


def test_files_that_wait_are_told_without_a_number_that_counts_other_clinics(side, log_in):
    client = log_in(side.own.administrator)
    assert "wait to be removed" not in client.get(reverse("retention")).text
    for name in ("one", "two"):
        FileRemoval.objects.create(store=FileStore.DERIVED, name=name, not_before=timezone.now())

    page = client.get(reverse("retention")).text

    assert "Files of erased patients still wait to be removed from the store." in page


def test_another_policy_can_be_tried_out(add, side, log_in):
    patient = add(case=4)
    client = log_in(side.own.administrator)
    assert patient.public_id not in client.get(reverse("retention")).content.decode()
    page = client.get(reverse("retention"), {"years": "3"}).content.decode()
    assert patient.public_id in page
    assert "if data were kept for 3 years" in page
    assert client.get(reverse("retention"), {"years": "soon"}).status_code == 200
