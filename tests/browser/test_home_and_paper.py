"""The home page has no empty column, and what is printed says whose it is and overlaps nowhere."""

import io

from pypdf import PdfReader

from tests.browser.conftest import DESK

ROOM = """() => {
  const columns = document.getElementById("home-columns");
  const filled = [...columns.children].filter((section) => section.querySelector(".rows"));
  const gaps = parseFloat(getComputedStyle(columns).columnGap) * Math.max(filled.length - 1, 0);
  const used = filled.reduce((sum, section) => sum + section.offsetWidth, 0);
  return {filled: filled.length, empty: columns.children.length - filled.length, share: (used + gaps) / columns.clientWidth};
}"""
OVERLAPS = """() => {
  const parts = [...document.querySelectorAll(".chip, .row-age, .row-title a, figcaption .muted")];
  const shown = parts.map((part) => [part.textContent.trim(), part.getBoundingClientRect()])
    .filter(([, box]) => box.width && box.height);
  const pairs = [];
  shown.forEach(([one, a], i) => shown.slice(i + 1).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 1) pairs.push(`${one} / ${other}`);
  }));
  return pairs;
}"""
PAPER = {"width": 680, "height": 1000}
"""About what a sheet of A4 leaves between its margins."""


def test_column_without_rows_gives_its_room_to_the_others(open_as):
    for role in ("dermatologist", "administrator", "clinician"):
        page = open_as(role, DESK)
        page.goto("/")
        room = page.evaluate(ROOM)

        assert room["filled"] > 0, role
        assert room["share"] > 0.95, (role, room)


def test_paper_says_whose_it_is_and_overlaps_nowhere(open_as, portal):
    page = open_as("clinician", PAPER)
    page.goto("/")
    mrn, public = page.locator(".row-sub").first.inner_text().split(" · ")[:2]
    page.locator(".row-title a").first.click()
    page.wait_for_url("**/submissions/*/")
    case = page.url
    patient = page.locator("a[href*='/patients/']", has_text=mrn).first.get_attribute("href")
    lesion = page.locator("a[href*='/lesions/']").first.get_attribute("href")
    for address in ("/", "/submissions/", "/patients/", case, patient, lesion):
        page.goto(address)
        assert not page.locator(".print-head").is_visible()
        page.emulate_media(media="print")
        head = page.locator(".print-head")

        assert head.is_visible()
        assert "Harbour Skin Clinic" in head.inner_text()
        assert "Printed by" in head.inner_text()
        if address in (case, patient, lesion):
            assert mrn in head.inner_text()
            assert public in head.inner_text()
        assert page.evaluate(OVERLAPS) == [], address
        sheets = PdfReader(io.BytesIO(page.pdf(format="A4"))).pages
        for sheet in sheets:
            text = sheet.extract_text()
            assert "Harbour Skin Clinic" in text, address
            assert "Printed by" in text, address
            if address in (case, patient, lesion):
                assert f"Record number {mrn} · patient {public}" in text
        page.emulate_media(media="screen")
