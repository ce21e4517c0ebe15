"""What the API answers with, each record named as its component in the OpenAPI schema.

Where the portal has a class of that name, the record ends in `Record`: `PatientRecord` is the component `Patient`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from classifier.client.reading import HEADER

# --- Clinics and people -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ClinicRecord:
    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClinicDetailRecord:
    id: str
    name: str
    kind: str
    prevalence: float
    hide_result_until_read: bool
    consent_recorded_in: str
    created_at: dt.datetime
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonRecord:
    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MembershipRecord:
    clinic: ClinicRecord
    role: str
    may: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MeRecord:
    """Who calls, and what they may in each of their clinics."""

    id: str
    email: str
    full_name: str
    memberships: tuple[MembershipRecord, ...]


# --- Standing, orders and reading claims --------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingRecord:
    """Histopathology over the signed review over the model; `refer`: the model doesn't decide."""

    value: str | None
    basis: str | None
    diagnosis: str | None
    said_by: PersonRecord | None
    at: dt.datetime | None
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgementRecord:
    """Somebody's word that an order was carried out."""

    id: str
    done: str
    done_on: dt.date | None
    note: str = field(repr=False)
    acknowledged_by: PersonRecord
    acknowledged_at: dt.datetime
    taken_back_at: dt.datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRecord:
    """What the signed review asks for; open while there is a `due_at`."""

    management: str
    due_at: dt.datetime | None
    is_overdue: bool
    acknowledgement: AcknowledgementRecord | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingClaimRecord:
    """Who has a case open to read it."""

    reader: PersonRecord
    until: dt.datetime


# --- Patients and lesions -----------------------------------------------------------------------
# What identifies a person is left out of `repr`: that may be logged.


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientReference:
    id: str
    public_id: str
    mrn: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientExpanded:
    clinic: ClinicRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientRecord:
    id: str
    clinic: str
    public_id: str
    mrn: str = field(repr=False)
    birth_date: dt.date | None = field(repr=False)
    sex: str = field(repr=False)
    skin_type: str = field(repr=False)
    consents_to_inference: bool | None
    created_at: dt.datetime
    standing: StandingRecord
    expanded: PatientExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionReference:
    id: str
    patient: str
    body_site: str
    laterality: str
    site_name: str
    note: str = field(repr=False)
    created_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionExpanded:
    patient: PatientRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionRecord(LesionReference):
    standing: StandingRecord
    expanded: LesionExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


# --- Model versions and predictions -------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelReference:
    id: str
    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersionRecord:
    id: str
    name: str
    version: str
    sha256: str
    lifecycle: str
    specification: Mapping[str, Any] = field(repr=False)
    registered_at: dt.datetime
    activated_at: dt.datetime | None
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdPolicy:
    version: str
    threshold: float
    refer_low: float
    refer_high: float
    distance_most: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why the model didn't judge: a code, and a sentence that says what to do."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DiagnosisCode:
    """A code of `isic`, `icd-10` or `icd-11`."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PossibleDiagnosisRecord:
    """One diagnosis that the network tells apart: its code here, if any, and its probability from 0 to 1."""

    code: str | None
    name: str
    display: str
    is_malignant: bool
    probability: float
    codes: tuple[DiagnosisCode, ...]
    members: tuple[DiagnosisCode, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DiagnosisPolicyRecord:
    version: str
    top_least: float
    entropy_most: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PossibleDiagnosesRecord:
    """What an image could show, the most probable first; `stands_out`: whether the first may be read as it."""

    labels: str
    stands_out: bool
    policy: DiagnosisPolicyRecord
    diagnoses: tuple[PossibleDiagnosisRecord, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralRecord:
    """Why the outcome is `refer`: `policy`, `unlike_training`, or a code of the gates."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictiveValueRecord:
    """The share of lesions with such a figure that is malignant in the clinic, with its range over hospitals."""

    value: float | None
    low: float | None
    high: float | None
    prevalence: float
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionRecord:
    id: str
    state: str
    position_in_queue: int | None
    attempt: int
    queued_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    outcome: str | None
    is_judged: bool | None
    probability: float | None
    calibrated_probability: float | None
    threshold_policy: ThresholdPolicy | None
    diagnoses: PossibleDiagnosesRecord | None
    refusals: tuple[Refusal, ...]
    referral: ReferralRecord | None
    distance: float | None
    predictive_value: PredictiveValueRecord | None
    model_version: ModelReference
    device: str
    timings: Mapping[str, float] = field(repr=False)
    error_code: str
    error_message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionExpanded:
    lesion: LesionReference | None = None
    model_version: ModelVersionRecord | None = None
    patient: PatientRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionDetailRecord(PredictionRecord):
    """A prediction with the case that it belongs to."""

    image: str
    submission: str
    lesion: str
    preliminary: bool
    is_withheld: bool
    expanded: PredictionExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


# --- Reviews and histopathology -----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewReference:
    """A dermatologist's signed decision."""

    id: str
    submission: str
    diagnosis: str
    agreement: str
    management: str
    comment: str = field(repr=False)
    unseen_reason: str = field(repr=False)
    signed_by: PersonRecord
    signed_at: dt.datetime
    amends: str | None
    amendment_reason: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewExpanded:
    lesion: LesionReference | None = None
    patient: PatientRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewRecord(ReviewReference):
    is_current: bool
    expanded: ReviewExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeExpanded:
    lesion: LesionReference | None = None
    patient: PatientRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeRecord:
    """What histopathology found. A correction is a new outcome that names the one before."""

    id: str
    lesion: str
    diagnosis: str
    procedure: str
    specimen_taken_on: dt.date
    reported_on: dt.date
    breslow_mm: float | None
    comment: str = field(repr=False)
    recorded_by: PersonRecord
    recorded_at: dt.datetime
    corrects: str | None
    correction_reason: str = field(repr=False)
    is_current: bool
    expanded: OutcomeExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


# --- Consent and erasure ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentRecord:
    purpose: str
    is_given: bool
    origin: str
    recorded_at: dt.datetime
    recorded_by: PersonRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Consents:
    """What holds now, each purpose by itself, and how it came to that."""

    patient: str
    inference: bool | None
    teaching: bool | None
    training: bool | None
    history: tuple[ConsentRecord, ...]
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    id: str
    public_id: str
    erased_at: dt.datetime


# --- Submissions --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeRecord:
    """Worth a look, and no error: `attr` is the image that it is about."""

    attr: str
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The answer to a submission."""

    id: str
    state: str
    patient: str
    lesion: str
    url: str
    status_url: str
    notices: tuple[NoticeRecord, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusRecord:
    id: str
    state: str
    is_finished: bool
    images: int
    images_finished: int
    position_in_queue: int | None
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """What the gates measured of an image before a network looked."""

    version: str
    figures: Mapping[str, float] = field(repr=False)
    refusals: tuple[Refusal, ...]
    measured_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    id: str
    position: int
    original_name: str = field(repr=False)
    sha256: str
    format: str
    byte_size: int
    width: int
    height: int
    capture_kind: str
    dermoscopic_type: str
    quality: Mapping[str, Any] = field(repr=False)
    gate: Gate | None
    derivative_url: str
    predictions: tuple[PredictionRecord, ...]

    @property
    def prediction(self) -> PredictionRecord | None:
        """The one that counts: the last."""
        return self.predictions[-1] if self.predictions else None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlineNetworkRecord:
    id: str
    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuresRecord:
    """What is measured of an outlined lesion: shares of the picture, and millimetres where its file has a scale."""

    area: float
    diameter: float
    asymmetry: float
    irregularity: float
    colours: tuple[str, ...]
    is_cut: bool
    area_mm2: float | None
    diameter_mm: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlineRecord:
    """The lesion's outline in one image; no part of the model's answer.

    `points`: the polygon, (x, y) in 10,000ths of the picture's width and height; empty until it is done.
    """

    id: str
    image: str
    network: OutlineNetworkRecord
    state: str
    requested_at: dt.datetime
    finished_at: dt.datetime | None
    points: tuple[tuple[int, ...], ...] = field(repr=False)
    measures: MeasuresRecord | None
    error_code: str
    error_message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionExpanded:
    clinic: ClinicRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionRecord:
    id: str
    state: str
    preliminary: bool
    is_withheld: bool
    clinic: str
    patient: PatientReference
    lesion: LesionReference
    submitted_by: PersonRecord
    submitted_at: dt.datetime
    clinical_question: str = field(repr=False)
    clinical_history: str = field(repr=False)
    priority: str
    source: str
    cancelled_at: dt.datetime | None
    withdrawal_reason: str = field(repr=False)
    standing: StandingRecord
    is_unread: bool
    order: OrderRecord | None
    reading_claim: ReadingClaimRecord | None
    images: tuple[Image, ...]
    reviews: tuple[ReviewReference, ...]
    status_url: str
    expanded: SubmissionExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)

    @property
    def review(self) -> ReviewReference | None:
        """The one that counts: the last of its amendments."""
        return self.reviews[-1] if self.reviews else None


# --- Webhooks -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    id: str
    clinic: str
    url: str
    description: str
    events: tuple[str, ...]
    is_active: bool
    disabled_reason: str
    disabled_at: dt.datetime | None
    failing_since: dt.datetime | None
    previous_secret_until: dt.datetime | None
    created_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedWebhook(Webhook):
    """With the secret that is shown this once."""

    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEventRecord:
    id: str
    type: str
    submission: str | None
    created_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookDeliveryRecord:
    id: str
    event: WebhookEventRecord
    state: str
    attempt: int
    created_at: dt.datetime
    attempted_at: dt.datetime | None
    next_attempt_at: dt.datetime | None
    finished_at: dt.datetime | None
    status_code: int | None
    error_code: str
    answer: str = field(repr=False)
    milliseconds: int | None


__all__ = [
    "Accepted",
    "AcknowledgementRecord",
    "ClinicDetailRecord",
    "ClinicRecord",
    "ConsentRecord",
    "Consents",
    "DiagnosisCode",
    "DiagnosisPolicyRecord",
    "Erased",
    "Gate",
    "Image",
    "IssuedWebhook",
    "LesionExpanded",
    "LesionRecord",
    "LesionReference",
    "MeRecord",
    "MeasuresRecord",
    "MembershipRecord",
    "ModelReference",
    "ModelVersionRecord",
    "NoticeRecord",
    "OrderRecord",
    "OutcomeExpanded",
    "OutcomeRecord",
    "OutlineNetworkRecord",
    "OutlineRecord",
    "PatientExpanded",
    "PatientRecord",
    "PatientReference",
    "PersonRecord",
    "PossibleDiagnosesRecord",
    "PossibleDiagnosisRecord",
    "PredictionDetailRecord",
    "PredictionExpanded",
    "PredictionRecord",
    "PredictiveValueRecord",
    "ReadingClaimRecord",
    "ReferralRecord",
    "Refusal",
    "ReviewExpanded",
    "ReviewRecord",
    "ReviewReference",
    "StandingRecord",
    "StatusRecord",
    "SubmissionExpanded",
    "SubmissionRecord",
    "ThresholdPolicy",
    "Webhook",
    "WebhookDeliveryRecord",
    "WebhookEventRecord",
]
