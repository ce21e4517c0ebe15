"""How a dermatologist's diagnosis stands to the model's answer, and what was read unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.case_summary import Headline
from classifier.vocabulary import Agreement, Diagnosis
from portal.accounts.roles import Role
from portal.audit.models import AuditEvent

if TYPE_CHECKING:
    from classifier.models import Submission
    from portal.accounts.models import User

READ_UNSEEN = "submission.read_unseen"

BENIGN, MALIGNANT, OPEN = "benign", "malignant", "open"
DIAGNOSIS_GROUPS: dict[str, str] = {
    Diagnosis.NAEVUS: BENIGN,
    Diagnosis.MELANOMA: MALIGNANT,
    Diagnosis.BASAL_CELL_CARCINOMA: MALIGNANT,
    Diagnosis.SQUAMOUS_CELL_CARCINOMA: MALIGNANT,
    # Bowen's disease is carcinoma in situ, and HAM10000 counts both as malignant.
    Diagnosis.ACTINIC_KERATOSIS: MALIGNANT,
    Diagnosis.SEBORRHOEIC_KERATOSIS: BENIGN,
    Diagnosis.DERMATOFIBROMA: BENIGN,
    Diagnosis.VASCULAR_LESION: BENIGN,
    Diagnosis.OTHER_BENIGN: BENIGN,
    Diagnosis.OTHER_MALIGNANT: MALIGNANT,
    Diagnosis.INDETERMINATE: OPEN,
}


def suggest_agreement(diagnosis: str, headline: str) -> str:
    """The agreement that follows from both; empty where only the reader can say."""
    if headline not in (Headline.BENIGN, Headline.MALIGNANT):
        return Agreement.NO_RESULT.value
    group = DIAGNOSIS_GROUPS.get(diagnosis, OPEN)
    if group == OPEN:
        return ""
    return Agreement.AGREES.value if group == headline else Agreement.DISAGREES.value


def find_unseen_reading(*, reader: User, submission: Submission) -> str:
    """The diagnosis that `reader` recorded before seeing the model's answer; empty if none."""
    event = (
        AuditEvent.objects.filter(
            object_type="classifier.submission",
            object_id=str(submission.pk),
            action=READ_UNSEEN,
            actor=reader,
        )
        .order_by("occurred_at", "position")
        .first()
    )
    return str(event.details.get("diagnosis", "")) if event else ""


def must_read_first(*, reader: User, submission: Submission, role: str) -> bool:
    """Whether nothing of the model's answer may be shown to `reader`, whose role here is `role`.

    So for a dermatologist of a clinic that hides it, until they said what they see or a review
    is signed.
    """
    return (
        role == Role.DERMATOLOGIST
        and submission.clinic.hide_result_until_read
        and not submission.reviews.exists()
        and not find_unseen_reading(reader=reader, submission=submission)
    )
