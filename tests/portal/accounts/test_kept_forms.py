"""Without script, what is sent after idleness ended the session is given back to its writer alone."""

import datetime as dt
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from classifier.models import Submission
from classifier.tasks import forget_requests_task
from portal.accounts.models import KeptForm
from portal.audit.models import AuditEvent
from tests.factories import LesionFactory, active_model, draw_jpeg, staff_clinic
from tests.support.second_factor import log_in

pytestmark = pytest.mark.django_db
WORDS = "Zephyrine noticed it in May & it grew"
KEPT = "/accounts/kept/"


@pytest.fixture
def staff(settings, time_machine):
    settings.DERMAPORT_IDLE_MINUTES = 15
    settings.DERMAPORT_KEPT_FORM_MINUTES = 60
    time_machine.move_to(timezone.now(), tick=False)
    active_model()
    return staff_clinic()


@pytest.fixture
def wait(time_machine):
    return lambda minutes: time_machine.shift(dt.timedelta(minutes=minutes))


@pytest.fixture
def case(staff):
    lesion = LesionFactory(patient__clinic=staff.clinic)
    return {
        "clinic": str(staff.clinic.pk),
        "request_key": "6a0e8d0c-5a77-4c38-9f58-2f7f9f1c7a10",
        "patient": str(lesion.patient_id),
        "lesion": str(lesion.pk),
        "capture_kind": "dermoscopic",
        "priority": "routine",
        "clinical_history": WORDS,
    }


@pytest.fixture
def sent(client, staff, wait, case):
    """A new case with an image, sent a quarter of an hour too late."""
    log_in(client, staff.clinician)
    wait(16)
    image = SimpleUploadedFile("lesion.jpg", draw_jpeg(2), "image/jpeg")
    return client.post("/submissions/new/", {**case, "images": [image]})


def resend(page):
    """What the page's own form would send, and where."""
    form = page[page.index("<form", page.index("has not been sent")) :]
    form = form[: form.index("</form>")]
    address = re.search(r'action="([^"]+)"', form)[1].replace("&amp;", "&")
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    del fields["csrfmiddlewaretoken"]
    return address, fields


def test_it_waits_for_its_writer(client, staff, sent):
    assert sent["Location"] == f"/accounts/login/?next={KEPT}"
    assert "Files are not kept" in client.get(sent["Location"]).content.decode()
    assert log_in(client, staff.clinician, next=KEPT)["Location"] == KEPT
    page = client.get(KEPT).content.decode()
    assert WORDS.replace("&", "&amp;") in page
    address, fields = resend(page)
    image = SimpleUploadedFile("lesion.jpg", draw_jpeg(2), "image/jpeg")
    fields["clinical_history"] = WORDS
    assert client.post(address, {**fields, "images": [image]}).status_code == 302
    assert Submission.objects.get().clinical_history == WORDS
    assert not KeptForm.objects.exists()


def test_without_files_the_page_has_the_words_again(client, staff, sent):
    log_in(client, staff.clinician)
    address, fields = resend(client.get(KEPT).content.decode())
    answer = client.post(address, fields)
    assert answer.status_code == 422
    assert "Zephyrine" in answer.content.decode()


def test_it_stays_where_sending_it_again_is_refused(client, staff, wait):
    log_in(client, staff.clinician)
    wait(16)
    client.post(
        "/settings/name/", {"full_name": "Ada", "form_clinic": "6a0e8d0c-5a77-4c38-9f58-2f7f9f1c7a10"}
    )
    log_in(client, staff.clinician)
    address, fields = resend(client.get(KEPT).content.decode())
    assert client.post(address, fields).status_code == 404
    assert "Ada" in client.get(KEPT).content.decode()


def test_log_in_by_another_way_leads_there_too(client, staff, sent):
    assert log_in(client, staff.dermatologist)["Location"] == "/"
    assert log_in(Client(), staff.clinician)["Location"] == KEPT


def test_nobody_else_gets_it(client, staff, sent):
    other = Client()
    log_in(other, staff.dermatologist)
    assert other.get(KEPT)["Location"] == "/"
    row = KeptForm.objects.get()
    other.post(KEPT, {"key": row.pk})
    KeptForm.objects.update(user=staff.dermatologist)
    assert other.get(KEPT)["Location"] == "/", "sealed for its writer"
    assert KeptForm.objects.filter(pk=row.pk).exists()


def test_it_is_kept_sealed_and_its_words_nowhere_else(client, staff, sent, caplog):
    with connection.cursor() as cursor:
        cursor.execute("SELECT path, sealed FROM accounts_keptform")
        stored = cursor.fetchone()
    assert "Zephyrine" not in "".join(stored)
    assert "Zephyrine" not in caplog.text + sent["Location"] + str(client.cookies)
    log_in(client, staff.clinician)
    client.get(KEPT)
    events = AuditEvent.objects.filter(action__in=["user.form_kept", "user.form_given_back"])
    assert {(event.actor, tuple(event.details)) for event in events} == {(staff.clinician, ("fields",))}
    assert events.count() == 2


def test_it_gets_too_old(client, staff, sent, wait):
    wait(61)
    log_in(client, staff.clinician)
    assert client.get(KEPT)["Location"] == "/"
    forget_requests_task()
    assert not KeptForm.objects.exists()


def test_it_can_be_forgotten(client, staff, sent):
    log_in(client, staff.clinician)
    client.post(KEPT, {"key": KeptForm.objects.get().pk})
    assert not KeptForm.objects.exists()
    client.post(KEPT, {"key": "nonsense"})


def test_confirmation_and_tokens_are_not_kept(client, staff, wait):
    log_in(client, staff.clinician)
    wait(16)
    client.post(
        "/settings/name/", {"full_name": "Ada", "step_up_password": "a secret", "csrfmiddlewaretoken": "x"}
    )
    log_in(client, staff.clinician)
    assert resend(client.get(KEPT).content.decode())[1] == {"full_name": "Ada"}


def test_what_another_site_sends_is_not_kept(staff, wait, case):
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff.clinician)
    client.get("/submissions/")
    wait(16)
    assert client.post("/submissions/new/", case).status_code == 403
    assert client.post("/settings/name/", {"full_name": "Ada"}).status_code == 403
    assert not KeptForm.objects.exists()


def test_what_a_script_sent_is_not_kept(client, staff, wait, case):
    log_in(client, staff.clinician)
    wait(16)
    answer = client.post("/submissions/new/", case, headers={"Sec-Fetch-Mode": "cors"})
    assert answer["Location"].endswith("next=/submissions/new/")
    assert not KeptForm.objects.exists()


def test_too_much_is_not_kept(client, staff, wait):
    log_in(client, staff.clinician)
    wait(16)
    answer = client.post("/settings/name/", {"full_name": "x" * 70_000})
    assert answer["Location"].startswith("/accounts/login/?next=/settings/name/")
    assert not KeptForm.objects.exists()
