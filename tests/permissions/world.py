"""Two clinics, everybody who may knock, and one real object of each kind in the own clinic."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone
from knox.models import AuthToken
from oauth2_provider.models import RefreshToken, set_token_value

from classifier.domain.vocabulary import Management
from classifier.models import (
    Acknowledgement,
    EmergencyAccess,
    ModelVersion,
    Outcome,
    Patient,
    Prediction,
    Review,
    Submission,
    SubmissionImage,
    WebhookDelivery,
    WebhookEndpoint,
)
from classifier.pages.emergency_session import SESSION_KEY as EMERGENCIES_KEY
from portal.trust.accounts.middleware import SESSION_KEY
from portal.trust.accounts.models import Membership, OAuthApplication, User
from portal.trust.accounts.people.invitations import IssuedInvitation, invite
from portal.trust.accounts.roles import Role
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event
from tests.factories import (
    AcknowledgementFactory,
    ExplanationFactory,
    MembershipFactory,
    ModelVersionFactory,
    OutcomeFactory,
    OutlineFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    TwoClinics,
    UserFactory,
    active_model,
    draw_jpeg,
    restated_together,
    service_account,
    two_clinics,
)
from tests.support.oauth import ask, register
from tests.support.webhooks import WebhookDeliveryFactory, WebhookEndpointFactory

ROLES = [role.value for role in Role]
ACTORS = [
    "nobody",
    "deactivated",
    "outsider",
    "operator",
    "dismissed",
    *(f"own.{role}" for role in ROLES),
    *(f"other.{role}" for role in ROLES),
    "guest",
    "guest.ended",
    "emergency",
    "emergency.expired",
]


_handlers: list[ClientHandler] = []
is_sharing = [False]


def share_handler(client: Client) -> Client:
    """Let this client call the site through the middleware that the first one loaded: thousands follow.

    In the tests of this folder alone (`shared_middleware`): others change the settings that middleware reads.
    """
    if not is_sharing[0]:
        return client
    if not _handlers:
        handler = ClientHandler(enforce_csrf_checks=False)
        handler.load_middleware()
        _handlers.append(handler)
    client.handler = _handlers[0]
    return client


@dataclass(frozen=True)
class Key:
    """What shows who calls: nothing for nobody."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    side: TwoClinics
    deactivated: User
    dismissed: User
    guest: User
    guest_ended: User
    stay: Membership
    emergency: User
    emergency_expired: User
    access: EmergencyAccess
    colleague: Membership
    model: ModelVersion
    judged: Submission
    reviewed: Submission
    failed: Submission
    image: SubmissionImage
    review: Review
    acknowledgement: Acknowledgement
    prediction: Prediction
    outcome: Outcome
    trial: ModelVersion
    webhook: WebhookEndpoint
    delivery: WebhookDelivery
    issued_invitation: IssuedInvitation
    stranger: Patient
    service: Membership
    application: OAuthApplication
    keys: dict[tuple[str, bool], Key] = field(default_factory=dict)

    def person(self, actor: str) -> User | None:
        if actor == "nobody":
            return None
        if hasattr(self, actor.replace(".", "_")):
            person: User = getattr(self, actor.replace(".", "_"))
            return person
        place, _, role = actor.partition(".")
        return getattr(self.side, place).person(role) if role else getattr(self.side, place)

    def let_in(self) -> None:
        """Log everybody in once, so that no test and no caller of a module does it again."""
        for actor in ACTORS:
            for by_token in (False, True):
                self.keys[actor, by_token] = self._log_in(actor, by_token)
        for clinic in (self.side.own.clinic.pk, self.side.other.clinic.pk, None):
            # The first event of a log begins its chain: nor does each refusal do that again.
            record_event(clinic_id=clinic, action="clinic.updated")

    def client(self, actor: str, *, by_token: bool) -> Client:
        """As this person calls: with a token where it is the API, with a session elsewhere."""
        key = self.keys.get((actor, by_token)) or self._log_in(actor, by_token)
        client = share_handler(Client(headers=dict(key.headers)))
        client.cookies.load(key.cookies)
        return client

    def _log_in(self, actor: str, by_token: bool) -> Key:
        person = self.person(actor)
        if person is None:
            return Key()
        if by_token:
            token = AuthToken.objects.create(user=person)[1]
            return Key(headers={"Authorization": f"Bearer {token}"})
        client = Client()
        client.force_login(person)
        session = client.session
        if actor.startswith("emergency"):
            rows = EmergencyAccess.objects.filter(user=person)
            session[EMERGENCIES_KEY] = [str(pk) for pk in rows.values_list("pk", flat=True)]
        if actor.startswith("guest"):
            # Their own clinic is the other one; they chose this one, while it lasted.
            session[SESSION_KEY] = str(self.side.own.clinic.pk)
        session.save()
        return Key(cookies={name: morsel.value for name, morsel in client.cookies.items()})


@restated_together()
def build_world(side: TwoClinics | None = None) -> World:
    side = side or two_clinics()
    clinic = side.own.clinic
    model = active_model()
    judged, reviewed, failed = (SubmissionFactory(clinic=clinic) for _ in range(3))
    image = SubmissionImageFactory(submission=judged, with_files=True, with_files__seed=1)
    prediction = PredictionFactory(image=image, state="succeeded", outcome="malignant")
    ExplanationFactory(prediction=prediction, state="succeeded", with_file=True)
    OutlineFactory(image=prediction.image, state="succeeded")
    trial = ModelVersionFactory(shadow=True)
    PredictionFactory(image=image, model_version=trial, is_shadow=True, state="succeeded")
    PredictionFactory(submission=reviewed, state="succeeded")
    PredictionFactory(submission=failed, state="failed")
    webhook = WebhookEndpointFactory(clinic=clinic)
    stay, stay_ended = (
        MembershipFactory(
            clinic=clinic, role="dermatologist", ends_at=timezone.now() + dt.timedelta(days=days)
        )
        for days in (3, -3)
    )
    for guest in (stay.user, stay_ended.user):
        MembershipFactory(clinic=side.other.clinic, role="dermatologist", user=guest)
    access, expired = (open_in_emergency(side, judged, minutes=minutes) for minutes in (60, -60))
    return World(
        side=side,
        emergency=access.user,
        emergency_expired=expired.user,
        access=access,
        guest=stay.user,
        guest_ended=stay_ended.user,
        stay=stay,
        deactivated=MembershipFactory(clinic=clinic, role="dermatologist", user__is_active=False).user,
        dismissed=MembershipFactory(clinic=clinic, role="dermatologist", is_active=False).user,
        colleague=MembershipFactory(clinic=clinic, role="clinician"),
        model=model,
        judged=judged,
        reviewed=reviewed,
        failed=failed,
        image=image,
        review=ReviewFactory(
            submission=reviewed, signed_by=side.own.dermatologist, management=Management.EXCISE
        ),
        acknowledgement=AcknowledgementFactory(
            review=ReviewFactory(submission=SubmissionFactory(clinic=clinic), management=Management.EXCISE)
        ),
        prediction=prediction,
        outcome=OutcomeFactory(lesion=judged.lesion),
        trial=trial,
        service=service_account(clinic),
        application=register(side.own).application,
        webhook=webhook,
        delivery=WebhookDeliveryFactory(endpoint=webhook, state="failed"),
        stranger=PatientFactory(clinic=side.other.clinic),
        issued_invitation=invite(
            actor=side.own.administrator, clinic=clinic, email="asked@clinic.example", role="clinician"
        ),
    )


def open_in_emergency(side: TwoClinics, case: Submission, *, minutes: int) -> EmergencyAccess:
    """A clinician of the other clinic and their access to the case's patient, until so many minutes from now."""
    end = timezone.now() + dt.timedelta(minutes=minutes)
    return EmergencyAccess.objects.create(
        user=MembershipFactory(clinic=side.other.clinic, role="clinician").user,
        home_clinic=side.other.clinic,
        patient=case.lesion.patient,
        clinic=side.own.clinic,
        reason="Unconscious in our emergency room",
        granted_at=end - dt.timedelta(hours=1),
        expires_at=end,
    )


def emergency_request(world: World, actor: str) -> dict[str, Any]:
    """A patient of whichever clinic the caller is a stranger to."""
    mine = world.side.other if actor.startswith(("other", "emergency", "guest.ended")) else world.side.own
    patient = world.judged.lesion.patient if mine is world.side.other else world.stranger
    return {
        "clinic": patient.clinic_id,
        "public_id": patient.public_id,
        "reason": "Unconscious in our emergency room",
    }


def picture() -> SimpleUploadedFile:
    return SimpleUploadedFile("lesion.jpg", draw_jpeg(2), "image/jpeg")


def own_event(world: World) -> AuditEvent:
    return record_event(clinic_id=world.side.own.clinic.pk, action="clinic.updated")


def reset_key(world: World) -> dict[str, str]:
    # Read anew: logging in changes the person, and the key with them.
    person = User.objects.get(pk=world.side.own.clinician.pk)
    return {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}


def own_token(world: World, actor: str) -> dict[str, Any]:
    """A token of the caller; somebody else's where there is no caller."""
    person = world.person(actor) or UserFactory()
    return {"token": AuthToken.objects.create(user=person)[0].pk}


def service_token(world: World, _: str) -> dict[str, Any]:
    return {"token": AuthToken.objects.create(user=world.service.user)[0].pk}


def authorization_request(world: World, _: str) -> dict[str, Any]:
    return ask(world.application)


def consent(world: World, _: str) -> dict[str, Any]:
    return {**ask(world.application), "allow": "true"}


def own_consent(world: World, actor: str) -> dict[str, Any]:
    """The application acts for the caller, whoever that is."""
    token = RefreshToken(user=world.person(actor) or UserFactory(), application=world.application)
    set_token_value(token, "dpr_of_this_test")
    token.save()
    return {}
