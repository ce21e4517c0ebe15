"""A new case that is refused, cut off, reloaded or left: the page says the truth and loses nothing."""

import re

import pytest
from playwright.sync_api import expect

from classifier.models import Patient, Submission
from classifier.views import submission_new
from tests.browser.conftest import DESK, PHONE
from tests.factories import PASSWORD, PatientFactory, active_model, draw_jpeg, staff_clinic

pytestmark = pytest.mark.django_db(transaction=True)
CASE = re.compile(r"/submissions/[0-9a-f-]{36}/$")
TOUCH = {"has_touch": True, "is_mobile": True}


@pytest.fixture
def staff():
    active_model()
    return staff_clinic()


@pytest.fixture
def visit(browser, live_server):
    contexts = []

    def log_in(person, viewport=DESK, **options):
        context = browser.new_context(base_url=live_server.url, viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto("/accounts/login/")
        give_password(page, person)
        page.wait_for_url(re.compile(r"^(?!.*/login/)"))
        return page

    yield log_in
    for context in contexts:
        context.close()


@pytest.fixture
def photos(tmp_path):
    """Paths of drawn pictures."""

    def draw(*seeds):
        paths = [tmp_path / f"photo-{seed}.jpg" for seed in seeds]
        for seed, path in zip(seeds, paths, strict=True):
            path.write_bytes(draw_jpeg(seed, 320))
        return [str(path) for path in paths]

    return draw


@pytest.fixture
def lose_answer(monkeypatch):
    """From the call on, the next case is stored and its answer lost."""

    def lose():
        answer, lost = submission_new.HttpResponseClientRedirect, []

        def break_once(address):
            if not lost:
                lost.append(address)
                raise OSError("the answer is lost")
            return answer(address)

        monkeypatch.setattr(submission_new, "HttpResponseClientRedirect", break_once)

    return lose


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


def stored(page):
    """Everything that lies in the browser's database, as text of its bytes."""
    return page.evaluate(
        """async () => {
            const database = await new Promise((resolve, reject) => {
                const request = indexedDB.open("dermaport-drafts", 1);
                request.onsuccess = () => resolve(request.result);
                request.onerror = reject;
            });
            const rows = [];
            for (const name of database.objectStoreNames) {
                const request = database.transaction(name).objectStore(name).getAll();
                rows.push(...await new Promise((resolve) => (request.onsuccess = () => resolve(request.result))));
            }
            database.close();
            const read = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
                ? new TextDecoder("latin1").decode(value)
                : value && typeof value === "object" ? Object.values(value).map(read).join(" ") : String(value);
            return rows.map(read);
        }"""
    )


class TestTruth:
    """ "Sent" is said when the server has the case."""

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            (403, "Not sent: the portal didn't accept this page"),
            (413, "Not sent: the images are too large together"),
            (429, "Not sent: too much was sent"),
            (500, "the portal has a fault (500)"),
            (502, "the portal has a fault (502)"),
            (200, "Not sent: the portal refused it (200)"),
        ],
    )
    def test_a_refusal_is_said_in_sight_and_all_stays(self, visit, staff, photos, status, words):
        page = visit(staff.clinician, PHONE, **TOUCH)
        fill(page, photos(1))
        page.route("**/submissions/new/", lambda route: route.fulfill(status=status, body="<h1>nginx</h1>"))
        submit(page)
        expect(bar(page)).to_contain_text(words)
        assert is_seen(page, bar(page))
        assert page.get_by_text("nginx").count() == 0
        expect(page.locator("[data-picked] li")).to_have_count(1)
        expect(page.get_by_label("Question")).to_have_value("Excise?")
        assert page.get_by_role("button", name="Submit").get_attribute("aria-busy") is None

        page.unroute("**/submissions/new/")
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


class TestDraft:
    """A reload, the back button and a dropped tab lose neither words nor photos."""

    def check_whole(self, page):
        expect(
            page.get_by_text(
                re.compile(r"Your draft from \d\d:\d\d .*was kept on this device\. Not sent yet")
            )
        ).to_be_visible()
        expect(page.get_by_label("Medical record number")).to_have_value("SEND-1")
        expect(page.get_by_label("Body site")).to_have_value("upper_extremity_shoulder")
        expect(page.get_by_label("Question")).to_have_value("Excise?")
        expect(page.locator("[data-picked] li")).to_have_count(2)
        expect(bar(page)).to_have_text("Not sent yet: press Submit.")

    @pytest.mark.parametrize("way", ["reload", "back", "dropped"])
    def test_comes_back_whole_and_is_sent_once(self, visit, staff, photos, way):
        page = visit(staff.clinician, PHONE, **TOUCH)
        fill(page, photos(1, 2))
        if way == "reload":
            page.reload()
        elif way == "back":
            page.goto("/patients/")
            page.go_back()
        else:
            context = page.context
            page.close()
            page = context.new_page()
            page.goto("/submissions/new/")
        self.check_whole(page)
        submit(page)
        page.wait_for_url(CASE)
        assert Submission.objects.get().images.count() == 2
        assert Patient.objects.get().consents_to_inference
        assert stored(page) == []
        page.goto("/submissions/new/")
        page.wait_for_load_state("networkidle")
        assert page.get_by_text("Your draft").count() == 0

    def test_known_patient_and_lesion_come_back(self, visit, staff, photos):
        patient = PatientFactory(clinic=staff.clinic, mrn="KNOWN-1")
        page = visit(staff.clinician)
        page.goto(f"/submissions/new/?patient={patient.pk}")
        page.get_by_label("Body site").select_option("upper_extremity_shoulder")
        page.locator("input[type=file][name=images]").set_input_files(photos(1))
        expect(page.locator("#draft-state")).to_contain_text("Kept on this device")
        page.reload()
        expect(page.get_by_text("(patient KNOWN-1) was kept on this device")).to_be_visible()
        submit(page)
        page.wait_for_url(CASE)
        assert Submission.objects.get().lesion.patient == patient

    def test_is_unreadable_on_the_device(self, visit, staff, photos):
        page = visit(staff.clinician)
        fill(page, photos(1), mrn="SECRET-MRN")
        lying = " ".join(stored(page))
        assert len(lying) > 3000
        for words in ("SECRET-MRN", "Excise", "photo-1", "JFIF"):
            assert words not in lying

    def test_opens_again_after_idleness_for_the_same_person(self, visit, staff, photos):
        page = visit(staff.clinician)
        fill(page, photos(1, 2))
        page.context.clear_cookies()
        page.goto("/accounts/login/")
        give_password(page, staff.clinician)
        page.wait_for_url(re.compile(r"^(?!.*/login/)"))
        page.goto("/submissions/new/")
        self.check_whole(page)

    def test_is_gone_for_the_next_person(self, visit, staff, photos):
        page = visit(staff.clinician)
        fill(page, photos(1))
        page.context.clear_cookies()
        page.goto("/accounts/login/")
        give_password(page, staff.dermatologist)
        page.wait_for_url(re.compile(r"^(?!.*/login/)"))
        page.goto("/submissions/new/")
        page.wait_for_load_state("networkidle")
        assert page.get_by_label("Medical record number").input_value() == ""
        assert page.get_by_text("draft").count() == 0
        assert stored(page) == []

    def test_is_gone_after_log_out(self, visit, staff, photos):
        page = visit(staff.clinician)
        fill(page, photos(1))
        page.locator(".person").click()
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url(re.compile("/login/"))
        assert stored(page) == []

    def test_discard(self, visit, staff, photos):
        page = visit(staff.clinician)
        fill(page, photos(1, 2))
        page.reload()
        self.check_whole(page)
        page.get_by_role("button", name="Discard").click()
        expect(page.get_by_label("Medical record number")).to_have_value("")
        page.wait_for_load_state("networkidle")
        assert stored(page) == []

    def test_a_second_tab_gets_its_own(self, visit, staff, photos):
        page = visit(staff.clinician)
        fill(page, photos(1))
        other = page.context.new_page()
        other.goto("/submissions/new/")
        other.wait_for_timeout(1000)
        assert other.get_by_text("draft from").count() == 0

    def test_for_another_patient_it_is_offered_only(self, visit, staff, photos):
        patient = PatientFactory(clinic=staff.clinic, mrn="OTHER-1")
        page = visit(staff.clinician)
        fill(page, photos(1, 2))
        page.goto(f"/submissions/new/?patient={patient.pk}")
        expect(page.get_by_text("It was not sent yet")).to_be_visible()
        assert page.locator("[data-picked] li").count() == 0
        page.get_by_role("button", name="Go on with it").click()
        self.check_whole(page)

    def test_what_arrived_while_the_tab_was_lost_is_not_called_unsent(
        self, visit, staff, photos, lose_answer
    ):
        page = visit(staff.clinician)
        fill(page, photos(1))
        lose_answer()
        submit(page)
        expect(bar(page)).to_contain_text("as far as this page knows")
        page.reload()
        expect(page.get_by_text("was sent: the portal has it")).to_be_visible()
        assert stored(page) == []
        page.get_by_role("link", name="Open the case").click()
        page.wait_for_url(CASE)

    def test_says_when_there_is_no_room_for_photos(self, visit, staff, photos):
        page = visit(staff.clinician)
        page.add_init_script(
            """const put = IDBObjectStore.prototype.put;
            IDBObjectStore.prototype.put = function (row) {
                if (this.name === "files") throw new DOMException("full", "QuotaExceededError");
                return put.call(this, row);
            };"""
        )
        page.goto("/submissions/new/")
        page.get_by_label("New patient").check()
        page.locator("input[type=file][name=images]").set_input_files(photos(1))
        expect(page.locator("#draft-state")).to_contain_text("no room for the photos")

    def test_says_when_nothing_can_be_kept(self, visit, staff):
        page = visit(staff.clinician)
        page.add_init_script(
            "delete window.indexedDB; Object.defineProperty(window, 'indexedDB', { value: undefined });"
        )
        page.goto("/submissions/new/")
        expect(page.locator("#draft-state")).to_contain_text("can't keep a draft")


class TestRefused:
    """A refused form leads to its first fault, and the bar says which."""

    @pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["375", "1280"])
    def test_a_wrong_birth_date(self, visit, staff, photos, viewport):
        page = visit(staff.clinician, viewport, **(TOUCH if viewport is PHONE else {}))
        fill(page, photos(1))
        page.get_by_label("Birth date").fill("1799-01-01")
        page.get_by_label("History").scroll_into_view_if_needed()
        submit(page)
        expect(bar(page)).to_contain_text("Birth date: The birth date lies in 1799")
        birth = page.get_by_label("Birth date")
        expect(birth).to_be_focused()
        assert is_seen(page, birth)
        assert is_seen(page, page.locator("#id_birth_date_error, .field:has(#id_birth_date) .errorlist"))
        assert is_seen(page, bar(page))
        expect(page.locator("[data-picked] li")).to_have_count(1)
        birth.fill("1961-05-17")
        expect(bar(page)).to_have_text("Not sent yet: press Submit.")
        submit(page)
        page.wait_for_url(CASE)

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

    @pytest.mark.parametrize("size", [(640, 360), (812, 375), (375, 480)], ids=str)
    @pytest.mark.parametrize("address", ["/", "/submissions/new/", "/patients/", "/settings/"])
    def test_bars_leave_the_page_in_sight(self, visit, staff, size, address):
        page = visit(staff.clinician, {"width": size[0], "height": size[1]})
        page.goto(address)
        page.mouse.wheel(0, 120)
        covered = page.evaluate(
            """() => {
                const bars = [...document.querySelectorAll("body *")].filter((element) =>
                    ["fixed", "sticky"].includes(getComputedStyle(element).position));
                let covered = 0;
                for (let y = 1; y < innerHeight; y += 2) {
                    const hit = document.elementFromPoint(innerWidth / 2, y);
                    if (hit && bars.some((bar) => bar.contains(hit))) covered += 2;
                }
                return covered / innerHeight;
            }"""
        )
        assert covered <= 0.2
