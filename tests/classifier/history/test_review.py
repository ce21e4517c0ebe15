"""The reading page: sign, be overtaken, amend, and read before the model's answer is shown."""

import pytest

from classifier.domain.vocabulary import DIAGNOSIS_GROUPS, Diagnosis
from classifier.models import Review
from classifier.standing.standing import find_agreement
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
)
from tests.support.reading import seen

pytestmark = pytest.mark.django_db

TYPED = {
    "diagnosis": "melanoma",
    "management": "excise",
    "comment": "Blue veil at the upper edge.",
}


@pytest.fixture
def reader(client, clinics):
    client.force_login(clinics.own.dermatologist)
    return client


def review_address(case):
    return f"/submissions/{case.pk}/review/"


def test_sign_and_go_to_the_next_case(reader, clinics):
    first = answered_submission(clinics.own, "malignant")
    second = answered_submission(clinics.own, "benign")

    answer = reader.post(review_address(first), {**TYPED, **seen(first), "then": "next"})

    review = first.reviews.get()
    assert answer.url == f"{review_address(second)}?signed={review.pk}"
    assert (review.diagnosis, review.management, review.signed_by) == (
        "melanoma",
        "excise",
        clinics.own.dermatologist,
    )


def test_last_case_leads_back_to_the_worklist(reader, clinics):
    case = answered_submission(clinics.own)

    answer = reader.post(review_address(case), {**TYPED, **seen(case), "then": "next"})

    assert answer.url == f"/worklist/?signed={case.reviews.get().pk}"


def test_later_walks_on_and_comes_round(reader, clinics):
    cases = [answered_submission(clinics.own, outcome) for outcome in ("malignant", "refer", "benign")]

    following = [reader.get(review_address(case)).context["following"].pk for case in cases]

    assert following == [cases[1].pk, cases[2].pk, cases[0].pk]


@pytest.mark.parametrize(
    ("answer", "diagnosis", "follows"),
    [
        ("malignant", "melanoma", "agrees"),
        ("malignant", "naevus", "disagrees"),
        ("benign", "naevus", "agrees"),
        ("benign", "melanoma", "disagrees"),
        ("malignant", "indeterminate", "undetermined"),
        ("refer", "melanoma", "no_result"),
    ],
)
def test_agreement_follows_from_the_diagnosis_and_is_not_asked(reader, clinics, answer, diagnosis, follows):
    case = answered_submission(clinics.own, answer)
    contrary = "disagrees" if follows == "agrees" else "agrees"

    page = reader.get(review_address(case)).content.decode()
    sent = {**TYPED, **seen(case), "diagnosis": diagnosis, "agreement": contrary}
    reader.post(review_address(case), sent)

    assert 'name="agreement"' not in page
    assert case.reviews.get().agreement == follows


def test_amendment_cannot_store_the_contrary(reader, clinics):
    case = answered_submission(clinics.own, "malignant")
    first = ReviewFactory(submission=case, diagnosis="melanoma", management="excise")
    sent = {**TYPED, **seen(case), "amends": first.pk, "amendment_reason": "I read it differently."}

    page = reader.get(f"/submissions/{case.pk}/amend/").content.decode()
    reader.post(f"/submissions/{case.pk}/amend/", {**sent, "diagnosis": "naevus", "agreement": "agrees"})

    assert 'name="agreement"' not in page
    assert case.reviews.get(amends=first).agreement == "disagrees"
    assert "Disagrees with the model" in reader.get(review_address(case)).content.decode()


def test_every_diagnosis_has_a_group():
    assert set(DIAGNOSIS_GROUPS) == set(Diagnosis)
    assert find_agreement("naevus", "benign") == "agrees"
    assert find_agreement("naevus", "refer") == "no_result"
    assert find_agreement("melanoma", "failed") == "no_result"


def test_refused_form_keeps_what_was_typed(reader, clinics):
    case = answered_submission(clinics.own)

    answer = reader.post(review_address(case), {**TYPED, **seen(case), "management": ""})

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Choose what is to happen next." in page
    assert TYPED["comment"] in page
    assert answer.context["form"]["diagnosis"].value() == "melanoma"


def test_overtaken_reader_learns_who_signed_and_keeps_the_words(reader, clinics):
    case = answered_submission(clinics.own)
    first = ReviewFactory(submission=case, signed_by__full_name="Ines Okafor")

    answer = reader.post(review_address(case), {**TYPED, **seen(case)})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Ines Okafor signed this case" in page
    assert TYPED["comment"] in page
    assert case.reviews.get() == first
    amended = reader.post(
        f"/submissions/{case.pk}/amend/",
        {**TYPED, **seen(case), "amends": first.pk, "amendment_reason": "I read it differently."},
    )
    assert amended.status_code == 302
    assert case.reviews.count() == 2


def test_amendment_needs_a_reason_and_shows_every_version(reader, clinics):
    case = answered_submission(clinics.own)
    first = ReviewFactory(submission=case)
    address = f"/submissions/{case.pk}/amend/"

    sent = {**TYPED, **seen(case), "amends": first.pk}
    refused = reader.post(address, {**sent, "amendment_reason": " "})
    reader.post(address, {**sent, "amendment_reason": "Histology: melanoma."})
    page = reader.get(review_address(case)).content.decode()

    assert refused.status_code == 400
    assert "Say why you amend this review." in refused.content.decode()
    assert "Signed, 2 versions" in page
    assert "Histology: melanoma." in page
    assert "In force" in page
    assert "Replaced" in page


def test_amendment_of_a_replaced_version_is_refused_with_the_name(reader, clinics):
    case = answered_submission(clinics.own)
    first = ReviewFactory(submission=case)
    ReviewFactory(amends=first, signed_by__full_name="Ines Okafor")

    answer = reader.post(
        f"/submissions/{case.pk}/amend/",
        {**TYPED, **seen(case), "amends": first.pk, "amendment_reason": "Mine."},
    )

    assert answer.status_code == 409
    assert "Ines Okafor amended this case" in answer.content.decode()
    assert case.reviews.count() == 2


def test_amend_page_without_a_review_leads_to_the_reading_page(reader, clinics):
    case = answered_submission(clinics.own)

    assert reader.get(f"/submissions/{case.pk}/amend/").url == review_address(case)


def test_case_in_work_and_cancelled_case_offer_no_signature(reader, clinics):
    queued = SubmissionFactory(clinic=clinics.own.clinic)
    PredictionFactory(submission=queued)
    cancelled = answered_submission(clinics.own)
    cancelled.cancelled_at, cancelled.cancelled_by = cancelled.submitted_at, clinics.own.clinician
    cancelled.save()

    for case in (queued, cancelled):
        assert "data-review-form" not in reader.get(review_address(case)).content.decode()
        assert reader.post(review_address(case), {**TYPED, **seen(case)}).status_code == 409
    assert not Review.objects.exists()


def test_case_without_a_result_can_be_read_and_signed(reader, clinics):
    case = SubmissionFactory(clinic=clinics.own.clinic)
    PredictionFactory(submission=case, state="failed")

    reader.post(review_address(case), {**TYPED, **seen(case)})

    assert case.reviews.get().agreement == "no_result"


def test_only_dermatologists_of_the_clinic_read(client, clinics):
    case = answered_submission(clinics.own)
    for person, status in (
        (clinics.own.clinician, 403),
        (clinics.own.administrator, 403),
        (clinics.own.integration, 403),
        (clinics.other.dermatologist, 404),
    ):
        client.force_login(person)
        for address in (review_address(case), f"/submissions/{case.pk}/amend/"):
            assert client.get(address).status_code == status
            assert client.post(address, TYPED).status_code == status


def test_looking_leaves_an_event(reader, clinics):
    case = answered_submission(clinics.own)
    reader.get(review_address(case))

    event = AuditEvent.objects.get(action="submission.viewed")
    assert (event.object_id, event.actor) == (str(case.pk), clinics.own.dermatologist)


class TestHiddenUntilRead:
    @pytest.fixture
    def case(self, clinics):
        clinics.own.clinic.hide_result_until_read = True
        clinics.own.clinic.save()
        return answered_submission(clinics.own, "malignant")

    def test_answer_shows_after_the_own_reading_only(self, reader, case):
        before = reader.get(review_address(case)).content.decode()
        reader.post(review_address(case), {"diagnosis": "naevus"})
        after = reader.get(review_address(case))

        assert "Hidden until you have read" in before
        assert "malignant" not in before.lower().split('id="main"')[1].replace("other malignant", "").replace(
            "other_malignant", ""
        ).replace('data-group="malignant"', "")
        assert "score <strong>91</strong>" in after.content.decode()
        assert "You read <strong>Melanocytic naevus</strong>" in after.content.decode()
        assert after.context["form"].initial == {"diagnosis": "naevus"}

    def test_signing_without_reading_counts_as_the_reading(self, reader, case):
        answer = reader.post(review_address(case), {**TYPED, "then": "next"})

        assert answer.url == review_address(case)
        assert not case.reviews.exists()
        reading = AuditEvent.objects.get(action="submission.read_unseen")
        assert reading.details == {"diagnosis": "melanoma"}
        reader.post(review_address(case), {**TYPED, **seen(case)})
        assert case.reviews.exists()

    def test_another_reader_reads_for_themselves(self, reader, client, clinics, case):
        reader.post(review_address(case), {"diagnosis": "naevus"})
        from tests.factories import MembershipFactory

        client.force_login(MembershipFactory(clinic=clinics.own.clinic, role="dermatologist").user)

        assert "Hidden until you have read" in client.get(review_address(case)).content.decode()

    def test_nothing_chosen_is_asked_for(self, reader, case):
        answer = reader.post(review_address(case), {})

        assert answer.status_code == 400
        assert "Choose what you read in the image." in answer.content.decode()

    def test_first_reading_is_the_one_that_counts(self, reader, clinics, case):
        from classifier.cases.readings import record_unseen_reading
        from classifier.standing.hiding import find_unseen_reading

        made = [
            record_unseen_reading(actor=clinics.own.dermatologist, submission=case, diagnosis=diagnosis)
            for diagnosis in ("naevus", "melanoma")
        ]

        assert made[0] == made[1]
        assert (made[0].question, made[0].management, made[0].confidence) == (1, "", None)
        assert AuditEvent.objects.filter(action="submission.read_unseen").count() == 1
        assert find_unseen_reading(reader=clinics.own.dermatologist, submission=case) == "naevus"
