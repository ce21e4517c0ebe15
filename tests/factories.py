"""Rows for tests: invented people, drawn images, any state.

    side = two_clinics()
    side.own.dermatologist, side.other.clinician, side.outsider, side.operator
    SubmissionImageFactory(with_files=True, with_files__seed=3)      # real JPEGs in the stores
    PredictionFactory(state="succeeded", outcome="malignant")

They write rows directly, without services: no audit events, no wake-ups. What a case is held for is
worked out after each; a test that changes a row by itself calls `restate(submission)`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import factory
import numpy as np
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from PIL import Image

from classifier.domain.diagnoses import write_diagnoses
from classifier.domain.limits import UploadLimits
from classifier.domain.states import FINISHED, PredictionState
from classifier.domain.vocabulary import (
    AcknowledgedAs,
    Agreement,
    Diagnosis,
    Histopathology,
    Laterality,
    Management,
    ModelAnswer,
    ModelLifecycle,
    Procedure,
    Sex,
)
from classifier.intake import build_derivative, build_thumbnail, inspect_image
from classifier.intake.submission import CaseLesion, CasePatient, Question, submit_case
from classifier.intake.uploads import SentImage
from classifier.models import (
    Acknowledgement,
    Explanation,
    Lesion,
    ModelVersion,
    Outcome,
    Outline,
    OutlineNetwork,
    Patient,
    Prediction,
    Reading,
    Review,
    Submission,
    SubmissionImage,
)
from classifier.standing.columns import refresh_lesions, refresh_standing
from classifier.standing.standing import CaseFacts, Held
from ml.serving.prevalence import shift_prevalence
from portal.trust.accounts.models import User
from tests.support.people import (  # noqa: F401 (one address for everything invented)
    PASSWORD,
    ClinicFactory,
    MembershipFactory,
    Staff,
    TwoClinics,
    UserFactory,
    service_account,
    staff_clinic,
    two_clinics,
)


@dataclass
class Changed:
    """Cases, by their object, and lesions of which something was written."""

    cases: dict[int, Submission] = field(default_factory=dict)
    lesions: set[Any] = field(default_factory=set)


_changed: list[Changed] = []


@contextmanager
def restated_together() -> Iterator[None]:
    """Work out once, at the end, what all cases made inside are held for: this takes longer than to make them."""
    if _changed:
        yield
        return
    _changed.append(Changed())
    try:
        yield
    finally:
        changed = _changed.pop()
    cases = list(changed.cases.values())
    ids = {case.pk for case in cases}
    if changed.lesions:
        ids.update(Submission.objects.filter(lesion__in=changed.lesions).values_list("pk", flat=True))
    began = timezone.now()
    with transaction.atomic():
        refresh_standing(ids)
        refresh_lesions(changed.lesions)
    names = [*CaseFacts.__dataclass_fields__, "is_unread", "news_at", *Held.__dataclass_fields__]
    columns = [name for name in names if name != "held"]
    found = Submission.objects.filter(pk__in=ids).values_list("pk", *columns)
    kept = {pk: dict(zip(columns, values, strict=True)) for pk, *values in found}
    told = {case.pk: case for case in cases if (kept[case.pk]["news_at"] or began) > began}
    for number, pk in enumerate(told):
        # As if each had been told by itself: lists go by the time of the news.
        kept[pk]["news_at"] += dt.timedelta(microseconds=number)
    for case in cases:
        for name, value in kept[case.pk].items():
            setattr(case, name, value)
    if len(told) > 1:
        Submission.objects.bulk_update(told.values(), ["news_at"])


def restate(*submissions: Submission) -> None:
    """Keep the columns that `classifier.standing.columns` writes as the rows now are."""
    with restated_together():
        _changed[-1].cases.update({id(case): case for case in submissions})


class StandingFactory(factory.django.DjangoModelFactory):
    """A factory of rows that say something of a case."""

    class Meta:
        abstract = True

    @classmethod
    def _case_of(cls, row: Any) -> Submission:
        return row.submission

    @classmethod
    def _generate(cls, strategy: Any, params: Any) -> Any:
        """A case is restated once, with all the rows that are made for this one."""
        with restated_together():
            row = super()._generate(strategy, params)
            cls._restate(row)
        return row

    @classmethod
    def _restate(cls, row: Any) -> None:
        restate(cls._case_of(row))


# --- Images -----------------------------------------------------------------------------------
@lru_cache(maxsize=512)
def draw_jpeg(seed: int = 0, size: int = 224) -> bytes:
    """A dark spot on skin as JPEG; another seed is another picture."""
    chance = np.random.default_rng(seed)
    rows, columns = np.ogrid[0:size, 0:size]
    centre, radius = chance.integers(size // 3, 2 * size // 3, 2), chance.integers(size // 8, size // 3)
    inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    skin, spot = chance.integers(170, 230, 3), chance.integers(30, 140, 3)
    pixels = np.where(inside[..., None], spot, skin) + chance.integers(-14, 15, (size, size, 1))
    target = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(target, "JPEG", quality=90)
    return target.getvalue()


def sent_image(seed: int = 0, size: int = 224, name: str = "lesion.jpg") -> SentImage:
    """A drawn image as a door hands it to `submit_case`."""
    return SentImage(ContentFile(draw_jpeg(seed, size), name))


def submit(actor: User, lesion: Lesion, seeds: Sequence[int] = (0,), **question: Any) -> Submission:
    """A case of a known lesion, by the door that all cases take."""
    return submit_case(
        actor=actor,
        clinic=lesion.patient.clinic,
        patient=CasePatient(known=lesion.patient),
        lesion=CaseLesion(known=lesion),
        images=[sent_image(seed) for seed in seeds],
        question=Question(**question),
    ).submission


# --- Cases ------------------------------------------------------------------------------------
class PatientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Patient

    clinic = factory.SubFactory(ClinicFactory)
    mrn = factory.Sequence(lambda n: f"MRN-{n:06d}")
    birth_date = dt.date(1970, 5, 17)
    sex = Sex.FEMALE
    skin_type = "II"
    consents_to_inference = True
    created_by = factory.SubFactory(UserFactory)


class LesionFactory(factory.django.DjangoModelFactory):
    """`clinic=` reaches through to the patient."""

    class Meta:
        model = Lesion

    class Params:
        clinic = None

    patient = factory.Maybe(
        "clinic",
        factory.SubFactory(PatientFactory, clinic=factory.SelfAttribute("..clinic")),
        factory.SubFactory(PatientFactory),
    )
    body_site = "trunk_posterior_trunk_upper_back"
    laterality = Laterality.LEFT
    created_by = factory.SelfAttribute("patient.created_by")


class SubmissionFactory(StandingFactory):
    """A case without images; give `clinic=` or `lesion=`."""

    class Meta:
        model = Submission

    clinic = factory.LazyAttribute(lambda o: o.lesion.patient.clinic if o.lesion else ClinicFactory())
    lesion = None
    submitted_by = factory.SubFactory(UserFactory)
    submitted_at = factory.LazyFunction(timezone.now)
    clinical_question = "Is excision advised?"

    @classmethod
    def _create(cls, model_class: type[Submission], *args: Any, **kwargs: Any) -> Submission:
        kwargs["lesion"] = kwargs["lesion"] or LesionFactory(clinic=kwargs["clinic"])
        return super()._create(model_class, *args, **kwargs)

    @classmethod
    def _case_of(cls, row: Any) -> Submission:
        return row


class SubmissionImageFactory(StandingFactory):
    """A row that names files; `with_files=True` writes real ones (`with_files__seed`, `__size`)."""

    class Meta:
        model = SubmissionImage
        skip_postgeneration_save = True

    id = factory.LazyFunction(uuid.uuid4)
    submission = factory.SubFactory(SubmissionFactory)
    clinic = factory.SelfAttribute("submission.clinic")
    position = factory.LazyAttribute(lambda o: o.submission.images.count() + 1)
    original = factory.LazyAttribute(lambda o: f"{o.id.hex[:2]}/{o.id.hex}.original")
    derivative = factory.LazyAttribute(lambda o: f"{o.id.hex[:2]}/{o.id.hex}.derivative")
    thumbnail = factory.LazyAttribute(lambda o: f"{o.id.hex[:2]}/{o.id.hex}.thumbnail")
    original_name = "lesion.jpg"
    sha256 = factory.LazyAttribute(lambda o: hashlib.sha256(o.id.bytes).hexdigest())
    pixel_sha256 = factory.LazyAttribute(lambda o: hashlib.sha256(b"pixels" + o.id.bytes).hexdigest())
    format = "JPEG"
    byte_size = 12_345
    width = 224
    height = 224

    @factory.post_generation
    def with_files(
        self: SubmissionImage, create: bool, extracted: bool, seed: int | None = None, size: int = 224
    ) -> None:
        if not extracted:
            return
        # self is the row: factory-boy calls the hook on what it made.
        data = draw_jpeg(self.pk.int % 2**31 if seed is None else seed, size)
        intake = inspect_image(data, "lesion.jpg", UploadLimits.from_settings())
        for file, content in (
            (self.original, data),
            (self.derivative, build_derivative(intake.pixels)),
            (self.thumbnail, build_thumbnail(intake.pixels)),
        ):
            file.save(file.name, ContentFile(content), save=False)
        self.sha256, self.pixel_sha256, self.byte_size = intake.sha256, intake.pixel_sha256, len(data)
        self.width, self.height = intake.width, intake.height
        self.save()


# --- Models and their answers -----------------------------------------------------------------
def tiny_specification(name: str = "tiny", version: str = "1", sha256: str | None = None) -> dict[str, Any]:
    """A specification that names no file that exists: for everything but real inference."""
    return {
        "name": name,
        "version": version,
        "file": f"{name}-{version}.h5",
        "sha256": sha256 or hashlib.sha256(f"{name}/{version}".encode()).hexdigest(),
        "architecture": "tiny",
        "parameters": 10,
        "input_height": 32,
        "input_width": 32,
        "scaling": "unit",
        "classes": ["benign", "malignant"],
        "calibration": {"method": "identity"},
        "policy": {"version": "1", "threshold": 0.5, "refer_low": 0.4, "refer_high": 0.6},
        "licence": "CC0-1.0",
        "metrics": {},
        "training": {},
    }


class ModelVersionFactory(factory.django.DjangoModelFactory):
    """A registered tiny network; `active=True` takes the place of the active one."""

    class Meta:
        model = ModelVersion

    class Params:
        active = factory.Trait(
            lifecycle=ModelLifecycle.ACTIVE, activated_at=factory.LazyFunction(timezone.now)
        )
        shadow = factory.Trait(lifecycle=ModelLifecycle.SHADOW)

    name = factory.Sequence(lambda n: f"tiny-{n}")
    version = "1"
    file = factory.LazyAttribute(lambda o: f"{o.name}-{o.version}.h5")
    sha256 = factory.LazyAttribute(lambda o: hashlib.sha256(f"{o.name}/{o.version}".encode()).hexdigest())
    specification = factory.LazyAttribute(lambda o: tiny_specification(o.name, o.version, o.sha256))


def active_model() -> ModelVersion:
    """The active version; made when there is none."""
    return ModelVersion.objects.active().first() or ModelVersionFactory(active=True)


class PredictionFactory(StandingFactory):
    """`PredictionFactory(state="succeeded", outcome="malignant", probability=0.9)`.

    `refused=True` is one that the gates refused; its image is then to be a `refused_image()`.
    """

    class Meta:
        model = Prediction

    class Params:
        submission = None
        refused = factory.Trait(
            state=PredictionState.SUCCEEDED,
            image=factory.LazyAttribute(lambda o: refused_image(submission=o.submission)),
            refusal_code="blurred",
            outcome=ModelAnswer.REFER,
            probability=None,
            calibrated_probability=None,
            threshold_policy=None,
            device="",
            prevalence=None,
        )
        # Referred for being unlike what the network learned from.
        far = factory.Trait(
            state=PredictionState.SUCCEEDED,
            outcome=ModelAnswer.REFER,
            probability=0.91,
            is_far=True,
            distance=2.5,
            predictive_value=None,
        )
        is_done = factory.LazyAttribute(lambda o: o.state == PredictionState.SUCCEEDED)
        is_tried = factory.LazyAttribute(
            lambda o: o.state not in {PredictionState.QUEUED, PredictionState.CANCELLED}
        )

    image = factory.LazyAttribute(
        lambda o: (
            SubmissionImageFactory(submission=o.submission) if o.submission else SubmissionImageFactory()
        )
    )
    model_version = factory.LazyFunction(active_model)
    state = PredictionState.QUEUED
    queued_at = factory.LazyFunction(timezone.now)
    attempt = factory.LazyAttribute(lambda o: int(o.is_tried))
    claim = factory.LazyAttribute(lambda o: uuid.uuid4() if o.is_tried else None)
    worker = factory.LazyAttribute(lambda o: "elsewhere/1/1" if o.is_tried else "")
    started_at = factory.LazyAttribute(lambda o: o.queued_at if o.is_tried else None)
    lease_until = factory.LazyAttribute(
        lambda o: timezone.now() + dt.timedelta(minutes=3) if o.state == PredictionState.RUNNING else None
    )
    finished_at = factory.LazyAttribute(lambda o: timezone.now() if o.state in FINISHED else None)
    probability = factory.LazyAttribute(lambda o: PROBABILITIES[o.outcome] if o.is_done else None)
    calibrated_probability = factory.SelfAttribute("probability")
    prevalence = factory.LazyAttribute(lambda o: 0.03 if o.is_done else None)
    predictive_value = factory.LazyAttribute(
        lambda o: (
            None
            if o.calibrated_probability is None or o.prevalence is None
            else shift_prevalence(o.calibrated_probability, fitted_at=0.43, prevalence=o.prevalence)
        )
    )
    outcome = factory.LazyAttribute(lambda o: ModelAnswer.BENIGN if o.is_done else "")
    threshold_policy = factory.LazyAttribute(lambda o: o.model_version.policy if o.is_done else None)
    device = factory.LazyAttribute(lambda o: "CPU: test" if o.is_done else "")
    timings = factory.LazyAttribute(
        lambda o: {"decode_ms": 2.5, "predict_ms": 5.0, "batch_size": 8} if o.is_done else {}
    )
    error_code = factory.LazyAttribute(lambda o: ERRORS.get(o.state, ("", ""))[0])
    error_message = factory.LazyAttribute(lambda o: ERRORS.get(o.state, ("", ""))[1])

    @classmethod
    def _case_of(cls, row: Any) -> Submission:
        return row.image.submission


SHARES = {"mel": 0.62, "bcc": 0.2, "akiec": 0.09, "nv": 0.05, "bkl": 0.02, "df": 0.015, "vasc": 0.005}
"""What a network of seven diagnoses says; the malignant ones add up to PROBABILITIES of malignant."""


def stored_diagnoses(shares: dict[str, float] | None = None, *, stands_out: bool = True) -> dict[str, Any]:
    """The column `diagnoses` of a prediction, as a worker writes it."""
    classes = [
        {"name": name, "probability": share, "is_malignant": name in {"mel", "bcc", "akiec"}}
        for name, share in sorted((shares or SHARES).items(), key=lambda item: -item[1])
    ]
    policy = {"version": "half-1", "top_least": 0.5}
    return write_diagnoses({"classes": classes, "stands_out": stands_out, "policy": policy})


PROBABILITIES = {ModelAnswer.BENIGN: 0.12, ModelAnswer.REFER: 0.5, ModelAnswer.MALIGNANT: 0.91}
ERRORS = {
    PredictionState.REJECTED: ("truncated", "The file ends too early. Send it again."),
    PredictionState.FAILED: ("attempts_exhausted", "The worker stopped 3 times while judging this image."),
}


TOO_BLURRED = {
    "code": "blurred",
    "message": (
        "Too blurred to judge: sharpness 3.1, at least 8 needed. Hold still, refocus and take it again."
    ),
}


def refused_image(submission: Submission | None = None, **image: Any) -> SubmissionImage:
    """An image that the gates refused as blurred."""
    if submission is not None:
        image["submission"] = submission
    row: SubmissionImage = SubmissionImageFactory(
        gate_version="test-1",
        gate_figures={"sharpness": 3.1},
        gate_refusals=[TOO_BLURRED],
        gated_at=timezone.now(),
        **image,
    )
    return row


class ExplanationFactory(factory.django.DjangoModelFactory):
    """The map of a judged prediction; `with_file=True` writes a one-pixel overlay."""

    class Meta:
        model = Explanation
        skip_postgeneration_save = True

    class Params:
        is_done = factory.LazyAttribute(lambda o: o.state == PredictionState.SUCCEEDED)
        is_running = factory.LazyAttribute(lambda o: o.state == PredictionState.RUNNING)

    id = factory.LazyFunction(uuid.uuid4)
    prediction = factory.SubFactory(PredictionFactory, state=PredictionState.SUCCEEDED)
    requested_by = factory.SubFactory(UserFactory)
    requested_at = factory.LazyFunction(timezone.now)
    state = PredictionState.QUEUED
    attempt = factory.LazyAttribute(lambda o: int(o.state != PredictionState.QUEUED))
    claim = factory.LazyAttribute(lambda o: uuid.uuid4() if o.attempt else None)
    worker = factory.LazyAttribute(lambda o: "elsewhere/1/1" if o.attempt else "")
    lease_until = factory.LazyAttribute(
        lambda o: timezone.now() + dt.timedelta(minutes=3) if o.is_running else None
    )
    finished_at = factory.LazyAttribute(lambda o: timezone.now() if o.state in FINISHED else None)
    overlay = factory.LazyAttribute(lambda o: f"{o.id.hex[:2]}/{o.id.hex}-1.overlay" if o.is_done else "")
    figures = factory.LazyAttribute(lambda o: dict(EXPLANATION_FIGURES) if o.is_done else {})
    error_code = factory.LazyAttribute(lambda o: ERRORS.get(o.state, ("", ""))[0])
    error_message = factory.LazyAttribute(lambda o: ERRORS.get(o.state, ("", ""))[1])

    @factory.post_generation
    def with_file(self: Explanation, create: bool, extracted: bool) -> None:
        if extracted:
            target = io.BytesIO()
            Image.new("RGBA", (1, 1)).save(target, "PNG")
            self.overlay.storage.save(self.overlay.name, ContentFile(target.getvalue()))


OUTLINE_MEASURES = {
    "area": 0.25,
    "diameter": 0.6,
    "asymmetry": 0.1,
    "irregularity": 1.2,
    "colours": ["light brown", "dark brown"],
    "is_cut": False,
    "area_mm2": None,
    "diameter_mm": None,
}
OUTLINE_POINTS = [[2500, 2500], [7500, 2500], [7500, 7500], [2500, 7500]]


class OutlineNetworkFactory(factory.django.DjangoModelFactory):
    """A retired network that outlines, with the figures of its repeatability."""

    class Meta:
        model = OutlineNetwork

    name = "drawn"
    version = factory.Sequence(lambda number: f"0.{number}")
    file = factory.LazyAttribute(lambda o: f"{o.name}-{o.version}.h5")
    sha256 = factory.LazyAttribute(lambda o: hashlib.sha256(o.file.encode()).hexdigest())
    specification = factory.LazyFunction(
        lambda: {
            "metrics": {
                "repeatability": {
                    name: {"within_sd": 0.05, "moves": 0.2}
                    for name in ("area", "diameter", "asymmetry", "irregularity", "colours")
                }
            }
        }
    )
    lifecycle = "retired"


def outline_network() -> OutlineNetwork:
    """The active network that outlines: made at the first call."""
    return OutlineNetwork.objects.active().first() or OutlineNetworkFactory(
        version="1.0.0", lifecycle="active"
    )


class OutlineFactory(factory.django.DjangoModelFactory):
    """The outline of an image by the active network."""

    class Meta:
        model = Outline

    class Params:
        is_done = factory.LazyAttribute(lambda o: o.state == PredictionState.SUCCEEDED)
        is_running = factory.LazyAttribute(lambda o: o.state == PredictionState.RUNNING)

    id = factory.LazyFunction(uuid.uuid4)
    image = factory.SubFactory(SubmissionImageFactory)
    network = factory.LazyFunction(outline_network)
    requested_by = factory.SubFactory(UserFactory)
    requested_at = factory.LazyFunction(timezone.now)
    state = PredictionState.QUEUED
    attempt = factory.LazyAttribute(lambda o: int(o.state != PredictionState.QUEUED))
    claim = factory.LazyAttribute(lambda o: uuid.uuid4() if o.attempt else None)
    worker = factory.LazyAttribute(lambda o: "elsewhere/1/1" if o.attempt else "")
    lease_until = factory.LazyAttribute(
        lambda o: timezone.now() + dt.timedelta(minutes=3) if o.is_running else None
    )
    finished_at = factory.LazyAttribute(lambda o: timezone.now() if o.state in FINISHED else None)
    points = factory.LazyAttribute(lambda o: list(OUTLINE_POINTS) if o.is_done else [])
    measures = factory.LazyAttribute(lambda o: dict(OUTLINE_MEASURES) if o.is_done else {})
    milliseconds = factory.LazyAttribute(lambda o: 42.0 if o.is_done else None)
    error_code = factory.LazyAttribute(lambda o: ERRORS.get(o.state, ("", ""))[0])
    error_message = factory.LazyAttribute(lambda o: ERRORS.get(o.state, ("", ""))[1])


EXPLANATION_FIGURES = {
    "method": "HiResCAM",
    "layer": "last",
    "cells": [7, 7],
    "speaks_for": "malignant",
    "marked_share": 0.2,
    "whole": 0.91,
    "without_marked": 0.42,
    "without_others": 0.88,
    "is_passed": True,
    "milliseconds": 120.0,
}


class ReviewFactory(StandingFactory):
    """A signed review; `amends=` makes it an amendment."""

    class Meta:
        model = Review

    submission = factory.LazyAttribute(lambda o: o.amends.submission if o.amends else SubmissionFactory())
    diagnosis = Diagnosis.NAEVUS
    agreement = Agreement.AGREES
    management = Management.NO_ACTION
    comment = "Regular network."
    signed_by = factory.SubFactory(UserFactory)
    signed_at = factory.LazyFunction(timezone.now)
    amends = None
    amendment_reason = factory.LazyAttribute(lambda o: "Histology came back." if o.amends else "")


class ReadingFactory(factory.django.DjangoModelFactory):
    """What a dermatologist read before the model's answer was shown."""

    class Meta:
        model = Reading

    submission = factory.SubFactory(SubmissionFactory)
    reader = factory.SubFactory(UserFactory)
    read_at = factory.LazyFunction(timezone.now)
    diagnosis = Diagnosis.NAEVUS


class OutcomeFactory(StandingFactory):
    """Histopathology of a lesion; `corrects=` makes it a correction."""

    class Meta:
        model = Outcome

    lesion = factory.LazyAttribute(lambda o: o.corrects.lesion if o.corrects else LesionFactory())
    diagnosis = Histopathology.NAEVUS
    procedure = Procedure.EXCISION
    specimen_taken_on = dt.date(2026, 3, 2)
    reported_on = dt.date(2026, 3, 9)
    recorded_by = factory.SubFactory(UserFactory)
    recorded_at = factory.LazyFunction(timezone.now)
    corrects = None
    correction_reason = factory.LazyAttribute(lambda o: "Second opinion." if o.corrects else "")

    @classmethod
    def _restate(cls, row: Any) -> None:
        _changed[-1].lesions.add(row.lesion_id)


class AcknowledgementFactory(StandingFactory):
    """Somebody's word that the order of `review` was carried out."""

    class Meta:
        model = Acknowledgement

    review = factory.SubFactory(ReviewFactory, management=Management.EXCISE)
    done = AcknowledgedAs.EXCISED
    acknowledged_by = factory.SubFactory(UserFactory)
    acknowledged_at = factory.LazyFunction(timezone.now)

    @classmethod
    def _case_of(cls, row: Any) -> Submission:
        return row.review.submission


def answered_submission(staff: Staff, *outcomes: str, **submission: Any) -> Submission:
    """A case of `staff.clinic` with one judged image an outcome (one benign by default)."""
    with restated_together():
        case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician, **submission)
        for outcome in outcomes or (ModelAnswer.BENIGN,):
            PredictionFactory(submission=case, state=PredictionState.SUCCEEDED, outcome=outcome)
    return case
