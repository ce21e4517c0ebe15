"""What a person does on the page of a new case, and how to look at it."""

import re

from playwright.sync_api import expect

from tests.factories import PASSWORD

CASE = re.compile(r"/submissions/[0-9a-f-]{36}/$")
TOUCH = {"has_touch": True, "is_mobile": True}


def give_password(page, person):
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def fill(page, photos, mrn="SEND-1", consent="Yes"):
    """Everything that a case needs; waits until the draft of it lies on the device."""
    page.goto("/submissions/new/")
    page.get_by_label("New patient").check()
    page.get_by_label("Medical record number").fill(mrn)
    if consent:
        page.get_by_role("group", name="agree").get_by_label(consent, exact=True).check()
    page.get_by_label("Body site").select_option("upper_extremity_shoulder")
    page.locator("input[type=file][name=images]").set_input_files(photos)
    page.get_by_label("Question").fill("Excise?")
    expect(page.locator("#draft-state")).to_contain_text("Kept on this device")


def bar(page):
    return page.locator("#still-missing")


def submit(page):
    page.get_by_role("button", name="Submit").click()


def is_seen(page, locator):
    """Whether the middle of it is on the screen, under no bar."""
    return locator.first.evaluate(
        """(element) => {
            const { left, top, width, height } = element.getBoundingClientRect();
            const hit = document.elementFromPoint(left + width / 2, top + height / 2);
            return Boolean(hit) && (element.contains(hit) || hit.contains(element) && !hit.closest(".topbar, .places, .sticky-bar"));
        }"""
    )
