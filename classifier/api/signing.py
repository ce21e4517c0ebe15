"""A review as it comes over the API, made into what the service signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.case_summary import summarise
from classifier.reading import suggest_agreement
from classifier.services.errors import InvalidInputError
from classifier.services.reviews import Decision

if TYPE_CHECKING:
    from classifier.models import Submission


def make_decision(submission: Submission, facts: dict[str, Any]) -> Decision:
    """As on the page: an agreement left out follows from the diagnosis, where that is clear."""
    agreement = facts.get("agreement") or suggest_agreement(
        facts["diagnosis"], summarise(submission).headline
    )
    if not agreement:
        raise InvalidInputError(
            "agreement_unclear",
            "Say whether you agree with the model: it doesn't follow from this diagnosis.",
            field="agreement",
        )
    return Decision(
        diagnosis=facts["diagnosis"],
        agreement=agreement,
        management=facts["management"],
        comment=facts["comment"],
    )
