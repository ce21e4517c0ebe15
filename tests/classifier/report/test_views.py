"""The report from the page and over the API."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from classifier.models import EmergencyAccess
from classifier.pages.emergency_session import SESSION_KEY
from portal.trust.audit.models import AuditEvent
from tests.classifier.report.papers import add_image, judge, make_case, read_pages
from tests.factories import PredictionFactory, staff_clinic

ACTION = "submission.report_exported"


def call_api(user, case):
    _, text = AuthToken.objects.create(user=user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client.get(f"/api/v1/submissions/{case.pk}/report/")


def check_file(response, case):
    assert response.status_code == 200
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == f'attachment; filename="{case.pk}.pdf"'
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "MRN-QUACK" in read_pages(response.content)[0]


def test_from_the_page(staff, client):
    case = make_case(staff)
    judge(case)
    client.force_login(staff.clinician)
    address = reverse("submission-report", args=[case.pk])
    page = client.get(reverse("submission-detail", args=[case.pk])).content.decode()
    assert f'href="{address}"' in page
    check_file(client.get(address), case)
    page = client.get(reverse("submission-detail", args=[case.pk])).content.decode()
    assert "Report downloaded as PDF" in page


def test_page_offers_none_while_in_work_and_says_why(staff, client):
    case = make_case(staff)
    PredictionFactory(image=add_image(case))
    client.force_login(staff.clinician)
    address = reverse("submission-report", args=[case.pk])
    page = client.get(reverse("submission-detail", args=[case.pk])).content.decode()
    assert address not in page
    back = client.get(address, follow=True)
    assert back.redirect_chain == [(reverse("submission-detail", args=[case.pk]), 302)]
    assert "Take the report when it is finished." in back.content.decode()


def test_foreign_clinic_finds_none(staff, client):
    case = make_case(staff)
    judge(case)
    stranger = staff_clinic().clinician
    client.force_login(stranger)
    assert client.get(reverse("submission-report", args=[case.pk])).status_code == 404
    assert call_api(stranger, case).status_code == 404
    assert not AuditEvent.objects.filter(action=ACTION).exists()


def test_reader_in_an_emergency_sees_the_page_and_takes_nothing(staff, client):
    case = make_case(staff)
    judge(case)
    home = staff_clinic()
    access = EmergencyAccess.objects.create(
        user=home.clinician,
        home_clinic=home.clinic,
        patient=case.lesion.patient,
        clinic=staff.clinic,
        reason="Unconscious in our emergency room",
        granted_at=timezone.now(),
        expires_at=timezone.now() + dt.timedelta(hours=1),
    )
    client.force_login(home.clinician)
    session = client.session
    session[SESSION_KEY] = [str(access.pk)]
    session.save()
    address = reverse("submission-report", args=[case.pk])
    page = client.get(reverse("submission-detail", args=[case.pk]))
    assert page.status_code == 200
    assert address not in page.content.decode()
    assert client.get(address).status_code == 403
    assert client.get(f"/api/v1/submissions/{case.pk}/report/").status_code == 403
    assert not AuditEvent.objects.filter(action=ACTION).exists()


def test_over_the_api(staff):
    case = make_case(staff)
    judge(case)
    check_file(call_api(staff.integration, case), case)
    assert AuditEvent.objects.get(action=ACTION).actor == staff.integration


def test_api_says_what_is_wrong(staff):
    case = make_case(staff)
    PredictionFactory(image=add_image(case))
    answer = call_api(staff.integration, case)
    assert (answer.status_code, answer.json()["code"]) == (409, "report_unfinished")
    lost = make_case(staff, mrn="MRN-LOST")
    image = judge(lost).image
    image.derivative.storage.delete(image.derivative.name)
    answer = call_api(staff.integration, lost)
    assert (answer.status_code, answer.json()["code"]) == (503, "image_unavailable")


@pytest.mark.parametrize("role", ["clinician", "dermatologist", "administrator"])
def test_browser_is_not_asked_again_as_for_printing(staff, client, role):
    case = make_case(staff)
    judge(case)
    client.force_login(staff.person(role))
    check_file(client.get(reverse("submission-report", args=[case.pk])), case)
    check_file(client.get(f"/api/v1/submissions/{case.pk}/report/"), case)
