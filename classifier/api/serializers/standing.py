"""What a case, a lesion or a patient is held for, what is ordered, and who reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework import serializers

from classifier.api import examples
from classifier.api.serializers.fields import ChoiceField, IsoDayField, StrictSerializer
from classifier.api.serializers.people import PersonSerializer
from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import (
    AcknowledgedAs,
    Diagnosis,
    Histopathology,
    Management,
    Standing,
    StandingBasis,
)
from classifier.labels.standing import label_case, label_standing
from classifier.models import Acknowledgement, Patient, ReadingClaim, Submission
from classifier.standing.hiding import (
    find_unread_answers,
    hides_standing,
    hides_worst,
    holds_unread_answer,
    is_blinded,
)
from classifier.standing.standing import find_order
from portal.trust.accounts.models import Membership

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from rest_framework.request import Request

    from classifier.labels.standing import StandingLabel
    from classifier.models.standing_columns import StandingColumns
    from portal.trust.accounts.models import Clinic

DIAGNOSES = sorted({**dict(Diagnosis.choices), **dict(Histopathology.choices)}.items())


class StandingSerializer(serializers.Serializer[Any]):
    """Histopathology over the signed review over the model: `refer` is that the model doesn't decide, being
    too close to call or without ground, `not_judged` that it could not or was not to judge. All null while there is no case, and where you are to read
    first.
    """

    value = serializers.ChoiceField(choices=Standing.choices, allow_null=True)
    basis = serializers.ChoiceField(
        choices=StandingBasis.choices, allow_null=True, help_text="Whose word it is."
    )
    diagnosis = serializers.ChoiceField(
        choices=DIAGNOSES,
        allow_null=True,
        help_text="Of the pathologist or the dermatologist, whichever the basis is; else null.",
    )
    said_by = PersonSerializer(allow_null=True, help_text="Null where no person said it.")
    at = serializers.DateTimeField(allow_null=True)
    label = serializers.CharField(help_text="In words, as on the pages.")  # type: ignore[assignment]  # the name that integrators expect


class AcknowledgementSerializer(serializers.ModelSerializer[Acknowledgement]):
    """Somebody's word that an order was carried out. A slip is taken back, never deleted."""

    done = serializers.ChoiceField(choices=AcknowledgedAs.choices, read_only=True)
    acknowledged_by = PersonSerializer(read_only=True)

    class Meta:
        model = Acknowledgement
        fields = ["id", "done", "done_on", "note", "acknowledged_by", "acknowledged_at", "taken_back_at"]
        read_only_fields = fields


@examples.asked("Referred", examples.NEW_ACKNOWLEDGEMENT)
class NewAcknowledgementSerializer(StrictSerializer):
    """What was done about the order of a case."""

    done = ChoiceField(choices=AcknowledgedAs.choices)
    done_on = IsoDayField(required=False, allow_null=True, default=None, help_text="If known.")
    note = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="Such as where to; needed with `other`."
    )


class OrderSerializer(serializers.Serializer[Any]):
    """What a signed review asks for, until when, and what was done."""

    management = serializers.ChoiceField(choices=Management.choices)
    due_at = serializers.DateTimeField(allow_null=True, help_text="Null once it was acknowledged.")
    is_overdue = serializers.BooleanField()
    acknowledgement = AcknowledgementSerializer(allow_null=True, help_text="Null while it is open.")


class ReadingClaimSerializer(serializers.ModelSerializer[ReadingClaim]):
    """Who has a case open to read it."""

    reader = PersonSerializer(read_only=True)

    class Meta:
        model = ReadingClaim
        fields = ["reader", "until"]
        read_only_fields = fields


@examples.asked("Knowingly", examples.CLAIM)
class ClaimSerializer(StrictSerializer):
    takeover = serializers.BooleanField(
        required=False, default=False, help_text="Also where somebody else is reading it."
    )


def describe_order(submission: Submission) -> dict[str, Any] | None:
    """The order of the review in force; None where nothing is ordered. Needs reviews and acknowledgements."""
    order = find_order(list(submission.reviews.all()))
    if order is None or submission.state != SubmissionState.REVIEWED:
        return None
    due_at = submission.order_due_at
    return dict(
        OrderSerializer(
            {
                "management": order.current.management,
                "due_at": due_at,
                "is_overdue": due_at is not None and due_at < timezone.now(),
                "acknowledgement": order.acknowledgement,
            }
        ).data
    )


def describe_claim(submission: Submission) -> dict[str, Any] | None:
    """The claim that holds now. Needs `reading_claim` loaded."""
    claim = getattr(submission, "reading_claim", None)
    if claim is None or claim.until <= timezone.now():
        return None
    return dict(ReadingClaimSerializer(claim).data)


def describe_standing(row: StandingColumns, request: Request) -> dict[str, Any]:
    """What `row` is held for, as the caller of `request` may see it. Needs its clinic loaded."""
    is_hidden = is_standing_hidden(row, request)
    if isinstance(row, Submission):
        return _describe(row, label_case(row, is_hidden=is_hidden), is_hidden=is_hidden)
    return _describe(row, label_standing(row, is_hidden=is_hidden), is_hidden=is_hidden)


def is_standing_hidden(row: StandingColumns, request: Request) -> bool:
    """As the query of `row` says, where it does; else asked here, as of a patient within another row."""
    clinic = _clinic_of(row)
    role = read_roles(request).get(clinic.pk)
    if isinstance(row, Submission):
        return hides_standing(row, role)
    known: bool | None = getattr(row, "is_standing_withheld", None)
    if known is not None:
        return known
    return is_blinded(clinic, role) and hides_worst(row, clinic, role, has_unread=_has_unread(row, request))


def note_unread(patients: Iterable[Patient], request: Request) -> None:
    """Ask once for all patients of a list, each within another row, what `is_standing_hidden` asks of each."""
    roles = read_roles(request)
    wanted = {row.pk for row in patients if is_blinded(row.clinic, roles.get(row.clinic_id))}
    if wanted:
        cases = Submission.objects.filter(lesion__patient__in=wanted)
        unread = find_unread_answers(cases, of="lesion__patient")
        _known_unread(request).update((pk, pk in unread) for pk in wanted)


def _has_unread(row: Any, request: Request) -> bool:
    """Whether a case of this lesion or patient hides its answer; asked once a request."""
    known = _known_unread(request)
    if row.pk not in known:
        path = "lesion__patient" if isinstance(row, Patient) else "lesion"
        known[row.pk] = holds_unread_answer(Submission.objects.filter(**{path: row}))
    return known[row.pk]


def _known_unread(request: Request) -> dict[uuid.UUID, bool]:
    known: dict[uuid.UUID, bool] | None = getattr(request, "_unread", None)
    if known is None:
        known = request._unread = {}  # type: ignore[attr-defined] # noqa: SLF001 (ours)
    return known


def _clinic_of(row: Any) -> Clinic:
    clinic: Clinic = row.clinic if hasattr(row, "clinic_id") else row.patient.clinic
    return clinic


def _describe(row: StandingColumns, label: StandingLabel, *, is_hidden: bool) -> dict[str, Any]:
    has_any = bool(row.standing) and not is_hidden
    return dict(
        StandingSerializer(
            {
                "value": row.standing if has_any else None,
                "basis": row.standing_basis if has_any else None,
                "diagnosis": row.standing_diagnosis or None if has_any else None,
                "said_by": row.standing_person if has_any else None,
                "at": row.standing_at if has_any else None,
                "label": label.word,
            }
        ).data
    )


def read_roles(request: Request) -> dict[uuid.UUID, str]:
    """The caller's role in each of their clinics; asked once a request."""
    roles: dict[uuid.UUID, str] | None = getattr(request, "_roles", None)
    if roles is None:
        held = Membership.objects.held_by(request.user)
        roles = dict(held.values_list("clinic_id", "role"))
        request._roles = roles  # type: ignore[attr-defined]  # noqa: SLF001 (ours)
    return roles
