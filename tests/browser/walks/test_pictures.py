"""The form's check and the worker are one gate, and the worker judges the right picture: on the real ones.

The portal runs as it ships. What the form says beside a thumbnail is compared with what the worker
then says of the same file on the page of its case.
"""

import io
import os
import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import expect

from classifier.demo.lesions import draw_lesion
from tests.browser.conftest import DESK, PHONE
from tests.browser.new_case.steps import CASE, TOUCH, fill, submit
from tests.support.live_clinic import PASSWORD, LiveClinic
from tests.support.visiting import log_in_by_http

pytestmark = [pytest.mark.walk, pytest.mark.stack]
DATA = Path(os.environ.get("DERMAPORT_DATA", Path(__file__).parents[4] / "shared" / "data"))
ORIGINALS, PETS = DATA / "isic-archive-mixed" / "originals", DATA / "ood" / "pets"
RESULT_WAIT = 90_000
WILL_BE_JUDGED = "Sharp, bright and large enough."
WONT_BE_JUDGED = "You can send it all the same; the model will not judge it."
CHECKED = re.compile(f"{re.escape(WILL_BE_JUDGED)}|{re.escape(WONT_BE_JUDGED)}|may ")


@pytest.fixture(scope="module")
def clinic(gated_stack):
    return LiveClinic(gated_stack)


@pytest.fixture
def open_stack(browser, clinic):
    contexts = []

    def log_in(role, viewport, **options):
        context = browser.new_context(base_url=clinic.stack.url, viewport=viewport, **options)
        contexts.append(context)
        log_in_by_http(context, clinic.stack.url, f"{role}@{clinic.domain}", PASSWORD)
        return context.new_page()

    yield log_in
    for context in contexts:
        context.close()


@pytest.fixture
def phone(open_stack):
    return open_stack("clinician", PHONE, **TOUCH)


def draw_cat(_seed=0):
    """Ears, eyes and whiskers before a wallpaper: sharp, bright and large enough, and no lesion."""
    image = Image.new("RGB", (1280, 960), (90, 150, 210))
    draw = ImageDraw.Draw(image)
    for left in range(0, 1280, 80):
        draw.rectangle((left, 0, left + 36, 960), fill=(60, 160, 80))
    fur, dark = (96, 92, 88), (70, 66, 62)
    for ear in ([(380, 330), (420, 80), (600, 260)], [(900, 330), (860, 80), (680, 260)]):
        draw.polygon(ear, fill=dark)
    draw.ellipse((360, 200, 920, 700), fill=fur)
    draw.ellipse((260, 620, 1020, 1200), fill=fur)
    for x in (520, 760):
        draw.ellipse((x - 60, 370, x + 60, 470), fill=(200, 210, 60))
        draw.ellipse((x - 14, 372, x + 14, 468), fill=(8, 8, 8))
    draw.polygon([(610, 520), (670, 520), (640, 560)], fill=(230, 140, 150))
    for rise in (-40, 0, 40):
        draw.line((600, 560, 330, 540 + rise), fill=(250, 250, 250), width=5)
        draw.line((680, 560, 950, 540 + rise), fill=(250, 250, 250), width=5)
    return image


def draw_12_megapixels(seed, blur=0.0):
    drawn = Image.open(io.BytesIO(draw_lesion(seed, kind="naevus"))).convert("RGB")
    return drawn.resize((4000, 3000)).filter(ImageFilter.GaussianBlur(blur))


def draw_blurred(seed):
    return draw_12_megapixels(seed, blur=60)


@pytest.fixture
def save(tmp_path):
    def save(name, image):
        path = tmp_path / name
        image.save(path, "JPEG", quality=90)
        return str(path)

    return save


def read_check(page, name):
    """What stands beside the thumbnail once the check has answered."""
    item = page.locator("#picked-images li", has_text=name)
    expect(item).to_contain_text(CHECKED, timeout=20_000)
    return item.inner_text()


def send_and_wait(page):
    """What the page of the case says once the worker is done."""
    submit(page)
    page.wait_for_url(CASE, timeout=30_000)
    expect(page.locator("#standing:not([hx-get])")).to_be_visible(timeout=RESULT_WAIT)
    return page.locator("#standing").inner_text()


def compare(page, path):
    """Send a picture as dermoscopic; returns what the form said of it and what the case says."""
    name = Path(path).name
    fill(page, path, mrn=name)
    page.get_by_label(f"Kind of {name}").select_option("dermoscopic")
    return read_check(page, name), send_and_wait(page)


def list_sentences(text):
    return {line.strip() for line in text.splitlines() if line.strip().startswith("This ")}


class TestOneGate:
    @pytest.mark.parametrize("draw", [draw_cat, draw_blurred], ids=["cat", "blurred"])
    def test_what_cannot_be_judged(self, phone, save, draw):
        said, standing = compare(phone, save(f"{draw.__name__}.jpg", draw(7)))
        assert WONT_BE_JUDGED in said
        assert "Not judged" in standing
        refusals = list_sentences(standing)
        assert refusals
        assert refusals <= list_sentences(said)

    def test_twelve_megapixels(self, phone, save):
        said, standing = compare(phone, save("large.jpg", draw_12_megapixels(7)))
        assert WILL_BE_JUDGED in said
        assert "Not judged" not in standing

    @pytest.mark.skipif(not PETS.is_dir(), reason="the pictures of pets (DERMAPORT_DATA) are not here")
    def test_a_real_cat(self, phone):
        said, standing = compare(phone, str(min(PETS.glob("cat_*.jpg"))))
        assert WONT_BE_JUDGED in said
        assert "Not judged" in standing

    @pytest.mark.skipif(
        not ORIGINALS.is_dir(), reason="the originals of the archive (DERMAPORT_DATA) are not here"
    )
    def test_real_originals_of_melanomas(self, phone):
        for path in sorted(ORIGINALS.rglob("*.jpg"))[:2]:
            said, standing = compare(phone, str(path))
            assert WONT_BE_JUDGED not in said, path.name
            assert "Not judged" not in standing, path.name


class TestTheRightPicture:
    @pytest.fixture
    def pictures(self, save):
        """A close-up that the model would call malignant, and a dermoscopic picture that it calls benign."""
        melanoma = Image.open(io.BytesIO(draw_lesion(1, kind="melanoma")))
        naevus = Image.open(io.BytesIO(draw_lesion(1, kind="naevus")))
        return save("close-up.jpg", melanoma), save("dermoscopic.jpg", naevus)

    def choose_kinds(self, page, *kinds):
        for name, kind in kinds:
            page.get_by_label(f"Kind of {name}.jpg").select_option(kind)

    def test_the_close_up_gets_no_answer(self, phone, clinic, pictures):
        fill(phone, pictures[0], mrn="CONTROL-1")
        self.choose_kinds(phone, ("close-up", "dermoscopic"))
        assert "Malignant" in send_and_wait(phone)

        fill(phone, list(pictures), mrn="BOTH-1")
        self.choose_kinds(phone, ("close-up", "clinical"), ("dermoscopic", "dermoscopic"))
        standing = send_and_wait(phone)
        assert "Benign" in standing
        assert "Malignant" not in standing
        close_up, dermoscopic = phone.locator(".gallery figcaption").all()
        expect(close_up).to_contain_text("Clinical close-up")
        expect(close_up).to_contain_text("Not for the model")
        expect(close_up.locator(".tone-malignant, .tone-benign, .tone-failed")).to_have_count(0)
        expect(dermoscopic.locator(".tone-benign")).to_have_count(1)
        case = phone.url.rstrip("/").rpartition("/")[2]
        told = phone.request.get(f"/api/v1/submissions/{case}/").json()
        assert [len(image["predictions"]) for image in told["images"]] == [0, 1]

    def test_a_close_up_alone_goes_to_a_reader(self, phone, open_stack, pictures):
        fill(phone, pictures[0], mrn="ALONE-1")
        self.choose_kinds(phone, ("close-up", "clinical"))
        assert "For a reader" in send_and_wait(phone)
        desk = open_stack("dermatologist", DESK)
        desk.goto("/worklist/")
        row = desk.locator(".row", has_text="ALONE-1")
        expect(row).to_contain_text("For a reader")
        row.locator(".row-title a").click()
        expect(desk.locator("[data-sign-words]")).to_have_text("Sign and next")
