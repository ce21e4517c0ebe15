"""What patients agree to, as rows with who and when; and what stops when one withdraws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.cases.standing import refresh_standing
from classifier.models import Consent, Explanation, Patient, Prediction, SubmissionImage
from classifier.services.errors import InvalidInputError
from classifier.services.preconditions import check_unchanged
from classifier.states import PredictionState, transition
from classifier.vocabulary import ConsentPurpose
from portal.accounts.permissions import require
from portal.accounts.roles import Action
from portal.audit.services import record_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from typing import Any

    from portal.accounts.models import User

COLUMNS = {
    ConsentPurpose.INFERENCE: "consents_to_inference",
    ConsentPurpose.TEACHING: "consents_to_teaching",
    ConsentPurpose.TRAINING: "consents_to_training",
}
"""Where the newest word on each purpose stands beside the patient; None is "never asked"."""

WITHDRAWN = ("consent_withdrawn", "The patient withdrew the consent, so no model judges this image.")
MISSING = (
    "This patient has not agreed to have images judged by a model. Record the consent first, then submit."
)


def record_consent(
    *,
    actor: User,
    patient: Patient,
    purpose: str,
    is_given: bool,
    expected: Collection[str] | None = None,
) -> Patient:
    """Note what the patient says of `purpose`; the same as before changes nothing.

    Withdrawn for inference, it stops what is queued or running. Raises PermissionDenied,
    InvalidInputError (purpose_unknown), or ChangedError unless the tag is an `expected` one.
    """
    require(actor, patient.clinic_id, Action.SUBMIT)
    if purpose not in ConsentPurpose.values:
        raise InvalidInputError(
            "purpose_unknown",
            f"The purpose can be one of {', '.join(ConsentPurpose.values)}.",
            field="purpose",
        )
    column = COLUMNS[ConsentPurpose(purpose)]
    with transaction.atomic():
        patient = Patient.objects.select_for_update().get(pk=patient.pk)
        check_unchanged(patient, expected)
        if getattr(patient, column) == is_given:
            return patient
        setattr(patient, column, is_given)
        patient.save(update_fields=[column])
        write_consent(actor=actor, patient=patient, purpose=purpose, is_given=is_given)
        is_stopping = purpose == ConsentPurpose.INFERENCE and not is_given
        stopped = stop_inference(patient, *WITHDRAWN) if is_stopping else 0
        record_event(
            clinic_id=patient.clinic_id,
            action="consent.given" if is_given else "consent.withdrawn",
            actor=actor,
            obj=patient,
            details={"purpose": purpose, **({"predictions_stopped": stopped} if is_stopping else {})},
        )
    return patient


def write_consent(*, actor: User, patient: Patient, purpose: str, is_given: bool) -> Consent:
    """The row alone, for a caller whose own event says what happened."""
    return Consent.objects.create(
        patient=patient,
        purpose=purpose,
        is_given=is_given,
        recorded_at=timezone.now(),
        recorded_by=actor,
    )


def require_inference_consent(patient_id: uuid.UUID) -> None:
    """Lock the patient until the transaction ends and check that a model may judge.

    Who withdraws waits for the same lock, so nothing is queued behind a withdrawal. Raises
    InvalidInputError (consent_missing).
    """
    patient = Patient.objects.select_for_update().get(pk=patient_id)
    if not patient.consents_to_inference or patient.erased_at is not None:
        raise InvalidInputError("consent_missing", MISSING, field="patient")


def stop_inference(patient: Patient, code: str, message: str) -> int:
    """Cancel what is queued or running of `patient`; return how many predictions that were.

    A worker that is at one of them finds its claim gone, and its answer is dropped.
    """
    now = timezone.now()
    values: dict[str, Any] = {"finished_at": now, "lease_until": None, "error_code": code}
    path = "image__submission__lesion__patient"
    predictions = _lock(Prediction.objects.unfinished().filter(**{path: patient}))
    cases = set(
        SubmissionImage.objects.filter(predictions__in=predictions).values_list("submission", flat=True)
    )
    explanations = _lock(Explanation.objects.unfinished().filter(**{f"prediction__{path}": patient}))
    stopped = 0
    for source in (PredictionState.QUEUED, PredictionState.RUNNING):
        stopped += transition(
            Prediction.objects.filter(pk__in=predictions),
            source=source,
            target=PredictionState.CANCELLED,
            claim=None,
            error_message=message,
            **values,
        )
        transition(
            Explanation.objects.filter(pk__in=explanations),
            source=source,
            target=PredictionState.FAILED,
            claim=None,
            error_message=message,
            **values,
        )
    refresh_standing(cases)
    return stopped


def _lock(rows: Any) -> list[uuid.UUID]:
    """Lock `rows` in the order of their ids, as whoever changes several does."""
    return list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
