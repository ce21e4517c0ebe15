"""The paper says of every case what its page says, and no more."""

import re

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from classifier.cases.rows import load_cases
from classifier.labels.answers import CANNOT_JUDGE, choose_words
from classifier.labels.probability import format_limits
from classifier.models import Submission
from classifier.report.answering import _format_key
from classifier.standing.summary import summarise
from tests.classifier.report.papers import add_image, judge, make_case, read
from tests.factories import PredictionFactory, restate, restated_together

CASES = {
    "malignant": ["malignant"],
    "refer": ["refer"],
    "benign": ["benign"],
    "worst first": ["benign", "malignant", "failed"],
    "incomplete": ["benign", "failed"],
    "failed": ["failed"],
    "rejected": ["rejected"],
    "refused": ["refused"],
    "refused partly": ["benign", "refused"],
}


@restated_together()
def build(staff, images):
    case = make_case(staff)
    for number, word in enumerate(images):
        if word == "refused":
            PredictionFactory(refused=True, image=add_image(case, refused=True))
        elif word in ("failed", "rejected"):
            PredictionFactory(image=add_image(case), state=word)
        else:
            judge(case, word, seed=number)
    return case


def read_page(client, person, case) -> str:
    client.force_login(person)
    page = client.get(reverse("submission-detail", args=[case.pk])).content.decode()
    return " ".join(strip_tags(page[page.index("<main") : page.index("</main")]).split())


def says_benign(text: str) -> bool:
    return bool(re.search(r"\bbenign\b", text, re.IGNORECASE))


@pytest.mark.parametrize("images", CASES.values(), ids=CASES)
def test_same_words_as_the_page(staff, client, images):
    case = build(staff, images)
    page, paper = read_page(client, staff.clinician, case), read(staff.clinician, case)
    summary = summarise(load_cases(Submission.objects.all()).get(pk=case.pk))
    words = choose_words(summary)
    for text in (page.replace("&#x27;", "'"), paper):
        assert summary.headline.label in text
        assert words.sentence in text
        assert words.next_step in text
        assert (CANNOT_JUDGE[0] in text) == summary.has_figure
    assert says_benign(page) == says_benign(paper)
    assert says_benign(paper) == ("benign" in images)
    assert "PRELIMINARY: not signed by a dermatologist" in paper


def test_figure_with_its_policy(staff):
    paper = read(staff.clinician, build(staff, ["benign", "malignant"]))
    assert (
        "Of 100 lesions like this in a clinic where 3 in 100 are malignant, about 29 are malignant." in paper
    )
    assert "The figure is image 2's, the most worrying of 2." in paper
    assert "Upright line: threshold 50; hatched: refers from 40 to 60" in paper
    assert re.search(r"Model tiny-\d+ 1 \(sha256 [0-9a-f]{12}…\), threshold policy 1", paper)
    assert "1: Benign, score 12" in paper


def test_refusal_says_what_to_do_before_the_next_step(staff):
    paper = read(staff.clinician, build(staff, ["refused"]))
    assert paper.index("Too blurred to judge") < paper.index("Take the picture again as said above")
    assert not says_benign(paper)
    assert "100 lesions" not in paper


def test_cautions_and_failures_of_single_images(staff):
    case = build(staff, ["failed"])
    judge(case, "malignant", capture_kind="clinical")
    paper = read(staff.clinician, case)
    assert "1 of 2 images could not be judged." in paper
    assert "The image was marked “Clinical close-up”." in paper
    assert "Image 1: The worker stopped 3 times while judging this image." in paper


def test_cancelled_case_has_no_answer(staff, client):
    case = build(staff, ["benign"])
    Submission.objects.filter(pk=case.pk).update(cancelled_at=case.submitted_at, cancelled_by=staff.clinician)
    restate(case)
    paper = read(staff.clinician, case)
    assert "WITHDRAWN: not signed by a dermatologist, and without a result" in paper
    assert "This case was withdrawn. It gives no result." in paper
    assert not says_benign(paper)
    assert "preliminary" not in paper.lower()
    assert "Name, date, signature" not in paper


@pytest.mark.parametrize("outcome", ["benign", "malignant", "refer", "refused"])
def test_answer_is_hidden_until_read(staff, outcome):
    staff.clinic.hide_result_until_read = True
    staff.clinic.save()
    case = build(staff, [outcome])
    paper = read(staff.dermatologist, case)
    assert "Read first" in paper
    for word in ("benign", "malignant", "refers", "in 100", "tiny-", "blurred", "gates"):
        assert word not in paper.lower(), word
    # To others of the clinic, and to all once it is signed, it is shown.
    assert "Read first" not in read(staff.clinician, case)


def test_same_picture_of_another_patient_is_told_without_naming_them(staff):
    other, case = make_case(staff, mrn="MRN-OTHER"), make_case(staff)
    judge(other, pixel_sha256="a" * 64)
    judge(case, pixel_sha256="a" * 64)
    paper = read(staff.clinician, case)
    assert "Image 1: The same picture was submitted for another patient." in paper
    assert other.lesion.patient.public_id not in paper
    assert "MRN-OTHER" not in paper


def test_key_of_the_scale_says_each_number_once():
    assert _format_key(format_limits(0.18, 0.18, 0.51), has_band=True) == (
        "Upright line and hatched: refers from 18, the threshold, to 51"
    )
    assert _format_key(format_limits(0.18, None, None), has_band=False) == "Upright line: threshold 18"
