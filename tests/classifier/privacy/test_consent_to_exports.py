"""Cases without consent stay behind, and the export says so."""

import csv
import io

from django.urls import reverse

from portal.trust.audit.models import AuditEvent
from tests.factories import (
    answered_submission,
)


class TestExports:
    def take(self, client):
        answer = client.post(reverse("submission-export"))
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))
        return answer, [row["submission_id"] for row in rows]

    def test_cases_without_consent_stay_behind_and_are_counted(self, side, say, log_in):
        kept, left = answered_submission(side.own), answered_submission(side.own)
        client = log_in(side.own.administrator)
        assert len(self.take(client)[1]) == 2
        say(left.lesion.patient, "training", False)
        answer, ids = self.take(client)
        assert ids == [str(kept.pk)]
        assert answer["X-Left-Out"] == "1"
        assert answer["Content-Disposition"].endswith('-without-1.csv"')
        event = AuditEvent.objects.filter(action="submission.exported").latest("position")
        assert event.details == {"count": 1, "left_out": 1, "filters": []}
