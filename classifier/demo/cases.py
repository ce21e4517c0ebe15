"""Invented patients and drawn lesions, which come in by the same door as real ones."""

from __future__ import annotations

import datetime as dt
import random
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.utils import timezone

from classifier.cases.reviews import Decision, sign_review
from classifier.demo.lesions import draw_lesion
from classifier.demo.people import HARBOUR, HILLSIDE
from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import (
    Diagnosis,
    Laterality,
    Management,
    ModelAnswer,
    Priority,
    Sex,
    SkinType,
    Source,
)
from classifier.intake.submission import (
    CaseLesion,
    CasePatient,
    Question,
    find_by_request_key,
    submit_case,
)
from classifier.intake.uploads import SentImage
from classifier.models import Lesion, Patient, Submission
from classifier.standing.summary import summarise
from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMESPACE = uuid.UUID("6b1b7c9e-52d4-4a0c-9a0f-0d2f6f2f7a11")
SEED = 21
CASES_PER_CLINIC = {HARBOUR: 26, HILLSIDE: 10}
PATIENTS_PER_CLINIC = {HARBOUR: 12, HILLSIDE: 5}
REVIEWED_SHARE = 0.4
RESULT_WAIT_SECONDS = 120.0

SITES = [
    ("trunk_posterior_trunk_upper_back", Laterality.LEFT),
    ("trunk_posterior_trunk_lower_back", Laterality.RIGHT),
    ("upper_extremity_shoulder", Laterality.LEFT),
    ("upper_extremity_forearm", Laterality.RIGHT),
    ("lower_extremity_lower_leg", Laterality.LEFT),
    ("lower_extremity_thigh", Laterality.RIGHT),
    ("trunk_anterior_trunk_anterior_chest", Laterality.MIDLINE),
    ("head_and_neck_head_face", Laterality.LEFT),
    ("trunk_anterior_trunk_anterior_abdomen", Laterality.UNSPECIFIED),
]
QUESTIONS = [
    "New lesion, growing for three months. Is excision advised?",
    "Changed colour since the last visit.",
    "Patient is worried; looks regular to me.",
    "Itches at times. Follow up or excise?",
    "Seen at the yearly skin check.",
]
KINDS = [*["naevus"] * 5, "melanoma", "melanoma", "unclear", "blurred"]


@dataclass(frozen=True)
class DemoCase:
    """One case to be made; the same number always gives the same case."""

    clinic: str
    number: int

    @property
    def request_key(self) -> uuid.UUID:
        return uuid.uuid5(NAMESPACE, f"{self.clinic}/{self.number}")


def list_cases() -> list[DemoCase]:
    return [DemoCase(clinic, number) for clinic, count in CASES_PER_CLINIC.items() for number in range(count)]


def create_cases(*, pace_seconds: float, report: Callable[[str], None]) -> int:
    """Send every demo case that is not there yet; return how many were made."""
    made = 0
    for case in list_cases():
        clinic = Clinic.objects.get(name=case.clinic)
        if find_by_request_key(clinic_id=clinic.pk, request_key=case.request_key):
            continue
        _create_case(case, clinic)
        made += 1
        report(f"{made} submitted")
        time.sleep(pace_seconds)
    return made


def _create_case(case: DemoCase, clinic: Clinic) -> None:
    chance = random.Random(f"{SEED}/{case.clinic}/{case.number}")  # noqa: S311 (invented data)
    clinician = _person(clinic, Role.CLINICIAN)
    patient = _patient(case, clinic)
    count = 2 if case.number % 9 == 4 else 1  # noqa: PLR2004
    submit_case(
        actor=clinician,
        clinic=clinic,
        patient=patient,
        lesion=_lesion(case, patient, chance),
        images=[_image(case, chance, position) for position in range(count)],
        question=Question(
            clinical_question=chance.choice(QUESTIONS),
            priority=Priority.URGENT if case.number % 11 == 3 else Priority.ROUTINE,  # noqa: PLR2004
            source=Source.DEMO,
            request_key=case.request_key,
        ),
    )


def _person(clinic: Clinic, role: Role) -> User:
    return Membership.objects.select_related("user").get(clinic=clinic, role=role).user


def _patient(case: DemoCase, clinic: Clinic) -> CasePatient:
    index = case.number % PATIENTS_PER_CLINIC[case.clinic]
    mrn = f"DEMO-{1000 + index * 37}"
    known = Patient.objects.filter(clinic=clinic, mrn=mrn).first()
    if known:
        return CasePatient(known=known)
    chance = random.Random(f"{SEED}/{case.clinic}/patient/{index}")  # noqa: S311
    age_days = chance.randint(19 * 365, 84 * 365)
    return CasePatient(
        mrn=mrn,
        birth_date=timezone.localdate() - dt.timedelta(days=age_days),
        sex=chance.choice([Sex.FEMALE, Sex.MALE]),
        skin_type=chance.choice(list(SkinType)[:5]),
        consents_to_inference=True,
    )


def _lesion(case: DemoCase, patient: CasePatient, chance: random.Random) -> CaseLesion:
    """A later visit of the same patient sees the first lesion again every second time."""
    known = Lesion.objects.filter(patient=patient.known).first() if patient.known else None
    is_return = case.number >= PATIENTS_PER_CLINIC[case.clinic]
    if known and is_return and case.number % 2 == 0:
        return CaseLesion(known=known)
    site, side = chance.choice(SITES)
    return CaseLesion(body_site=site, laterality=side)


def _image(case: DemoCase, chance: random.Random, position: int) -> SentImage:
    kind = chance.choice(KINDS)
    seed = chance.randrange(2**31)
    data = draw_lesion(seed, kind=kind)  # type: ignore[arg-type]  # one of the kinds it draws
    return SentImage(ContentFile(data, f"demo-{case.number + 1}-{position + 1}.jpg"))


def sign_some_reviews(*, report: Callable[[str], None]) -> int:
    """Let the demo dermatologists sign a share of what has a result; return how many."""
    signed = 0
    for clinic in Clinic.objects.filter(name__in=CASES_PER_CLINIC):
        dermatologist = _person(clinic, Role.DERMATOLOGIST)
        for submission in _due(clinic):
            sign_review(actor=dermatologist, submission=submission, decision=_decision(submission, signed))
            signed += 1
            report(f"{signed} signed")
    return signed


def wait_for_results() -> bool:
    """Wait until no demo case is in work; False when that takes too long."""
    deadline = time.monotonic() + RESULT_WAIT_SECONDS
    demo = Submission.objects.filter(source=Source.DEMO)
    while demo.with_state(SubmissionState.IN_WORK).exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def _due(clinic: Clinic) -> Iterator[Submission]:
    demo = Submission.objects.filter(source=Source.DEMO, clinic=clinic)
    if demo.with_state(SubmissionState.REVIEWED).exists():
        return
    waiting = list(demo.with_state(SubmissionState.AWAITING_REVIEW).order_by("submitted_at"))
    yield from waiting[: round(len(waiting) * REVIEWED_SHARE)]


def _worst_outcome(submission: Submission) -> str:
    outcomes = set(
        submission.images.filter(predictions__is_shadow=False).values_list("predictions__outcome", flat=True)
    )
    return next(
        (o for o in (ModelAnswer.MALIGNANT, ModelAnswer.REFER, ModelAnswer.BENIGN) if o in outcomes), ""
    )


def _decision(submission: Submission, number: int) -> Decision:
    """What a dermatologist might sign, whatever the model and the gates said."""
    outcome = _worst_outcome(submission)
    if summarise(submission).refused:
        return Decision(
            diagnosis=Diagnosis.INDETERMINATE,
            management=Management.NEW_IMAGE,
            comment="Can't be read from this picture. Take it again, in focus.",
        )
    if outcome == ModelAnswer.BENIGN:
        return Decision(
            diagnosis=Diagnosis.NAEVUS,
            management=Management.NO_ACTION,
            comment="Regular network, symmetric.",
        )
    if outcome == ModelAnswer.MALIGNANT and number % 4 != 3:  # noqa: PLR2004
        return Decision(
            diagnosis=Diagnosis.MELANOMA,
            management=Management.EXCISE,
            comment="Irregular border, several colours. Excise with narrow margin.",
        )
    return Decision(
        diagnosis=Diagnosis.SEBORRHOEIC_KERATOSIS,
        management=Management.FOLLOW_UP,
        comment="Follow up in three months with a new image.",
    )
