"""A new case that is refused, cut off, reloaded or left: the page says the truth and loses nothing."""

import re

import pytest
from playwright.sync_api import expect

from classifier.models import Submission
from tests.browser.conftest import PHONE
from tests.browser.new_case.steps import CASE, TOUCH, bar, fill, give_password, is_seen, submit

pytestmark = pytest.mark.django_db(transaction=True)


NEW = "**/submissions/new/"
REFUSALS = {
    403: "Not sent: the portal didn't accept this page",
    413: "Not sent: the images are too large together",
    429: "Not sent: too much was sent",
    500: "the portal has a fault (500)",
    502: "the portal has a fault (502)",
    200: "something between this device and the portal answered in its place",
    409: "Not sent: the portal refused it (409)",
}
"""What the bar says of an answer that is no case: by the portal, or by something on the way."""


def answer_with(status):
    return lambda route: route.fulfill(status=status, body="<h1>nginx</h1>")


class TestTruth:
    """ "Sent" is said when the server has the case."""

    def test_a_refusal_is_said_in_sight_and_all_stays(self, visit, staff, photos):
        page = visit(staff.clinician, PHONE, **TOUCH)
        fill(page, photos(1))
        wrong = []
        for status, words in REFUSALS.items():
            page.route(NEW, answer_with(status))
            submit(page)
            try:
                expect(bar(page)).to_contain_text(words)
                assert is_seen(page, bar(page))
                assert page.get_by_text("nginx").count() == 0
                expect(page.locator("[data-picked] li")).to_have_count(1)
                expect(page.get_by_label("Question")).to_have_value("Excise?")
                assert page.get_by_role("button", name="Submit").get_attribute("aria-busy") is None
            except AssertionError as fault:
                wrong.append(f"{status}: {fault}")
            page.unroute(NEW)
        assert not wrong, "\n".join(wrong)

        assert Submission.objects.count() == 0
        submit(page)
        page.wait_for_url(CASE)
        assert Submission.objects.count() == 1

    def test_a_dead_connection_is_no_sent_case(self, visit, staff, photos):
        page = visit(staff.clinician)
        fill(page, photos(1))
        said = watch_bar(page)
        page.route("**/submissions/new/", lambda route: route.abort("connectionreset"))
        submit(page)
        expect(bar(page)).to_contain_text("the connection broke before the portal answered")
        page.unroute("**/submissions/new/")
        assert "Sending…" in said()
        assert not [words for words in said() if words.startswith("Sent")]
        submit(page)
        page.wait_for_url(CASE)
        assert Submission.objects.count() == 1

    def test_a_lost_answer_makes_no_second_case(self, visit, staff, photos, lose_answer):
        page = visit(staff.clinician)
        fill(page, photos(1))
        lose_answer()
        submit(page)
        expect(bar(page)).to_contain_text("Not sent, as far as this page knows: the portal has a fault (500)")
        assert Submission.objects.count() == 1
        submit(page)
        page.wait_for_url(CASE)
        assert Submission.objects.count() == 1

    def test_a_session_that_is_gone(self, visit, staff, photos):
        page = visit(staff.clinician, PHONE, **TOUCH)
        fill(page, photos(1, 2))
        said = watch_bar(page)
        page.context.clear_cookies(name="sessionid")
        submit(page)
        over = page.get_by_role("dialog", name="You were logged out")
        expect(over).to_be_visible()
        with page.context.expect_page() as opened:
            over.get_by_role("link", name="Log in again").click()
        give_password(opened.value, staff.clinician)
        expect(opened.value.get_by_role("heading", name="You are logged in again")).to_be_visible()
        opened.value.close()
        expect(over).to_be_hidden(timeout=20_000)
        expect(bar(page)).to_have_text("Not sent yet: press Submit.")
        assert not [words for words in said() if words.startswith("Sent")]
        assert Submission.objects.count() == 0
        submit(page)
        page.wait_for_url(CASE)
        assert Submission.objects.get().images.count() == 2

    def test_the_token_of_the_page_is_renewed_whatever_its_cookie_is_called(
        self, visit, staff, photos, settings
    ):
        settings.CSRF_COOKIE_NAME = "other-csrf"
        page = visit(staff.clinician)
        fill(page, photos(1))
        page.context.clear_cookies()
        other = page.context.new_page()
        other.goto("/accounts/login/")
        give_password(other, staff.clinician)
        other.wait_for_url(re.compile(r"^(?!.*/login/)"))
        other.close()
        submit(page)
        expect(bar(page)).to_contain_text(re.compile("Press Submit once more|Not sent yet: press Submit"))
        page.wait_for_timeout(500)
        submit(page)
        page.wait_for_url(CASE)

    def test_what_was_pressed_elsewhere_and_not_done_is_said_in_sight(self, visit, staff):
        page = visit(staff.clinician)
        page.goto("/submissions/new/")
        page.evaluate(
            """() => {
                const form = document.createElement("form");
                form.setAttribute("hx-post", "/nowhere/");
                form.innerHTML = "<button id='press'>Press</button>";
                form.style.marginTop = "200vh";
                document.getElementById("main").append(form);
                htmx.process(form);
            }"""
        )
        page.route("**/nowhere/", lambda route: route.abort("connectionreset"))
        page.locator("#press").click()
        notice = page.get_by_text("Not done: the portal can't be reached")
        expect(notice).to_be_visible()
        assert is_seen(page, notice)


def watch_bar(page):
    """Everything that the bar says from now on."""
    page.evaluate(
        """() => {
            window.said = [];
            const look = () => window.said.push(document.getElementById("still-missing").textContent.trim());
            new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
        }"""
    )
    return lambda: page.evaluate("window.said")


class TestRefused:
    """A refused form leads to its first fault, and the bar says which. (A wrong birth date: walks.)"""

    def test_consent_that_nobody_chose(self, visit, staff, photos):
        page = visit(staff.clinician, PHONE, **TOUCH)
        fill(page, photos(1), consent=None)
        assert page.locator("[name=consents_to_inference]:checked").count() == 0
        expect(bar(page)).to_contain_text("Still missing: consent")
        submit(page)
        expect(bar(page)).to_contain_text("Choose yes or no, as the patient said.")
        group = page.get_by_role("group", name="agree")
        assert is_seen(page, group)
        group.get_by_label("No", exact=True).check()
        submit(page)
        expect(bar(page)).to_contain_text("has not agreed")
        assert Submission.objects.count() == 0


class TestLittleHeight:
    """200 % zoom on a laptop, and a phone on its side."""

    def test_bars_leave_the_page_in_sight(self, visit, staff):
        page = visit(staff.clinician)
        too_much = {}
        for address in ("/", "/submissions/new/", "/patients/", "/settings/"):
            page.goto(address)
            for width, height in ((640, 360), (812, 375), (375, 480)):
                page.set_viewport_size({"width": width, "height": height})
                page.mouse.move(width / 2, height / 2)
                page.mouse.wheel(0, 120)
                share = page.evaluate(COVERED)
                if share > 0.2:
                    too_much[address, width, height] = share
        assert too_much == {}


COVERED = """() => {
    const bars = [...document.querySelectorAll("body *")].filter((element) =>
        ["fixed", "sticky"].includes(getComputedStyle(element).position));
    let covered = 0;
    for (let y = 1; y < innerHeight; y += 2) {
        const hit = document.elementFromPoint(innerWidth / 2, y);
        if (hit && bars.some((bar) => bar.contains(hit))) covered += 2;
    }
    return covered / innerHeight;
}"""
"""The share of the window's height that bars cover."""
