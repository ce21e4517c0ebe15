"""The lesion's outline, in a real browser with a real worker and the shipped network: asked for and shown by a key."""

from playwright.sync_api import expect

from tests.browser.test_explanation import MAP_WAIT, cases  # noqa: F401 (a fixture)
from tests.support.visiting import list_violations


def test_the_outline_is_drawn_over_the_picture_and_follows_its_zoom(open_as, cases):  # noqa: F811 (a fixture)
    page = open_as("clinician")
    page.goto(cases[0])
    outline, switch = page.locator(".overlay-outline"), page.get_by_label("Show the outline of the lesion")
    if not outline.count():  # an idle worker may have been faster
        page.keyboard.press("y")
    else:
        switch.check()
    expect(outline).to_be_visible(timeout=MAP_WAIT)
    expect(page.get_by_text("No part of the answer, and no diagnosis.")).to_be_visible()
    place = (
        "box => [...box.querySelectorAll('img:not([hidden]), svg.overlay-outline')].map(one => "
        "JSON.stringify(one.getBoundingClientRect()))"
    )
    page.get_by_title("Zoom in (+)").click()
    picture, over = page.locator("[data-viewer]").evaluate(place)
    assert picture == over
    assert list_violations(page) == []
    page.keyboard.press("y")
    expect(outline).to_be_hidden()
    expect(page.get_by_text("No part of the answer, and no diagnosis.")).to_be_hidden()
    page.keyboard.press("y")
    expect(outline).to_be_visible()
    page.reload()
    expect(outline).to_be_hidden()
