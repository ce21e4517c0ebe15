"""What people signed and found."""

from tests.classifier.report.papers import judge, make_case, read
from tests.factories import OutcomeFactory, ReviewFactory

UNSIGNED = "PRELIMINARY: not signed by a dermatologist"


def sign(staff, case, **review):
    staff.dermatologist.full_name = "Ilse Wagner"
    staff.dermatologist.save()
    return ReviewFactory(
        submission=case, signed_by=staff.dermatologist, diagnosis="melanoma", management="excise", **review
    )


def test_signed_case_is_final(staff):
    case = make_case(staff)
    judge(case)
    unsigned = read(staff.clinician, case)
    assert UNSIGNED in unsigned
    assert "Not signed in the portal. Name, date, signature:" in unsigned
    sign(staff, case, comment="Atypical network.")
    paper = read(staff.clinician, case)
    assert "Final, signed by Ilse Wagner on " in paper
    assert "Excise Melanoma · agrees with the model Atypical network." in paper
    assert paper.count("Signed electronically by Ilse Wagner, ") == 2
    for words in ("PRELIMINARY", "preliminary", "Next step", "Name, date, signature"):
        assert words not in paper


def test_amended_case_says_why(staff):
    case = make_case(staff)
    judge(case)
    first = sign(staff, case, comment="First thought.")
    ReviewFactory(amends=first, signed_by=staff.dermatologist, management="biopsy", comment="Second thought.")
    paper = read(staff.clinician, case)
    assert "Amended, signed by Ilse Wagner on " in paper
    assert "Second thought. Amended because: Histology came back." in paper
    assert "First thought." not in paper


def test_answer_appears_to_the_dermatologist_who_signed(staff):
    staff.clinic.hide_result_until_read = True
    staff.clinic.save()
    case = make_case(staff)
    judge(case)
    assert "Read first" in read(staff.dermatologist, case)
    sign(staff, case)
    assert "The model reads this lesion as malignant." in read(staff.dermatologist, case)


def test_histopathology_with_its_corrections(staff):
    case = make_case(staff)
    judge(case)
    assert "None is recorded for this lesion" in read(staff.clinician, case)
    wrong = OutcomeFactory(lesion=case.lesion, comment="Clear margins.")
    OutcomeFactory(corrects=wrong, diagnosis="melanoma_invasive", breslow_mm="0.8")
    paper = read(staff.clinician, case)
    assert "9 March 2026: Invasive melanoma, excision of 2 March 2026, Breslow 0.80 mm" in paper
    assert "Melanocytic naevus (changed since)" in paper
    assert "Clear margins." in paper
    assert "Why changed: Second opinion." in paper
