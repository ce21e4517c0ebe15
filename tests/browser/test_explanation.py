"""Where the model looked, in a real browser with a real worker: asked for, made, laid over the picture."""

import uuid

import pytest
from playwright.sync_api import expect

from tests.support.visiting import list_violations

SECONDS = 1000
MAP_WAIT = 60 * SECONDS
LIMITS = "not why, and not where the disease is"
JUDGED = (
    "SELECT s.id FROM classifier_submission s JOIN accounts_clinic c ON c.id = s.clinic_id "
    "WHERE c.name = 'Harbour Skin Clinic' AND s.source = 'demo' AND s.cancelled_at IS NULL AND EXISTS "
    "(SELECT 1 FROM classifier_submissionimage i JOIN classifier_prediction p ON p.image_id = i.id "
    "WHERE i.submission_id = s.id AND p.state = 'succeeded' AND p.probability IS NOT NULL) AND NOT EXISTS "
    "(SELECT 1 FROM classifier_submissionimage i JOIN classifier_prediction p ON p.image_id = i.id "
    "WHERE i.submission_id = s.id AND p.state <> 'succeeded') ORDER BY s.submitted_at"
)


@pytest.fixture(scope="module")
def cases(portal):
    """Addresses of judged cases of the Harbour clinic, each used by one test."""
    rows = portal.query(JUDGED)
    assert len(rows) >= 2
    # SQLite keeps an id as 32 digits, PostgreSQL as a UUID; addresses take the dashes.
    return [f"/submissions/{uuid.UUID(str(row[0]))}/" for row in rows]


def test_the_map_is_made_and_lies_over_the_picture(open_as, cases):
    page = open_as("clinician")
    page.goto(cases[0])
    ask = page.get_by_role("button", name="Show where the model looked")
    overlay = page.locator(".overlay-image")
    expect(overlay).to_have_count(0)
    ask.click()
    expect(overlay).to_be_visible(timeout=MAP_WAIT)
    expect(page.get_by_text(LIMITS)).to_be_visible()
    expect(overlay).not_to_have_js_property("naturalWidth", 0)
    # It takes the picture's place and follows its zoom.
    place = (
        "box => [...box.querySelectorAll('img')].map(image => JSON.stringify(image.getBoundingClientRect()))"
    )
    page.get_by_title("Zoom in (+)").click()
    picture, over = page.locator("[data-viewer]").evaluate(place)
    assert picture == over
    assert list_violations(page) == []

    switch = page.get_by_label("Show where the model looked")
    page.keyboard.press("h")
    expect(switch).not_to_be_checked()
    expect(overlay).to_be_hidden()
    expect(page.get_by_text(LIMITS)).to_be_hidden()
    page.keyboard.press("h")
    expect(overlay).to_be_visible()

    # There from now on, hidden until wanted; nothing is asked for again.
    page.reload()
    expect(overlay).to_be_hidden()
    switch.check()
    expect(overlay).to_be_visible()
    expect(overlay).not_to_have_js_property("naturalWidth", 0)


def test_it_works_without_javascript(open_as, cases):
    page = open_as("clinician", java_script_enabled=False)
    page.goto(cases[1])
    page.get_by_role("button", name="Show where the model looked").click()
    alone = page.get_by_role("link", name="Show the picture alone")
    for _ in range(30):
        if alone.count():
            break
        page.wait_for_timeout(2 * SECONDS)
        page.reload()
    expect(page.locator(".overlay-image")).to_be_visible()
    expect(page.get_by_text(LIMITS)).to_be_visible()
    alone.click()
    expect(page.locator(".overlay-image")).to_be_hidden()
