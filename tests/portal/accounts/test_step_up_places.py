"""Each act that takes data out, erases them or tells others of them asks who one is."""

import datetime as dt

import pytest
from django.utils import timezone

from classifier.models import Patient
from tests.factories import PASSWORD, SubmissionFactory, SubmissionImageFactory, staff_clinic
from tests.support.second_factor import log_in
from tests.support.webhooks import WebhookDeliveryFactory, WebhookEndpointFactory

pytestmark = pytest.mark.django_db
LATER = dt.timedelta(minutes=11)
HOOK = {"url": "https://93.184.216.34/hooks", "events": ["review.signed"]}


@pytest.fixture
def staff(settings):
    settings.DERMAPORT_STEP_UP_MINUTES = 10
    return staff_clinic()


@pytest.fixture
def world(staff):
    case = SubmissionFactory(clinic=staff.clinic)
    image = SubmissionImageFactory(submission=case, with_files=True)
    webhook = WebhookEndpointFactory(clinic=staff.clinic)
    delivery = WebhookDeliveryFactory(endpoint=webhook, state="failed")
    patient = case.lesion.patient
    colleague = staff.clinician.memberships.get()
    return {
        "colleague": colleague.pk,
        "image": image.pk,
        "patient": patient.pk,
        "webhook": webhook.pk,
        "delivery": delivery.pk,
    }


@pytest.fixture
def tired(client, staff, time_machine):
    """An administrator who logged in long ago; a call says who they are where the page asks."""
    log_in(client, staff.administrator)
    time_machine.move_to(timezone.now() + LATER)
    return client


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("/images/{image}/dicom/", {}),
        ("/patients/{patient}/archive/", {}),
        ("/patients/{patient}/hold/", {"hold": "yes"}),
        ("/settings/clinic/", {"name": "Clinic", "kind": "primary_care", "retention_years": "12"}),
        ("/settings/people/{colleague}/leave/", {}),
        ("/settings/webhooks/", HOOK),
        ("/settings/webhooks/{webhook}/", HOOK),
        ("/settings/webhooks/{webhook}/test/", {}),
        ("/settings/webhooks/{webhook}/secret/", {}),
        ("/settings/webhooks/{webhook}/active/", {"active": "no"}),
        ("/settings/webhooks/{webhook}/remove/", {}),
        ("/settings/webhooks/deliveries/{delivery}/again/", {}),
    ],
)
def test_place_asks_and_goes_on(tired, world, address, sent):
    page = tired.post(address.format(**world), sent)
    assert page.status_code == 403
    assert "Confirm it is you" in page.content.decode()
    answer = tired.post(address.format(**world), {**sent, "step_up_password": PASSWORD})
    assert answer.status_code in {200, 302}
    assert "Confirm it is you" not in answer.getvalue().decode(errors="replace")


def test_erasing_asks_once_the_form_is_right(tired, world):
    address = f"/patients/{world['patient']}/erase/"
    patient = Patient.objects.get(pk=world["patient"])
    assert tired.post(address, {"reason": "request", "public_id": "wrong"}).status_code == 422
    sent = {"reason": "request", "public_id": patient.public_id}
    page = tired.post(address, sent)
    assert page.status_code == 403
    assert "Confirm it is you" in page.content.decode()
    patient.refresh_from_db()
    assert patient.erased_at is None
    assert tired.post(address, {**sent, "step_up_password": PASSWORD}).status_code == 302
    patient.refresh_from_db()
    assert patient.erased_at is not None


def test_another_name_of_the_clinic_needs_no_confirmation(tired):
    assert tired.post("/settings/clinic/", {"name": "Another", "kind": "primary_care"}).status_code == 302


def test_rights_come_before_the_confirmation(client, staff, world, time_machine):
    log_in(client, staff.clinician)
    time_machine.move_to(timezone.now() + LATER)
    for address in (
        f"/patients/{world['patient']}/archive/",
        f"/settings/webhooks/{world['webhook']}/secret/",
    ):
        assert "Confirm it is you" not in client.post(address).content.decode()
