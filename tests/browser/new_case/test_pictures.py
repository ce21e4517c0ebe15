"""The pictures of a new case: a check on a reduced copy, a kind for each, and one trip of the large file."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import expect

from classifier.demo.lesions import draw_lesion
from classifier.engine import serving
from classifier.models import Submission
from classifier.pages import picture_check
from tests.browser.conftest import DESK, PHONE
from tests.browser.new_case.steps import CASE, TOUCH, bar, fill, submit

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = 1024 * 1024
CHECK = "/submissions/new/image/"


@pytest.fixture
def photograph(tmp_path):
    """A drawn lesion of 12 megapixels with a sensor's noise: about 5 MB, as a phone would send it."""
    image = Image.open(io.BytesIO(draw_lesion(7, kind="naevus"))).convert("RGB").resize((4000, 3000))
    grain = np.random.default_rng(7).normal(0, 9, (3000, 4000, 1))
    pixels = np.clip(np.asarray(image, dtype=np.float32) + grain, 0, 255).astype(np.uint8)
    path = tmp_path / "photograph.jpg"
    Image.fromarray(pixels).save(path, "JPEG", quality=92)
    assert path.stat().st_size > 4 * MEGABYTE
    return path


def sent_bytes(page):
    """Bytes of every request body from now on, by path, as the browser announced them."""
    sent = []

    def note(request):
        length = request.all_headers().get("content-length")
        if length:
            sent.append((re.sub(r"^https?://[^/]+", "", request.url), int(length)))

    page.on("requestfinished", note)
    return sent


def test_a_large_photograph_goes_over_the_line_once(visit, staff, photograph):
    page = visit(staff.clinician, PHONE, **TOUCH)
    sent = sent_bytes(page)
    with page.expect_event("requestfinished", lambda request: CHECK in request.url, timeout=30_000):
        fill(page, str(photograph))
    checked = sum(count for path, count in sent if path == CHECK)
    assert 0 < checked < 0.1 * photograph.stat().st_size
    submit(page)
    page.wait_for_url(CASE, timeout=30_000)
    whole = sum(count for _, count in sent)
    print(f"file {photograph.stat().st_size}, check {checked}, all together {whole}")  # noqa: T201
    assert whole < 1.15 * photograph.stat().st_size
    stored = Submission.objects.get().images.get()
    assert (stored.width, stored.height) == (4000, 3000)


def test_each_picture_has_its_kind(visit, staff, photos):
    page = visit(staff.clinician, PHONE, **TOUCH)
    fill(page, photos(1, 2, 3))
    page.get_by_label("Kind of photo-1.jpg").select_option("overview")
    page.get_by_label("Kind of photo-2.jpg").select_option("dermoscopic")
    page.get_by_label("How it was taken: photo-2.jpg").select_option("contact_polarized")
    page.get_by_label("Kind of photo-3.jpg").select_option("clinical")
    expect(page.get_by_label("How it was taken: photo-1.jpg")).to_be_hidden()
    page.get_by_role("button", name="Remove photo-3.jpg").click()
    submit(page)
    page.wait_for_url(CASE)
    found = Submission.objects.get().images.order_by("position")
    assert [(image.capture_kind, image.dermoscopic_type) for image in found] == [
        ("overview", ""),
        ("dermoscopic", "contact_polarized"),
    ]


def test_kinds_come_back_with_the_draft(visit, staff, photos):
    page = visit(staff.clinician)
    fill(page, photos(1, 2))
    page.get_by_label("Kind of photo-1.jpg").select_option("clinical")
    page.get_by_label("How it was taken: photo-2.jpg").select_option("non_contact_polarized")
    page.wait_for_timeout(800)
    page.reload()
    expect(page.get_by_text("Your draft from")).to_be_visible()
    expect(page.get_by_label("Kind of photo-1.jpg")).to_have_value("clinical")
    expect(page.get_by_label("How it was taken: photo-2.jpg")).to_have_value("non_contact_polarized")


def test_each_keeps_its_kind_when_the_server_refuses_the_form(visit, staff, photos):
    page = visit(staff.clinician)
    fill(page, photos(1, 2, 3))
    page.get_by_label("How it was taken: photo-1.jpg").select_option("contact_polarized")
    page.get_by_label("Kind of photo-2.jpg").select_option("clinical")
    page.get_by_label("Kind of photo-3.jpg").select_option("overview")
    page.get_by_label(re.compile("^Birth date")).fill("1799-01-01")
    submit(page)
    expect(bar(page)).to_contain_text("Birth date: The birth date lies in 1799")
    for number, kind in enumerate(["dermoscopic", "clinical", "overview"], start=1):
        expect(page.get_by_label(f"Kind of photo-{number}.jpg")).to_have_value(kind)
    page.get_by_label(re.compile("^Birth date")).fill("1961-05-17")
    submit(page)
    page.wait_for_url(CASE)
    found = Submission.objects.get().images.order_by("position")
    assert [(image.capture_kind, image.dermoscopic_type) for image in found] == [
        ("dermoscopic", "contact_polarized"),
        ("clinical", ""),
        ("overview", ""),
    ]


def test_a_case_without_a_dermoscopic_picture_says_who_sees_it(visit, staff, photos):
    page = visit(staff.clinician, DESK)
    fill(page, photos(1))
    page.get_by_label("Kind of photo-1.jpg").select_option("clinical")
    expect(bar(page)).to_contain_text("the model won't be asked")
    submit(page)
    page.wait_for_url(CASE)
    assert Submission.objects.get().images.get().capture_kind == "clinical"


class TestCheck:
    """The check beside the thumbnail is the worker's own gates, asked about a reduced copy."""

    @pytest.fixture(autouse=True)
    def gates(self, settings):
        settings.DERMAPORT_GATES = True

    @pytest.fixture
    def drawn(self, tmp_path):
        """A lesion of 12 megapixels: sharp, or blurred as by a hand that moved."""

        def draw(name, blur=0.0):
            image = Image.open(io.BytesIO(draw_lesion(7, kind="naevus"))).convert("RGB").resize((4000, 3000))
            path = tmp_path / name
            image.filter(ImageFilter.GaussianBlur(blur)).save(path, "JPEG", quality=88)
            return str(path)

        return draw

    def line(self, page, name):
        item = page.locator("#picked-images li", has_text=name)
        expect(item.locator(".server-verdict").first).not_to_have_text("Checking…", timeout=20_000)
        return item

    def test_says_what_the_worker_will_say(self, visit, staff, photos, drawn):
        page = visit(staff.clinician, PHONE, **TOUCH)
        paths = {
            "sharp.jpg": drawn("sharp.jpg"),
            "blurred.jpg": drawn("blurred.jpg", blur=60),
            "photo-1.jpg": photos(1)[0],
        }
        fill(page, list(paths.values()))
        for name, path in paths.items():
            with Image.open(path) as image:
                (verdict,) = serving.assess([serving.look_at(np.asarray(image.convert("RGB")))])
            item = self.line(page, name)
            if not verdict.refusals:
                expect(item).to_contain_text("Sharp, bright and large enough.")
            for refusal in verdict.refusals:
                expect(item).to_contain_text(refusal["message"])
        expect(bar(page)).to_have_text("Ready to send. 2 pictures will not be judged.")
        item = self.line(page, "blurred.jpg")
        sharpness = item.get_by_text(re.compile("Sharpness .*at least"))
        expect(sharpness).to_be_hidden()
        item.get_by_text("Numbers").click()
        expect(sharpness).to_be_visible()
        # What no gate concerns is not called wrong.
        page.get_by_label("Kind of blurred.jpg").select_option("clinical")
        expect(item).not_to_contain_text("sharp enough")
        expect(bar(page)).to_have_text("Ready to send. 1 picture will not be judged.")
        submit(page)
        page.wait_for_url(CASE, timeout=30_000)
        assert Submission.objects.get().images.count() == 3

    def test_proposes_the_kind_and_the_person_decides(self, visit, staff, drawn):
        page = visit(staff.clinician)
        page.goto("/submissions/new/")
        page.get_by_label("New patient").check()
        page.locator("[data-part=images] summary").click()
        page.locator("#id_capture_kind").evaluate("(field) => (field.value = 'overview')")
        page.locator("input[type=file][name=images]").set_input_files(drawn("sharp.jpg"))
        expect(page.get_by_label("Kind of sharp.jpg")).to_have_value("dermoscopic", timeout=20_000)
        expect(page.get_by_text("Proposed by the check")).to_be_visible()
        page.get_by_label("Kind of sharp.jpg").select_option("clinical")
        page.locator("input[type=file][name=images]").set_input_files(drawn("second.jpg", blur=1))
        self.line(page, "second.jpg")
        expect(page.get_by_label("Kind of sharp.jpg")).to_have_value("clinical")

    def test_busy_is_said_and_the_case_goes_on(self, visit, staff, photos):
        page = visit(staff.clinician)
        with picture_check.a_free_hand(), picture_check.a_free_hand():
            fill(page, photos(1))
            expect(self.line(page, "photo-1.jpg")).to_contain_text("Not checked: the check is busy.")
        expect(bar(page)).to_have_text("Ready to send.")
        submit(page)
        page.wait_for_url(CASE)

    @pytest.mark.parametrize("answer", ["dead", "broken"])
    def test_without_an_answer_the_case_goes_on(self, visit, staff, photos, answer):
        page = visit(staff.clinician)
        broken = {"status": 502, "body": "<h1>Bad gateway</h1>"}
        page.route(f"**{CHECK}", lambda route: route.abort() if answer == "dead" else route.fulfill(**broken))
        fill(page, photos(1))
        expect(self.line(page, "photo-1.jpg")).to_contain_text("Not checked: no answer came.")
        submit(page)
        page.wait_for_url(CASE)

    def test_the_same_file_is_known_again_by_its_copy(self, visit, staff, drawn):
        page = visit(staff.clinician)
        path = drawn("sharp.jpg")
        fill(page, path)
        submit(page)
        page.wait_for_url(CASE, timeout=30_000)
        fill(page, path, mrn="SEND-2")
        expect(self.line(page, "sharp.jpg")).to_contain_text("The same picture was submitted on")
