"""Consent: what patients agree to, as rows with who and when; and what stops when one withdraws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.domain.errors import InvalidInputError
from classifier.domain.states import PredictionState, transition
from classifier.domain.vocabulary import ConsentOrigin, ConsentPurpose
from classifier.models import Consent, Explanation, Outline, Patient, Prediction, SubmissionImage
from classifier.preconditions import check_unchanged
from classifier.standing.columns import refresh_standing
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import Entry, record_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from typing import Any

    from portal.trust.accounts.models import User

COLUMNS = {
    ConsentPurpose.INFERENCE: "consents_to_inference",
    ConsentPurpose.TEACHING: "consents_to_teaching",
    ConsentPurpose.TRAINING: "consents_to_training",
}
"""Where the newest word on each purpose stands beside the patient; None is "never asked"."""

WITHDRAWN = ("consent_withdrawn", "The patient withdrew the consent, so no model judges this image.")
REFUSED = (
    "This patient has not agreed to have images judged by a model. Record the consent first, then submit."
)
NEVER_ASKED = (
    "Nobody has recorded whether this patient agrees to have images judged by a model. "
    "Ask the patient and record the answer, yes or no, then submit."
)


class NeverAskedError(InvalidInputError):
    """Nobody has recorded the patient's answer: the refusal that an answer sent along would lift."""

    def __init__(self) -> None:
        super().__init__("consent_missing", NEVER_ASKED, field="patient")


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
        consent = write_consent(actor=actor, patient=patient, purpose=purpose, is_given=is_given)
        is_stopping = purpose == ConsentPurpose.INFERENCE and not is_given
        stopped = stop_inference(patient, *WITHDRAWN) if is_stopping else 0
        record_event(
            clinic_id=patient.clinic_id,
            action="consent.given" if is_given else "consent.withdrawn",
            actor=actor,
            obj=patient,
            details={
                **describe_origin(consent),
                **({"predictions_stopped": stopped} if is_stopping else {}),
            },
        )
    return patient


def write_consent(
    *,
    actor: User,
    patient: Patient,
    purpose: str,
    is_given: bool,
    origin: str = ConsentOrigin.STATED,
) -> Consent:
    """The row alone, for a caller whose own event says what happened; `origin` of ConsentOrigin."""
    return Consent.objects.create(
        patient=patient,
        purpose=purpose,
        is_given=is_given,
        origin=origin,
        recorded_at=timezone.now(),
        recorded_by=actor,
    )


def describe_origin(consent: Consent) -> dict[str, str]:
    """What an event says of a word on consent: for what, how it came here, and from where."""
    place = consent.patient.clinic.consent_recorded_in if consent.origin == ConsentOrigin.ELSEWHERE else ""
    return {
        "purpose": str(consent.purpose),
        "origin": str(consent.origin),
        **({"recorded_in": place} if place else {}),
    }


def check_not_erased(patient: Patient) -> None:
    """Nothing is added of a patient whose data were erased. Raises InvalidInputError (consent_missing)."""
    if patient.erased_at is not None:
        raise InvalidInputError("consent_missing", REFUSED, field="patient")


def check_inference_consent(patient: Patient) -> None:
    """Refuse a patient who has not agreed to be judged by a model; nothing is presumed.

    Of one whom nobody asked, a clinic that records consent elsewhere has stated that it does. Raises
    InvalidInputError (consent_missing).
    """
    check_not_erased(patient)
    if patient.lets_models_judge:
        return
    if patient.consents_to_inference is None:
        raise NeverAskedError
    raise InvalidInputError("consent_missing", REFUSED, field="patient")


def require_inference_consent(patient_id: uuid.UUID, *, actor: User) -> list[Entry]:
    """Lock the patient until the transaction ends and check that a model may judge.

    Who withdraws waits for the same lock, so nothing is queued behind a withdrawal. Where the clinic
    records consent elsewhere, that is noted here for a patient of whom the portal knows nothing; the
    event of it is returned, for the caller to record after its last change of a row.
    Raises InvalidInputError (consent_missing).
    """
    patient = Patient.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=patient_id)
    check_inference_consent(patient)
    if patient.consents_to_inference is not None:
        return []
    patient.consents_to_inference = True
    patient.save(update_fields=["consents_to_inference"])
    consent = write_consent(
        actor=actor,
        patient=patient,
        purpose=ConsentPurpose.INFERENCE,
        is_given=True,
        origin=ConsentOrigin.ELSEWHERE,
    )
    return [
        Entry(
            clinic_id=patient.clinic_id,
            action="consent.given",
            actor=actor,
            obj=patient,
            details=describe_origin(consent),
        )
    ]


def state_inference_consent(*, actor: User, patient: Patient, is_given: bool | None) -> Patient:
    """Note what came with a case for a patient whom nobody has asked before; None says nothing.

    What a case says never changes an answer that stands: one who withdrew is not made to agree by a
    constant in somebody's program. Raises InvalidInputError (consent_missing, consent_mismatch).
    """
    if is_given is None:
        return patient
    with transaction.atomic():
        # What stands is asked under the lock: who withdraws at this moment is not overwritten.
        locked = Patient.objects.select_for_update(of=("self",)).select_related("clinic")
        patient = locked.get(pk=patient.pk)
        if patient.consents_to_inference == is_given:
            return patient
        if patient.consents_to_inference is False:
            raise InvalidInputError("consent_missing", REFUSED, field="patient")
        if patient.consents_to_inference is not None:
            raise InvalidInputError(
                "consent_mismatch",
                "The portal has another answer of this patient, and a case doesn't change it. Send the case without "
                "an answer, or record the new one with the patient first.",
                field="consents_to_inference",
            )
        return record_consent(
            actor=actor, patient=patient, purpose=ConsentPurpose.INFERENCE, is_given=is_given
        )


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
    beside: list[tuple[Any, list[uuid.UUID]]] = [
        (model, _lock(model.objects.unfinished().filter(**{f"{prefix}{path}": patient})))
        for model, prefix in ((Explanation, "prediction__"), (Outline, ""))
    ]
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
        for model, keys in beside:
            transition(
                model.objects.filter(pk__in=keys),
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
