"""CSV export of a trial: where a shadow version says otherwise, with one event that says who took it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from classifier.domain.csv_cells import Export, format_moment, write_rows
from classifier.registry.trials import find_flips, keep_opponent, select_pairs
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from classifier.models import ModelVersion, Prediction
    from portal.trust.accounts.models import Clinic, User

COLUMNS = (
    "submission_id",
    "image",
    "patient_id",
    "mrn",
    "body_site",
    "served_model",
    "served_outcome",
    "served_probability",
    "trial_model",
    "trial_outcome",
    "trial_probability",
    "trial_finished_at",
    "signed_diagnosis",
)


def export_flips(*, actor: User, clinic: Clinic, version: ModelVersion, against: ModelVersion) -> Export:
    """CSV of the images of `clinic` on which `version`, on trial, and `against` differ.

    Images of patients who withdrew the consent to export stay behind. Raises PermissionDenied.
    """
    require(actor, clinic, Action.ADMINISTER)
    with transaction.atomic():
        pairs = keep_opponent(select_pairs(version, clinic_id=clinic.pk), against)
        found = list(find_flips(pairs))
        flips = [flip for flip in found if _may_leave(flip)]
        left_out = len(found) - len(flips)
        record_event(
            clinic_id=clinic.pk,
            action="model.comparison_exported",
            actor=actor,
            obj=version,
            details={"count": len(flips), "left_out": left_out, "against": str(against.pk)},
        )
    rows = (_describe(flip, version, against) for flip in flips)
    return Export(write_rows([COLUMNS, *rows]), left_out)


def _may_leave(flip: Prediction) -> bool:
    return flip.image.submission.lesion.patient.consents_to_training is not False


def _describe(flip: Prediction, version: ModelVersion, against: ModelVersion) -> list[object]:
    submission = flip.image.submission
    patient = submission.lesion.patient
    return [
        submission.pk,
        flip.image.position,
        patient.public_id,
        patient.mrn,
        submission.lesion.body_site,
        str(against),
        flip.served_outcome,  # type: ignore[attr-defined] # annotated by select_pairs
        flip.served_probability,  # type: ignore[attr-defined]  # as above
        str(version),
        flip.outcome,
        flip.calibrated_probability,
        format_moment(flip.finished_at),
        flip.diagnosis,  # type: ignore[attr-defined]  # as above
    ]
