"""Two clinics, everybody who may knock, and one real object of each kind in the own clinic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from knox.models import AuthToken

from classifier.models import ModelVersion, Outcome, Prediction, Review, Submission, SubmissionImage
from portal.accounts.models import Membership, User
from portal.accounts.roles import Role
from tests.factories import (
    ExplanationFactory,
    MembershipFactory,
    ModelVersionFactory,
    OutcomeFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    TwoClinics,
    UserFactory,
    active_model,
    draw_jpeg,
    two_clinics,
)

ROLES = [role.value for role in Role]
ACTORS = [
    "nobody",
    "deactivated",
    "outsider",
    "operator",
    "dismissed",
    *(f"own.{role}" for role in ROLES),
    *(f"other.{role}" for role in ROLES),
]


@dataclass(frozen=True)
class World:
    side: TwoClinics
    deactivated: User
    dismissed: User
    colleague: Membership
    model: ModelVersion
    judged: Submission
    reviewed: Submission
    failed: Submission
    image: SubmissionImage
    review: Review
    prediction: Prediction
    outcome: Outcome
    trial: ModelVersion

    def person(self, actor: str) -> User | None:
        if actor == "nobody":
            return None
        if actor in ("deactivated", "dismissed"):
            person: User = getattr(self, actor)
            return person
        place, _, role = actor.partition(".")
        return getattr(self.side, place).person(role) if role else getattr(self.side, place)

    def client(self, actor: str, *, by_token: bool) -> Client:
        """As this person calls: with a token where it is the API, with a session elsewhere."""
        person = self.person(actor)
        if person is None:
            return Client()
        if by_token:
            return Client(headers={"Authorization": f"Bearer {AuthToken.objects.create(user=person)[1]}"})
        client = Client()
        client.force_login(person)
        return client


def build_world() -> World:
    side = two_clinics()
    clinic = side.own.clinic
    model = active_model()
    judged, reviewed, failed = (SubmissionFactory(clinic=clinic) for _ in range(3))
    image = SubmissionImageFactory(submission=judged, with_files=True, with_files__seed=1)
    prediction = PredictionFactory(image=image, state="succeeded", outcome="malignant")
    ExplanationFactory(prediction=prediction, state="succeeded", with_file=True)
    trial = ModelVersionFactory(shadow=True)
    PredictionFactory(image=image, model_version=trial, is_shadow=True, state="succeeded")
    PredictionFactory(submission=reviewed, state="succeeded")
    PredictionFactory(submission=failed, state="failed")
    return World(
        side=side,
        deactivated=MembershipFactory(clinic=clinic, role="dermatologist", user__is_active=False).user,
        dismissed=MembershipFactory(clinic=clinic, role="dermatologist", is_active=False).user,
        colleague=MembershipFactory(clinic=clinic, role="clinician"),
        model=model,
        judged=judged,
        reviewed=reviewed,
        failed=failed,
        image=image,
        review=ReviewFactory(submission=reviewed, signed_by=side.own.dermatologist),
        prediction=prediction,
        outcome=OutcomeFactory(lesion=judged.lesion),
        trial=trial,
    )


def picture() -> SimpleUploadedFile:
    return SimpleUploadedFile("lesion.jpg", draw_jpeg(2), "image/jpeg")


def reset_key(world: World) -> dict[str, str]:
    # Read anew: logging in changes the person, and the key with them.
    person = User.objects.get(pk=world.side.own.clinician.pk)
    return {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}


def own_token(world: World, actor: str) -> dict[str, Any]:
    """A token of the caller; somebody else's where there is no caller."""
    person = world.person(actor) or UserFactory()
    return {"token": AuthToken.objects.create(user=person)[0].pk}
