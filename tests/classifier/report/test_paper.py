"""The paper itself: its pages, its letters, its pictures."""

import re
from io import BytesIO

import pytest
from PIL import Image
from pypdf import PdfReader

from classifier.report.building import draw_report
from classifier.report.content import Fact, Footer, Group, Report, ReportAnswer, ReportStanding, ReportStatus
from classifier.report.parts import LARGE_SIDE, UnreadableError, reduce_picture
from classifier.report.sheet import MISSING, clean, make_printable
from tests.classifier.report.papers import judge, make_case, read, read_pages, take
from tests.factories import ReviewFactory, draw_jpeg

GAPS = "Some characters can't be printed here"


def test_ordinary_case_is_one_page_and_says_whose_it_is(staff):
    case = make_case(staff, note="Medial of the scar", clinical_history="Darker since spring.")
    judge(case, "benign")
    (paper,) = read_pages(take(staff.clinician, case))
    for words in (
        *("Harbour Skin Clinic", "Dermoscopy report", "MRN-QUACK", case.lesion.patient.public_id),
        *("17 May 1970", "Female", "Left upper back (trunk, posterior trunk)", "Medial of the scar"),
        *("Routine", "Is excision advised?", "Darker since spring.", staff.clinician.get_full_name()),
        "Dermoscopic, 224×224 pixels; printed here at 224×224, re-encoded.",
    ):
        assert words in paper, words


def test_long_texts_flow_and_every_page_has_its_foot(staff):
    history = " ".join(f"word{number}" for number in range(420))
    comment = "\n".join(f"line{number}" for number in range(120))
    case = make_case(staff, mrn="W" * 64, clinical_history=history)
    judge(case)
    ReviewFactory(submission=case, signed_by=staff.dermatologist, comment=comment)
    pages = read_pages(take(staff.clinician, case))
    assert len(pages) > 2
    whole = " ".join(pages)
    assert re.findall(r"word\d+", whole) == history.split()
    assert re.findall(r"line\d+", whole) == comment.split()
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert f"Patient {'W' * 64} · Case {case.pk}" in page
        assert "Final" in page
        assert f"by {staff.clinician.get_full_name()}. A second look for trained clinicians; not" in page


@pytest.mark.parametrize("lines", [36, 37, 40, 41])
def test_signature_never_stands_on_a_page_of_its_own(lines):
    """However long the texts are: somebody would sign a sheet that says nothing."""
    report = Report(
        clinic="Harbour Skin Clinic",
        subject="Left upper back",
        status=ReportStatus("PRELIMINARY", "PRELIMINARY", is_signed=False, awaits_signature=True),
        standing=ReportStanding("benign", "Benign", "", (), "", by_people=False),
        groups=(Group("Patient", ()),),
        answer=ReportAnswer("", "benign", "", "", None, "", "", (), ("What it can't",), "Made by a network"),
        picture=None,
        others=(),
        review=None,
        clinical=(Fact("History", "word\n" * lines),),
        findings=(),
        footer=Footer("Patient", "Printed"),
    )
    last = read_pages(draw_report(report))[-1]
    assert "Not signed in the portal" in last
    assert not last.startswith("Not signed in the portal")


@pytest.mark.filterwarnings("error::UserWarning:fpdf")
def test_more_than_nine_pages(staff):
    case = make_case(staff, clinical_history="one word a line\n" * 700)
    judge(case)
    pages = read_pages(take(staff.clinician, case))
    assert len(pages) > 9
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]


def test_words_without_a_space_are_broken_not_cut_off(staff):
    case = make_case(staff, clinical_history="Q" * 3000)
    judge(case)
    assert read(staff.clinician, case).count("Q") >= 3000


def test_letters_of_other_alphabets(staff):
    case = make_case(staff, clinical_question="Łukasz, Ελένη, Müller, Дарья 😀: {nb}?")
    judge(case)
    paper = read(staff.clinician, case)
    assert "Łukasz, Ελένη, Müller, Дарья 😀: {nb}?" in paper
    assert GAPS not in paper


def test_what_can_not_be_printed_is_seen_and_told(staff):
    case = make_case(staff, clinical_question="מרים 中文 Mu\u0308ller\x00\x07\x1b[31m\u202e\u00ad end")
    judge(case)
    paper = read(staff.clinician, case)
    assert f"{MISSING * 4} {MISSING * 2} Müller[31m end" in paper
    assert f"{GAPS}: each stands as {MISSING}. The portal shows them." in paper


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("tab\tstop", "tab stop"),
        ("\ud800", MISSING),
        ("🧬", MISSING),
        ("\x7f\x85", "\n"),
        ("a\n\n\n \n\nb\n\nc", "a\n\nb\n\nc"),
    ],
)
def test_text_is_made_printable(text, printed):
    assert clean(text) == printed


def test_a_box_that_somebody_wrote_is_no_gap():
    assert make_printable((f"{MISSING} plain",)) == ((f"{MISSING} plain",), False)
    assert make_printable((f"{MISSING} 中",)) == ((f"{MISSING} {MISSING}",), True)


def test_file_says_what_it_is_and_nothing_of_the_patient(staff):
    case = make_case(staff)
    judge(case)
    reader = PdfReader(BytesIO(take(staff.clinician, case)))
    assert reader.metadata.title == "Dermoscopy report"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert "MRN-QUACK" not in str(reader.metadata)
    tree = reader.trailer["/Root"]["/StructTreeRoot"].get_object()
    (figure,) = [one.get_object() for one in tree["/K"][0].get_object()["/K"]]
    assert figure["/Alt"] == "Left upper back, image 1 of 1"


def test_picture_is_reduced_and_bare():
    reduced = reduce_picture(draw_jpeg(1, 1500), LARGE_SIDE)
    assert (reduced.width, reduced.height) == (LARGE_SIDE, LARGE_SIDE)
    with Image.open(BytesIO(reduced.jpeg)) as image:
        assert image.size == (LARGE_SIDE, LARGE_SIDE)
        assert "exif" not in image.info


def test_small_picture_is_not_blown_up():
    assert reduce_picture(draw_jpeg(1), LARGE_SIDE).width == 224


@pytest.mark.parametrize("data", [b"", b"no picture", draw_jpeg(1)[:400]])
def test_damaged_picture_is_told(data):
    with pytest.raises(UnreadableError):
        reduce_picture(data, LARGE_SIDE)
