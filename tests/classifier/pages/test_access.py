"""Visible to one's own clinics only: 404 for others, 403 where the role has no pages."""

import pytest
from django.urls import reverse

from classifier.models import Submission
from portal.trust.accounts.models import Membership
from portal.trust.audit.models import AuditEvent
from tests.factories import UserFactory, answered_submission

pytestmark = pytest.mark.django_db


def addresses(case):
    image = case.images.get()
    return [
        reverse("submission-detail", args=[case.pk]),
        reverse("submission-status", args=[case.pk]),
        reverse("submission-cancel", args=[case.pk]),
        reverse("lesion-detail", args=[case.lesion_id]),
        reverse("patient-detail", args=[case.lesion.patient_id]),
        reverse("patient-edit", args=[case.lesion.patient_id]),
        reverse("submission-lesions", args=[case.lesion.patient_id]),
        reverse("submission-new") + f"?patient={case.lesion.patient_id}",
        reverse("submission-new") + f"?lesion={case.lesion_id}",
        reverse("image-derivative", args=[image.pk]),
        reverse("image-thumbnail", args=[image.pk]),
    ]


def test_other_clinics_rows_do_not_exist(side, log_in):
    case = answered_submission(side.other)
    client = log_in(side.own.clinician)
    before = AuditEvent.objects.count()
    assert {client.get(address).status_code for address in addresses(case)} == {404}
    assert client.post(reverse("submission-retry", args=[case.pk])).status_code == 404
    assert client.post(reverse("submission-cancel", args=[case.pk])).status_code == 404
    assert AuditEvent.objects.exclude(action="access.not_found").count() == before
    assert AuditEvent.objects.filter(chain__clinic=side.other.clinic).count() == 0
    assert Submission.objects.get().cancelled_at is None


def test_member_of_both_clinics_sees_rows_of_the_clinic_not_chosen_now(side, log_in):
    Membership.objects.create(user=side.own.clinician, clinic=side.other.clinic, role="clinician")
    pages = [a for a in addresses(answered_submission(side.other)) if "/images/" not in a]
    client = log_in(side.own.clinician)
    assert {client.get(address).status_code for address in pages} == {200}


def test_rights_are_those_in_the_rows_clinic(side, log_in):
    """An administrator there, a clinician here: nothing can be changed there."""
    Membership.objects.create(user=side.own.clinician, clinic=side.other.clinic, role="administrator")
    case = answered_submission(side.other)
    client = log_in(side.own.clinician)
    assert client.get(reverse("submission-detail", args=[case.pk])).status_code == 200
    assert client.get(reverse("submission-cancel", args=[case.pk])).status_code == 403
    assert client.post(reverse("submission-cancel", args=[case.pk])).status_code == 403
    assert client.get(reverse("patient-edit", args=[case.lesion.patient_id])).status_code == 403
    assert client.get(reverse("submission-new") + f"?lesion={case.lesion_id}").status_code == 403


def test_integrations_have_no_pages(side, log_in):
    case = answered_submission(side.own)
    client = log_in(side.own.integration)
    assert client.get(reverse("home")).status_code == 403
    assert client.get(reverse("submission-detail", args=[case.pk])).status_code == 403


def test_nobody_is_sent_to_log_in(side, client):
    for address in [*addresses(answered_submission(side.own)), reverse("home"), reverse("patient-list")]:
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


def test_fragment_of_an_ended_session_is_not_the_log_in_page(side, client):
    case = answered_submission(side.own)
    for name, args in (("submission-status", [case.pk]), ("home-columns", [])):
        response = client.get(reverse(name, args=args), headers={"HX-Request": "true"})
        assert response.status_code == 401
        assert response.content == b""


def test_person_without_a_clinic_is_told_whom_to_ask(db, log_in):
    response = log_in(UserFactory(email="lost@clinic.example")).get(reverse("home"))
    assert response.status_code == 403
    assert "lost@clinic.example" in response.text


def test_every_page_leaves_one_event(staff, log_in):
    case = answered_submission(staff)
    client = log_in(staff.clinician)
    expected = {
        reverse("home"): "submission.listed",
        reverse("patient-list"): "patient.listed",
        reverse("patient-detail", args=[case.lesion.patient_id]): "patient.viewed",
        reverse("lesion-detail", args=[case.lesion_id]): "lesion.viewed",
        reverse("submission-detail", args=[case.pk]): "submission.viewed",
        reverse("submission-new"): "patient.listed",
    }
    for address, action in expected.items():
        before = AuditEvent.objects.count()
        client.get(address)
        assert AuditEvent.objects.count() == before + 1, address
        event = AuditEvent.objects.filter(chain__clinic=staff.clinic).order_by("position").last()
        assert (event.action, event.actor) == (action, staff.clinician)
