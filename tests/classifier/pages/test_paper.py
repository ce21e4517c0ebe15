"""The head of every printed sheet: clinic, patient, who printed it and when."""

import re

import pytest
from django.utils import timezone

from tests.factories import answered_submission

pytestmark = pytest.mark.django_db


def read_head(page):
    head = re.search(r'<div class="print-head">(.*?)</div>\s*</div>', page.text, re.DOTALL)[1]
    return " ".join(re.sub(r"<[^>]+>", " ", head).split())


def test_pages_of_a_patient_name_clinic_patient_and_person(staff, log_in):
    case = answered_submission(staff)
    patient = case.lesion.patient
    client = log_in(staff.clinician)
    today = timezone.localdate()
    for address in (
        f"/submissions/{case.pk}/",
        f"/patients/{patient.pk}/",
        f"/patients/{patient.pk}/privacy/",
        f"/lesions/{case.lesion_id}/",
    ):
        head = read_head(client.get(address))

        assert staff.clinic.name in head, address
        assert f"Record number {patient.mrn} · patient {patient.public_id}" in head, address
        assert f"Printed by {staff.clinician.get_full_name()}" in head, address
        assert f"{today.day} {today:%B %Y}" in head, address


@pytest.mark.parametrize("address", ["/", "/patients/", "/submissions/", "/dashboard/"])
def test_lists_name_clinic_and_person(staff, log_in, address):
    head = read_head(log_in(staff.clinician).get(address))

    assert head.startswith(staff.clinic.name)
    assert f"Printed by {staff.clinician.get_full_name()}" in head
    assert "Record number" not in head
