"""The banner, the audit logs of both clinics, and the administrator who is told."""

import logging
import re

import pytest
from django.urls import reverse

from classifier.models import (
    EmergencyAccess,
)
from portal.trust.audit.models import AuditEvent
from tests.classifier.emergency.asking import actions, ask

pytestmark = pytest.mark.django_db


def test_banner_names_patient_end_and_way_out(client, side, case):
    ask(client, side)
    access = EmergencyAccess.objects.get()
    for name in ("home", "patient-list"):
        page = client.get(reverse(name)).text
        assert "Emergency access</strong>" in page
        assert reverse("emergency-end", args=[access.pk]) in page
    client.post(reverse("emergency-end", args=[access.pk]))
    assert "Emergency access</strong>" not in client.get(reverse("home")).text


def test_both_audit_logs_tell_everything_and_no_word(client, side, case, caplog):
    caplog.set_level(logging.DEBUG)
    ask(client, side, birth_date="1961-05-18")
    ask(client, side)
    client.get(reverse("submission-detail", args=[case.pk]))
    client.get(reverse("submission-list") + f"?patient={case.lesion.patient_id}")
    access = EmergencyAccess.objects.get()
    client.post(reverse("emergency-end", args=[access.pk]))
    expected = ["emergency.refused", "emergency.opened", "submission.viewed", "submission.listed"]
    assert actions(side.other) == actions(side.own) == [*expected, "emergency.ended"]
    viewed = AuditEvent.objects.filter(action="submission.viewed")
    assert {event.details["emergency"] for event in viewed} == {str(access.pk)}
    audit_log = str(list(AuditEvent.objects.values("action", "object_id", "details")))
    for place in (audit_log, caplog.text):
        assert not re.search(r"zebedee|MRN-77|1961", place, re.IGNORECASE)


def test_administrator_is_told_until_it_is_seen(client, side, case, log_in):
    ask(client, side)
    access = EmergencyAccess.objects.get()
    administrator = log_in(side.other.administrator)
    assert "1 emergency access" in administrator.get(reverse("home")).text
    page = administrator.get(reverse("emergency-list")).text
    for words in (side.own.clinician.full_name, side.own.clinic.name, "from Zebedee", "MRN-77", "Open now"):
        assert words in page
    administrator.post(reverse("emergency-acknowledge", args=[access.pk]))
    assert "emergency access" not in administrator.get(reverse("home")).text
    access.refresh_from_db()
    assert access.acknowledged_by == side.other.administrator
    assert access.is_live, "seen is not ended"
    assert "emergency.acknowledged" in actions(side.own)
    assert "1 emergency access" not in log_in(side.own.administrator).get(reverse("home")).text
