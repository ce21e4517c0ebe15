"""Nothing is signed unseen, nothing ends against a warning without a second look, a slip is mended at once."""

import re

import pytest

from classifier.cases.reviews import Decision, amend_review, sign_review
from classifier.cases.signing import find_contradictions
from classifier.domain.errors import InvalidInputError
from classifier.models import Review
from tests.factories import (
    MembershipFactory,
    OutcomeFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    answered_submission,
    refused_image,
    restated_together,
    staff_clinic,
)
from tests.support.reading import seen

pytestmark = pytest.mark.django_db
MELANOMA = {"diagnosis": "melanoma", "management": "excise", "comment": ""}
NAEVUS = {"diagnosis": "naevus", "management": "no_action", "comment": "Regular network."}


@pytest.fixture
def staff():
    return staff_clinic()


@pytest.fixture
def reader(client, staff):
    client.force_login(staff.dermatologist)
    return client


def review_of(case):
    return f"/submissions/{case.pk}/review/"


def amend_of(case):
    return f"/submissions/{case.pk}/amend/"


class TestUnseen:
    @pytest.fixture
    def case(self, staff):
        return answered_submission(staff, "malignant", "malignant", "malignant")

    @pytest.fixture
    def signed(self, staff):
        case = answered_submission(staff, "malignant", "malignant")
        ReviewFactory(submission=case, diagnosis="melanoma", management="excise")
        return case

    def test_every_picture_must_have_been_seen(self, reader, case):
        first, second, third = (str(image.pk) for image in case.images.order_by("position"))
        for known, told in (
            ([], "You have not seen images 1, 2 and 3 yet."),
            ([first, third], "You have not seen image 2 yet."),
            ([first, "nonsense", third], "You have not seen image 2 yet."),
        ):
            answer = reader.post(review_of(case), {**MELANOMA, "seen": known})
            assert answer.status_code == 400
            assert told in answer.content.decode()
        assert not Review.objects.exists()
        assert reader.post(review_of(case), {**MELANOMA, "seen": [first, second, third]}).status_code == 302
        assert Review.objects.get().unseen_reason == ""

    def test_the_reason_is_kept_where_one_cannot_be_shown(self, reader, case):
        first = str(case.images.order_by("position").first().pk)
        reason = "Images 2 and 3 don't load; read from the paper print."
        reader.post(review_of(case), {**MELANOMA, "seen": [first], "unseen_reason": reason})
        assert case.reviews.get().unseen_reason == reason
        for page in (review_of(case), f"/submissions/{case.pk}/"):
            assert reason.replace("'", "&#x27;") in reader.get(page).content.decode()

    def test_no_reason_is_kept_where_all_were_seen(self, reader, case):
        reader.post(
            review_of(case), {**MELANOMA, **seen(case), "unseen_reason": "One did not load at first."}
        )
        assert case.reviews.get().unseen_reason == ""

    def test_the_kinds_that_the_model_does_not_judge_count_too(self, reader, staff):
        case = answered_submission(staff)
        sent = seen(case)
        SubmissionImageFactory(submission=case, capture_kind="overview", position=2)
        answer = reader.post(review_of(case), MELANOMA | sent)
        assert "You have not seen image 2 yet." in answer.content.decode()

    def test_without_script_every_picture_stands_there_with_a_tick(self, reader, case):
        page = reader.get(review_of(case)).content.decode()
        without = "".join(re.findall(r"<noscript>.*?</noscript>", page, re.DOTALL))
        shown = set(re.findall(r"/images/([0-9a-f-]{36})/\"", page.replace("thumbnail/", "")))
        assert {str(image.pk) for image in case.images.all()} <= shown
        assert without.count("<img") == 2
        assert "I have looked at all 3 pictures" in without
        assert reader.post(review_of(case), {**MELANOMA, "seen_all": "yes"}).status_code == 302

    def test_amending_needs_them_too(self, reader, signed):
        sent = {**NAEVUS, "management": "follow_up", "amends": signed.reviews.get().pk, "is_slip": "on"}
        answer = reader.post(amend_of(signed), sent)
        assert (answer.status_code, signed.reviews.count()) == (400, 1)
        assert "You have not seen images 1 and 2 yet." in answer.content.decode()
        assert reader.post(amend_of(signed), sent | seen(signed)).status_code == 302

    def test_the_service_refuses_at_every_door_that_says_what_was_seen(self, staff, case, signed):
        decision = Decision(diagnosis="melanoma", management="excise")
        with pytest.raises(InvalidInputError) as refused:
            sign_review(actor=staff.dermatologist, submission=case, decision=decision, seen=[])
        assert refused.value.code == "pictures_unseen"
        review = signed.reviews.get()
        with pytest.raises(InvalidInputError) as refused:
            amend_review(actor=staff.dermatologist, review=review, decision=decision, reason="Slip", seen=[])
        assert refused.value.code == "pictures_unseen"
        assert sign_review(actor=staff.dermatologist, submission=case, decision=decision, seen=None)

    def test_what_was_seen_for_the_own_reading_was_seen(self, client):
        staff = staff_clinic(hide_result_until_read=True)
        case = answered_submission(staff, "benign", "benign")
        client.force_login(staff.dermatologist)
        client.post(review_of(case), {"diagnosis": "naevus", **seen(case)})
        page = client.get(review_of(case)).content.decode()
        assert len(re.findall(r'name="seen" value="[^"]+" data-position="\d+">', page)) == 2
        assert client.post(review_of(case), NAEVUS).status_code == 302
        other = answered_submission(staff, "benign")
        client.post(review_of(other), {"diagnosis": "naevus"})
        assert client.post(review_of(other), NAEVUS).status_code == 400


class TestOnceMore:
    def make(self, staff, *outcomes):
        return answered_submission(staff, *outcomes)

    @pytest.mark.parametrize(
        ("outcomes", "told"),
        [
            (("malignant",), "The model said malignant, score 91."),
            (("benign", "malignant"), "The model said malignant"),
            (("refer",), "The model said refer"),
            (("refer", "refer"), "The model said refer"),
        ],
    )
    def test_benign_without_action_is_asked_about_once(self, reader, staff, outcomes, told):
        case = answered_submission(staff, *outcomes)
        sent = NAEVUS | seen(case)

        asked = reader.post(review_of(case), sent)
        page = asked.content.decode()
        assert asked.status_code == 200
        assert not case.reviews.exists()
        assert "You sign <strong>melanocytic naevus, no further action</strong>." in page
        assert told in page
        kept = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
        fields = {name: [value for other, value in kept if other == name] for name, _ in kept}
        assert reader.post(review_of(case), {**fields, "confirmed": "yes"}).status_code == 302
        assert case.reviews.get().comment == "Regular network."

    def test_going_back_keeps_what_was_typed_and_signs_nothing(self, reader, staff):
        case = answered_submission(staff, "malignant")
        answer = reader.post(review_of(case), {**NAEVUS, **seen(case), "step": "edit"})
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "Regular network." in page
        assert answer.context["form"]["diagnosis"].value() == "naevus"
        assert not case.reviews.exists()

    @pytest.mark.parametrize(
        ("outcomes", "changes"),
        [
            (("benign",), {}),
            (("refer", "benign"), {}),
            (("malignant",), {"management": "excise"}),
            (("malignant",), {"management": "follow_up"}),
            (("malignant",), {"diagnosis": "melanoma"}),
            (("malignant",), {"diagnosis": "indeterminate"}),
        ],
    )
    def test_nothing_else_is_asked_about(self, reader, staff, outcomes, changes):
        case = answered_submission(staff, *outcomes)
        assert reader.post(review_of(case), {**NAEVUS, **changes, **seen(case)}).status_code == 302
        assert case.reviews.exists()

    def test_a_picture_that_was_not_judged_does_not_make_it_less_unanimous(self, staff):
        case = answered_submission(staff, "refer")
        refused_image(case)
        SubmissionImageFactory(submission=case, capture_kind="clinical", position=3)
        case.refresh_from_db()
        assert find_contradictions(case, diagnosis="naevus", management="no_action")

    def test_refused_by_the_gates_is_no_refer(self, staff):
        case = SubmissionFactory(clinic=staff.clinic)
        refused_image(case)
        case.refresh_from_db()
        assert not find_contradictions(case, diagnosis="naevus", management="no_action")

    def test_amending_asks_against_the_model_the_review_and_the_pathologist(self, reader, staff):
        case = answered_submission(staff, "malignant")
        first = ReviewFactory(submission=case, diagnosis="melanoma", management="excise")
        sent = {**NAEVUS, **seen(case), "amends": first.pk, "is_slip": "on"}
        page = reader.post(amend_of(case), sent).content.decode()
        assert "The model said malignant, score 91." in page
        assert "The signed review says melanoma." in page

        OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
        page = reader.post(amend_of(case), sent).content.decode()
        assert "The pathologist says invasive melanoma." in page
        assert case.reviews.count() == 1
        assert reader.post(amend_of(case), {**sent, "confirmed": "yes"}).status_code == 302
        assert case.reviews.count() == 2

    def test_what_cannot_be_signed_is_not_asked_about(self, reader, staff):
        case = answered_submission(staff, "malignant")
        answer = reader.post(review_of(case), NAEVUS)
        assert answer.status_code == 400
        assert "You have not seen image 1 yet." in answer.content.decode()


class TestAfterwards:
    def sign(self, reader, case, **changes):
        return reader.post(review_of(case), {**MELANOMA, **seen(case), **changes})

    @pytest.mark.parametrize("then", ["next", "stay"])
    @pytest.mark.parametrize("others", [0, 1])
    def test_the_page_says_what_was_signed_of_which_case(self, reader, staff, then, others):
        case = answered_submission(staff, "malignant")
        with restated_together():
            for _ in range(others):
                answered_submission(staff, "benign")
        answer = self.sign(reader, case, then=then)
        # The address and the session hold no word of it.
        assert case.lesion.patient.mrn not in answer.url
        page = reader.get(answer.url).content.decode()
        assert "Signed: melanoma, excise" in page.replace("Melanoma", "melanoma")
        banner = page[page.index("just-signed") : page.index("just-signed") + 1500]
        assert case.lesion.patient.mrn in banner
        assert f'href="{amend_of(case)}" data-key="a"' in banner

    def test_an_old_address_says_that_it_was_amended_since(self, reader, staff):
        """Back, or a reload: what is not in force any more is not told as signed."""
        review = ReviewFactory(
            submission=answered_submission(staff, "malignant"),
            signed_by=staff.dermatologist,
            diagnosis="naevus",
            management="no_action",
        )
        address = f"/worklist/?signed={review.pk}"
        assert "Signed: melanocytic naevus" in reader.get(address).content.decode()
        other = MembershipFactory(clinic=staff.clinic, role="dermatologist", user__full_name="Ines Okafor")
        ReviewFactory(submission=review.submission, amends=review, signed_by=other.user, diagnosis="melanoma")
        page = reader.get(address).content.decode()
        assert "Signed: " not in page
        assert "Not in force any more: melanocytic naevus" in page
        assert "by Ines Okafor." in page

    def test_what_others_signed_is_not_told_as_mine(self, reader, staff):
        review = ReviewFactory(submission=answered_submission(staff))
        for key in (review.pk, "nonsense"):
            assert "just-signed" not in reader.get(f"/worklist/?signed={key}").content.decode()

    def test_a_slip_is_amended_with_one_tick(self, reader, staff):
        case = answered_submission(staff, "malignant", "malignant")
        self.sign(reader, case)
        page = reader.get(amend_of(case)).content.decode()
        tick = re.search(r"<input[^>]*name=\"is_slip\"[^>]*>", page)[0]
        assert "autofocus" in tick
        assert 'data-key="z"' in tick
        # Its pictures were seen a moment ago.
        sent = {**MELANOMA, "management": "urgent_referral", "amends": case.reviews.get().pk, "is_slip": "on"}
        answer = reader.post(amend_of(case), sent)
        assert case.reviews.get(amends__isnull=False).amendment_reason == "Slip"
        assert "Amendment signed: melanoma, urgent" in reader.get(answer.url).content.decode()

    def test_more_words_stand_behind_the_slip(self, reader, staff):
        case = answered_submission(staff)
        first = ReviewFactory(submission=case)
        sent = {
            **MELANOMA,
            **seen(case),
            "amends": first.pk,
            "is_slip": "on",
            "amendment_reason": "Wrong key.",
        }
        reader.post(amend_of(case), sent)
        assert case.reviews.get(amends=first).amendment_reason == "Slip: Wrong key."

    def test_the_last_ten_cases_that_i_signed(self, reader, staff):
        with restated_together():
            cases = [answered_submission(staff) for _ in range(12)]
            for case in cases:
                first = ReviewFactory(submission=case, signed_by=staff.dermatologist)
        ReviewFactory(amends=first, signed_by=staff.dermatologist, diagnosis="melanoma", management="excise")
        ReviewFactory(submission=answered_submission(staff))

        answer = reader.get("/worklist/")
        page = answer.content.decode()

        listed = [review.submission_id for review in answer.context["signatures"]]
        assert listed == [case.pk for case in reversed(cases[2:])]
        part = page[page.index('id="signed"') :]
        assert f'href="{review_of(cases[-1])}"' in part
        assert "melanoma, excise" in part

    def test_cases_out_of_reach_are_in_no_list(self, reader, staff):
        elsewhere = answered_submission(staff_clinic())
        ReviewFactory(submission=elsewhere, signed_by=staff.dermatologist)
        assert reader.get("/worklist/").context["signatures"] == []


def test_every_action_of_the_reading_page_has_a_key_of_its_own_in_the_sheet(client):
    """In each state: what the page offers under a key stands in the sheet, and no key means two things."""
    staff = staff_clinic()
    blinded = staff_clinic(hide_result_until_read=True)
    open_case, signed = answered_submission(staff, "malignant", "benign"), answered_submission(staff)
    ReviewFactory(submission=signed)
    answered_submission(staff)
    queued = SubmissionFactory(clinic=staff.clinic)
    PredictionFactory(submission=queued)
    unread = answered_submission(blinded)
    for people, address in (
        (staff, review_of(open_case)),
        (staff, review_of(signed)),
        (staff, amend_of(signed)),
        (staff, review_of(queued)),
        (blinded, review_of(unread)),
    ):
        client.force_login(people.dermatologist)
        page = client.get(address).content.decode()
        body, sheet = page.split('id="shortcuts"')
        keys = [key for key in re.findall(r'data-key="(.)"', body) if key]
        assert sorted(keys) == sorted(set(keys)), address
        missing = {key for key in keys if f"<kbd>{key}</kbd>" not in sheet}
        assert missing == set(), address
