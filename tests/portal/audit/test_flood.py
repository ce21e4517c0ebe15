"""A flood of refusals leaves few events, and one that counts the rest."""

import datetime as dt
import uuid

import pytest
from django.urls import reverse

from portal.trust.audit.models import AuditEvent, EventTally
from portal.trust.audit.services import verify_chains
from portal.trust.audit.tallies import KEPT_EACH, WINDOW, flush_tallies, record_bounded
from tests.portal.audit.conftest import events

pytestmark = pytest.mark.django_db


class TestFlood:
    def flood(self, times=KEPT_EACH * 3, **changes):
        for _ in range(times):
            record_bounded(clinic_id=None, action="token.refused", **changes)

    def test_first_few_are_kept_and_the_rest_counted(self, side, time_machine):
        time_machine.move_to(dt.datetime(2026, 3, 1, 12, 1, tzinfo=dt.UTC), tick=False)
        self.flood()
        assert len(events("token.refused")) == KEPT_EACH
        assert flush_tallies() == 0
        time_machine.shift(WINDOW)
        assert flush_tallies() == 1
        last = events("token.refused")[-1]
        assert last.details == {"more": KEPT_EACH * 2, "since": "2026-03-01T12:00:00+00:00", "minutes": 10}
        assert not EventTally.objects.exists()
        assert list(verify_chains()) == []

    def test_one_person_hides_nobody_else(self, side):
        self.flood(actor=side.own.clinician)
        self.flood(times=1, actor=side.other.clinician)
        assert AuditEvent.objects.filter(actor=side.other.clinician).count() == 1

    def test_made_up_ids_make_no_more(self, client, side):
        client.force_login(side.own.clinician)
        for _ in range(KEPT_EACH + 5):
            client.get(reverse("submission-detail", args=[uuid.uuid4()]))
        assert len(events("access.not_found")) == KEPT_EACH
