"""Prefetching: the rows an answer needs, in a number of queries that doesn't grow with the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat

from classifier.domain.states import PredictionState
from classifier.domain.vocabulary import Standing, StandingBasis
from classifier.models import (
    Acknowledgement,
    Lesion,
    Outcome,
    Patient,
    Prediction,
    Review,
    Submission,
    SubmissionImage,
)
from classifier.standing.hiding import (
    HIDES_STANDING,
    when_answer_is_hidden,
    when_blinded,
    when_place_is_hidden,
    when_worst_is_hidden,
)
from classifier.standing.reviews import IS_IN_FORCE
from classifier.standing.standing import rank as rank_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from classifier.models.lesion import LesionQuerySet
    from classifier.models.outcome import OutcomeQuerySet
    from classifier.models.patient import PatientQuerySet
    from classifier.models.prediction import PredictionQuerySet
    from classifier.models.review import ReviewQuerySet
    from classifier.models.submission import SubmissionQuerySet
    from portal.trust.accounts.models import User

    Rows = TypeVar("Rows", bound=QuerySet[Any])


def select_submissions(user: User) -> SubmissionQuerySet:
    """Cases that `user` may see, with all that a `SubmissionSerializer` shows."""
    return (
        Submission.objects.visible_to(user)
        .annotate(
            is_withheld=when_blinded(user) & when_answer_is_hidden(),
            is_standing_withheld=when_blinded(user) & HIDES_STANDING,
        )
        .select_related("clinic", "lesion__patient", "submitted_by", "standing_person")
        .select_related("reading_claim__reader")
        .prefetch_related(
            Prefetch("images", SubmissionImage.objects.order_by("position")),
            Prefetch("images__predictions", select_served_predictions()),
            Prefetch("reviews", Review.objects.select_related("signed_by").order_by("signed_at")),
            Prefetch("reviews__acknowledgements", Acknowledgement.objects.select_related("acknowledged_by")),
        )
    )


def select_patients(user: User) -> PatientQuerySet:
    """Patients that `user` may see, each with whether their standing is withheld."""
    cases = Submission.objects.filter(lesion__patient=OuterRef("pk"))
    return (
        Patient.objects.visible_to(user)
        .annotate(is_standing_withheld=when_blinded(user) & when_worst_is_hidden(cases))
        .select_related("clinic", "standing_person")
    )


def select_lesions(user: User) -> LesionQuerySet:
    """The same of lesions."""
    cases = Submission.objects.filter(lesion=OuterRef("pk"))
    return (
        Lesion.objects.visible_to(user)
        .annotate(
            is_standing_withheld=when_blinded(user, clinic="patient__clinic") & when_worst_is_hidden(cases)
        )
        .select_related("patient__clinic", "patient__standing_person", "standing_person")
    )


def with_risk(rows: Rows, *, since: str) -> Rows:
    """Annotate `risk`: a text by which the most worrying comes first, then the earliest by `since`.

    One text and different for every row, because a page goes on behind a value: of a thousand rows of one
    rank it could not tell where it was. What is withheld is ordered as if it were in work.
    """
    rank = Case(
        When(
            when_place_is_hidden(Q(is_standing_withheld=True)),
            then=Value(rank_of(Standing.IN_WORK, StandingBasis.STATE)),
        ),
        default=F("standing_rank"),
        output_field=IntegerField(),
    )
    parts = [Cast(one, CharField()) for one in (rank, F(since), F("pk"))]
    return rows.annotate(risk=Concat(parts[0], Value(" "), parts[1], Value(" "), parts[2]))


def select_predictions(user: User) -> PredictionQuerySet:
    """Answers that `user` may see, each with what decides whether it is withheld."""
    case = "image__submission"
    return (
        select_served_predictions()
        .filter(pk__in=Prediction.objects.visible_to(user).values("pk"))
        .annotate(is_withheld=when_blinded(user, clinic="image__clinic") & when_answer_is_hidden(f"{case}__"))
        .select_related(
            f"{case}__lesion__patient__clinic", f"{case}__lesion__patient__standing_person", f"{case}__clinic"
        )
    )


def select_reviews(user: User) -> ReviewQuerySet:
    """Reviews that `user` may see, each with whether it is the one that counts."""
    return (
        Review.objects.visible_to(user)
        .annotate(is_current=IS_IN_FORCE)
        .select_related("signed_by", "submission__lesion__patient__clinic")
        .select_related("submission__lesion__patient__standing_person")
    )


def select_outcomes(user: User) -> OutcomeQuerySet:
    """Histopathology that `user` may see, each with whether it is the one that counts."""
    return (
        Outcome.objects.visible_to(user)
        .with_standing()
        .select_related("recorded_by", "lesion__patient__clinic", "lesion__patient__standing_person")
    )


def select_served_predictions() -> PredictionQuerySet:
    """Without shadows, oldest first, each with `waiting_before`."""
    return (
        Prediction.objects.served()
        .annotate(waiting_before=_count_waiting_before())
        .select_related("model_version")
        .order_by("queued_at", "id")
    )


def _count_waiting_before() -> Case:
    """As `position_in_queue` of `classifier.engine.queue`, for many rows in one query; null unless queued."""
    same_rank = Q(queue_rank=OuterRef("queue_rank"))
    before = (
        Q(queue_rank__lt=OuterRef("queue_rank"))
        | same_rank & Q(queued_at__lt=OuterRef("queued_at"))
        | same_rank & Q(queued_at=OuterRef("queued_at"), id__lt=OuterRef("id"))
    )
    # Shadows wait behind every served image, so only served ones are counted.
    counted = (
        Prediction.objects.queued()
        .served()
        .filter(before)
        .order_by()
        .values("is_shadow")
        .annotate(rows=Count("pk"))
        .values("rows")
    )
    return Case(
        When(state=PredictionState.QUEUED, then=Coalesce(Subquery(counted), 0)),
        default=None,
        output_field=IntegerField(),
    )
