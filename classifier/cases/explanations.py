"""Heat map: ask where a prediction came from. The worker computes it; the row is what the page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from classifier.consents import WITHDRAWN
from classifier.domain.errors import ConflictError
from classifier.domain.states import LIVE, PredictionState
from classifier.engine.explain import explanation_claims
from classifier.models import Explanation, Prediction
from classifier.standing.hiding import must_read_first
from classifier.standing.summary import WITHHOLDING, summarise
from portal.trust.accounts.permissions import require, role_in
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from portal.trust.accounts.models import User

READ_FIRST = "Your clinic shows what the model says only after you have read the image yourself."


def request_explanation(*, actor: User, prediction: Prediction) -> Explanation:
    """Queue the map of `prediction` and return it; the one that exists if it was asked for before.

    A failed one is queued anew, as a new row. Raises PermissionDenied, also where this reader must
    read the image first; ConflictError (not_judged, in_work, cancelled, consent_withdrawn).
    """
    # Seeing it is not enough: who reads in an emergency sets nothing to work.
    require(actor, prediction.image.clinic_id, Action.VIEW_CASES)
    check_may_see(actor=actor, prediction=prediction)
    with transaction.atomic():
        # Two who ask at once wait for each other here.
        prediction = Prediction.objects.select_for_update().get(pk=prediction.pk)
        check_shown(prediction)
        if not prediction.image.submission.lesion.patient.lets_models_judge:
            raise ConflictError(*WITHDRAWN)
        earlier = Explanation.objects.filter(prediction=prediction, state__in=LIVE).first()
        if earlier is not None:
            return earlier
        explanation = Explanation.objects.create(
            prediction=prediction, requested_by=actor, requested_at=timezone.now()
        )
        record_event(
            clinic_id=prediction.image.clinic_id,
            action="explanation.requested",
            actor=actor,
            obj=explanation,
            details={"prediction": str(prediction.pk)},
        )
        explanation_claims.wake_on_commit()
    return explanation


def check_may_see(*, actor: User, prediction: Prediction) -> None:
    """Raise PermissionDenied unless `actor` may see what the model says of this image.

    As the image itself, but for a dermatologist whose clinic hides the model's answer until read.
    """
    clinic_id = prediction.image.clinic_id
    if not Prediction.objects.visible_to(actor).filter(pk=prediction.pk).exists():
        raise PermissionDenied("Your role in this clinic does not allow this: view_cases.")
    role = role_in(actor, clinic_id)
    if must_read_first(reader=actor, submission=prediction.image.submission, role=role):
        raise PermissionDenied(READ_FIRST)


def check_shown(prediction: Prediction) -> None:
    """Raise ConflictError (not_judged, cancelled, in_work) where no page shows this prediction's figure."""
    if prediction.state != PredictionState.SUCCEEDED or prediction.is_refused or prediction.is_shadow:
        raise ConflictError(
            "not_judged", "The model gave no figure for this image, so there is nothing to show."
        )
    submission = prediction.image.submission
    if submission.cancelled_at is not None:
        raise ConflictError("cancelled", "This case was withdrawn. It gives no result.")
    if summarise(submission).headline in WITHHOLDING:
        raise ConflictError("in_work", "The model is still at work on this case. Ask again when it is done.")
