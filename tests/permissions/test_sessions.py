"""Each operation of the API and of the FHIR server by a browser's session, which has no scopes.

A person's role decides, as with a token. What a token never carries, and a session may, is a patient
of another clinic who was opened in an emergency: read, and nothing else.
"""

from __future__ import annotations

import pytest
from django.db import transaction

from tests.permissions.calling import call
from tests.permissions.expectations import FORBIDDEN, MISSING, OK, UNAUTHORISED
from tests.permissions.rows import IMAGE, JUDGED, LESION, OUTCOME, PATIENT, PREDICTION, Row
from tests.permissions.test_tokens import ROWS
from tests.permissions.world import ACTORS, World

PEOPLE = [actor for actor in ACTORS if actor not in ("nobody", "deactivated", "operator", "dismissed")]
OPENED = (PATIENT, LESION, JUDGED, IMAGE, PREDICTION, OUTCOME)
"""The rows of the patient whom the emergency opened."""
EXPORTS = {"GET api-image-dicom", "GET api-submission-report"}
ABOUT_OPENED = {"fhir-diagnostic-report-version"}
NAMED_IN_BODY = {
    *("POST api-submissions", "POST api-lesions", "POST api-outcomes"),
    *("POST fhir-base", "POST fhir-service-request-search"),
}
"""What is sent names the opened patient: seen, and so forbidden rather than unknown."""


def expect(row: Row, actor: str) -> str:
    if str(row) == "DELETE api-token":
        # The one address that ends a token takes nothing else.
        return UNAUTHORISED
    answer = row.policy[actor]
    if actor == "emergency":
        answer = expect_in_emergency(row, answer)
    return str(row.status) if answer == OK else answer


def expect_in_emergency(row: Row, answer: str) -> str:
    if str(row) in NAMED_IN_BODY:
        return FORBIDDEN
    is_opened = row.at in OPENED or row.route in ABOUT_OPENED
    if answer != MISSING or not is_opened:
        return answer
    return OK if row.method == "GET" and str(row) not in EXPORTS else FORBIDDEN


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_sessions(world: World, row: Row) -> None:
    wrong = []
    for actor in PEOPLE:
        with transaction.atomic():
            response = call(world.client(actor, by_token=False), row, world, actor)
            transaction.set_rollback(True)
        expected, answer = expect(row, actor), str(response.status_code)
        if answer != expected:
            wrong.append(f"{actor}: expected {expected}, received {answer}")
    assert not wrong, "\n".join(wrong)
