"""The draft of a case on the device: comes back whole, for its author alone, and only while unsent."""

import re

import pytest
from playwright.sync_api import expect

from classifier.models import Patient, Submission
from tests.browser.conftest import PHONE
from tests.browser.new_case.steps import CASE, TOUCH, bar, fill, give_password, submit
from tests.factories import PatientFactory

pytestmark = pytest.mark.django_db(transaction=True)


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


class TestDraft:
    """A reload, the back button and a dropped tab lose neither words nor photos."""

    def check_whole(self, page):
        expect(
            page.get_by_text(
                re.compile(r"Your draft from \d\d:\d\d .*was kept on this device\. Not sent yet")
            )
        ).to_be_visible()
        expect(page.get_by_label("Medical record number")).to_have_value("SEND-1")
        expect(page.get_by_label("Body site", exact=True)).to_have_value("upper_extremity_shoulder")
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
        page.get_by_label("Body site", exact=True).select_option("upper_extremity_shoulder")
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
        with page.expect_event("dialog") as asked:
            page.evaluate("setTimeout(() => location.reload())")
        assert asked.value.type == "beforeunload"
        asked.value.accept()

    def test_says_when_nothing_can_be_kept(self, visit, staff):
        page = visit(staff.clinician)
        page.add_init_script(
            "delete window.indexedDB; Object.defineProperty(window, 'indexedDB', { value: undefined });"
        )
        page.goto("/submissions/new/")
        expect(page.locator("#draft-state")).to_contain_text("can't keep a draft")
