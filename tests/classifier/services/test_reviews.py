"""One signature a case; a change of mind is a chain of amendments."""

import dataclasses

import pytest
from django.core.exceptions import PermissionDenied

from classifier.cases.reviews import Decision, amend_review, sign_review
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.models import Review
from classifier.standing.reviews import IS_IN_FORCE
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import verify_chains
from tests.factories import PredictionFactory, SubmissionFactory, answered_submission, two_clinics
from tests.support.threads import run_in_threads

DECISION = Decision(diagnosis="naevus", management="no_action", comment=" Regular. ")


def code_of(act) -> str:
    with pytest.raises((ConflictError, InvalidInputError)) as caught:
        act()
    return caught.value.code


@pytest.mark.django_db
class TestSign:
    def test_signed(self, staff):
        case = answered_submission(staff)
        review = sign_review(actor=staff.dermatologist, submission=case, decision=DECISION)
        assert (review.comment, review.signed_by, review.amends) == ("Regular.", staff.dermatologist, None)
        case.refresh_from_db()
        assert case.state == "reviewed"
        assert AuditEvent.objects.get(action="review.signed").object_id == str(review.pk)
        again = code_of(lambda: sign_review(actor=staff.dermatologist, submission=case, decision=DECISION))
        assert again == "already_reviewed"

    def test_not_while_the_model_works(self, staff):
        case = SubmissionFactory(clinic=staff.clinic)
        PredictionFactory(submission=case, state="running")
        assert code_of(
            lambda: sign_review(actor=staff.dermatologist, submission=case, decision=DECISION)
        ) == ("still_in_work")

    @pytest.mark.parametrize(
        ("field", "value", "code"),
        [
            ("diagnosis", "mole", "diagnosis_unknown"),
            ("management", "wait", "management_unknown"),
            ("comment", "x" * 4001, "comment_too_long"),
        ],
    )
    def test_words(self, staff, field, value, code):
        decision = dataclasses.replace(DECISION, **{field: value})
        case = answered_submission(staff)
        assert (
            code_of(lambda: sign_review(actor=staff.dermatologist, submission=case, decision=decision))
            == code
        )

    def test_who_may(self):
        both = two_clinics()
        case = answered_submission(both.own)
        others = (both.own.clinician, both.own.administrator, both.own.integration, both.other.dermatologist)
        for person in (*others, both.outsider, both.operator):
            with pytest.raises(PermissionDenied):
                sign_review(actor=person, submission=case, decision=DECISION)


@pytest.mark.django_db
class TestAmend:
    def test_chain(self, staff):
        case = answered_submission(staff)
        last = sign_review(actor=staff.dermatologist, submission=case, decision=DECISION)
        for diagnosis in ("melanoma", "indeterminate"):
            last = amend_review(
                actor=staff.dermatologist,
                review=last,
                decision=dataclasses.replace(DECISION, diagnosis=diagnosis),
                reason="Histology came back.",
            )
        assert list(Review.objects.filter(IS_IN_FORCE)) == [last]
        assert last.amends.amends.amends is None
        first = last.amends.amends
        again = code_of(
            lambda: amend_review(actor=staff.dermatologist, review=first, decision=DECISION, reason="Late.")
        )
        assert again == "already_amended"
        assert AuditEvent.objects.filter(action="review.amended").count() == 2

    def test_reason(self, staff):
        review = sign_review(
            actor=staff.dermatologist, submission=answered_submission(staff), decision=DECISION
        )
        for reason, code in ((" ", "reason_missing"), ("x" * 501, "amendment_reason_too_long")):
            assert code == code_of(
                lambda reason=reason: amend_review(
                    actor=staff.dermatologist, review=review, decision=DECISION, reason=reason
                )
            )


@pytest.mark.django_db(transaction=True)
def test_twenty_signatures_at_once_leave_one(staff):
    case = answered_submission(staff)
    found = run_in_threads(
        20, lambda _: sign_review(actor=staff.dermatologist, submission=case, decision=DECISION)
    )
    signed = [one for one in found if isinstance(one, Review)]
    assert signed == [Review.objects.get()]
    assert {one.code for one in found if one not in signed} == {"already_reviewed"}
    assert AuditEvent.objects.filter(action="review.signed").count() == 1
    assert list(verify_chains()) == []


@pytest.mark.django_db(transaction=True)
def test_amendments_at_once_leave_one(staff):
    case = answered_submission(staff)
    review = sign_review(actor=staff.dermatologist, submission=case, decision=DECISION)
    found = run_in_threads(
        8,
        lambda _: amend_review(actor=staff.dermatologist, review=review, decision=DECISION, reason="Late."),
    )
    assert sum(isinstance(one, Review) for one in found) == 1
    assert {one.code for one in found if isinstance(one, Exception)} == {"already_amended"}
