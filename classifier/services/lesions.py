"""Write lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from classifier.models import Lesion
from classifier.services.errors import InvalidInputError
from classifier.services.field_limits import check_length
from classifier.vocabulary import BODY_SITES, Laterality
from portal.accounts.permissions import require
from portal.accounts.roles import Action
from portal.audit.services import record_event

if TYPE_CHECKING:
    from classifier.models import Patient
    from portal.accounts.models import User


def create_lesion(
    *,
    actor: User,
    patient: Patient,
    body_site: str,
    laterality: str = Laterality.UNSPECIFIED,
    note: str = "",
) -> Lesion:
    """Create a lesion of `patient`.

    Raises PermissionDenied or InvalidInputError (body_site_unknown, laterality_unknown,
    note_too_long).
    """
    require(actor, patient.clinic_id, Action.SUBMIT)
    if body_site not in BODY_SITES:
        raise InvalidInputError("body_site_unknown", "Choose a body site from the list.", field="body_site")
    if laterality not in Laterality.values:
        raise InvalidInputError(
            "laterality_unknown",
            f"Side can be one of {', '.join(Laterality.values)}.",
            field="laterality",
        )
    check_length(Lesion, "note", note, what="The note")
    with transaction.atomic():
        lesion = Lesion.objects.create(
            patient=patient,
            body_site=body_site,
            laterality=laterality,
            note=note.strip(),
            created_by=actor,
        )
        record_event(clinic_id=patient.clinic_id, action="lesion.created", actor=actor, obj=lesion)
    return lesion
