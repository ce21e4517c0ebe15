"""Whether a case may be withdrawn, and what it says: a result is not taken away unread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.cases.hiding import hides_answer
from classifier.models import Prediction
from classifier.states import PredictionState
from classifier.vocabulary import Outcome, Standing

if TYPE_CHECKING:
    from classifier.models import Submission

NEEDS_READER = (
    "A dermatologist has to read this case, so it can't be withdrawn. If it was sent by mistake, "
    "say so to whoever signs it."
)
GRAVE = frozenset({Standing.MALIGNANT, Standing.REFER, Standing.INDETERMINATE})


@dataclass(frozen=True)
class Withdrawal:
    """What stands in the way of withdrawing a case that is neither signed nor withdrawn."""

    needs_reader: bool
    needs_reason: bool


def weigh_withdrawal(submission: Submission, *, role: str | None) -> Withdrawal:
    """The rule for pages and services; `role` is that of the person in the case's clinic.

    The images are asked and not the headline: while others are in work, one may be malignant already.
    What failed, or was never to be judged by the model, has no result; what the gates refused has.
    """
    served = Prediction.objects.served().filter(image__submission=submission, state=PredictionState.SUCCEEDED)
    results = list(served.values_list("outcome", "refusal_code"))
    judged = {outcome for outcome, refusal in results if not refusal}
    is_grave = submission.standing in GRAVE or bool(judged & {Outcome.MALIGNANT, Outcome.REFER})
    is_hidden = bool(results) and hides_answer(submission, role)
    return Withdrawal(needs_reader=is_grave or is_hidden, needs_reason=bool(results))
