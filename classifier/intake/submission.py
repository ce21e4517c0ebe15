"""Intake: the one door by which a case comes in, whoever sends it.

Pages, REST API, FHIR and the demo read what they were sent, each in its own way, and call `submit_case`; the
command-line client comes by the REST API. What a case must keep is asked here and nowhere else: whose lesion
it is, the limits, the consent, that every image can be taken, and that one request makes one case.

Who won is known before anything is written. Two requests for one patient wait for each other: at the lock of
a known patient's row, or, where both would create the patient, at the record number's unique constraint. The
second one then finds the first one's patient, and by its request key the first one's case.
"""

from __future__ import annotations

import copy
import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from classifier.consents import (
    NeverAskedError,
    check_inference_consent,
    check_not_erased,
    require_inference_consent,
    state_inference_consent,
)
from classifier.domain.errors import ConflictError, InvalidInputError, UnavailableError
from classifier.domain.limits import check_length
from classifier.domain.record_numbers import clean_mrn
from classifier.domain.vocabulary import (
    BODY_SITES,
    UNSPECIFIED_SITE,
    CaptureKind,
    Laterality,
    Priority,
    Sex,
    Source,
    body_site_within,
)
from classifier.engine.queue import queue_predictions, wake_workers
from classifier.intake.pictures import (
    NewImage,
    StoredFiles,
    find_same_pictures,
    storage_unavailable,
    write_files,
)
from classifier.intake.rate_limits import check_active_predictions
from classifier.intake.uploads import SentImage, hash_files, inspect_images
from classifier.models import Lesion, ModelVersion, Patient, Submission, SubmissionImage
from classifier.models.submission import QUESTION_TEXTS
from classifier.orders import answer_by_image
from classifier.patients.lesions import check_lesion_facts, complete_lesion, create_lesion
from classifier.patients.patients import (
    check_mrn,
    check_patient_facts,
    complete_patient,
    create_patient,
    mrn_taken,
)
from classifier.standing.columns import refresh_standing
from classifier.standing.locks import lock_cases
from portal.trust.accounts.models import Clinic, User
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import Entry, record_events

STANDING_COLUMNS = (
    *("state", "model_answer", "model_probability", "standing", "standing_basis", "standing_diagnosis"),
    *("standing_person", "standing_at", "standing_rank", "management", "order_due_at"),
)
DISK_FULL = ("disk is full", "No space left on device")


@dataclass(frozen=True, kw_only=True)
class CasePatient:
    """Whose lesion it is: a known row, a record number, or both, which must then agree.

    The record number finds the patient of the clinic or makes one of the facts. Of a known patient what was
    not known before is kept; another birth date, sex or skin type than theirs is refused, never dropped. With
    `must_be_new` the number may find none: a person at a page chose to create a patient, and chooses the
    known one themselves.
    """

    known: Patient | None = None
    mrn: str = ""
    birth_date: dt.date | None = None
    sex: str = Sex.UNKNOWN
    """`unknown` says nothing, as an empty skin type."""
    skin_type: str = ""
    consents_to_inference: bool | None = None
    """What came with the case of being judged by a model; None where nobody asked."""
    must_be_new: bool = False


@dataclass(frozen=True, kw_only=True)
class CaseLesion:
    """Which lesion it is: a known row, or one that is made of the facts.

    Of a known lesion what was not known before is kept; another body site, side or note than its own is
    refused, never dropped. A site that holds the known one, such as the arm of a wrist, is no other.
    """

    known: Lesion | None = None
    body_site: str = ""
    laterality: str = Laterality.UNSPECIFIED
    """`unspecified` says nothing, of the site as of the side."""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """The clinical side of a case, where it came from, and its idempotency key. Has every one of QUESTION_TEXTS."""

    clinical_question: str = ""
    clinical_history: str = ""
    priority: str = Priority.ROUTINE
    source: str = Source.PAGE
    request_key: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True)
class ImageNotice:
    """What is worth a look of one image, 0 for the first sent, and stands in nobody's way."""

    index: int
    code: str
    message: str


@dataclass(frozen=True)
class Submitted:
    """The case, and whether this request made it and its patient or found them."""

    submission: Submission
    is_new: bool = False
    is_new_patient: bool = False
    notices: list[ImageNotice] = field(default_factory=list)


def submit_case(
    *,
    actor: User,
    clinic: Clinic,
    patient: CasePatient,
    lesion: CaseLesion,
    images: Sequence[SentImage],
    question: Question,
    how_to_consent: str = "",
) -> Submitted:
    """Store a case whole, with its patient and lesion where they are new, and queue its images; or nothing.

    `how_to_consent`: how the sender gives the answer of a patient whom nobody asked; it ends that refusal.

    The same `question.request_key` again gives the case that it made first. The network judges dermoscopic
    pictures only: without one neither consent nor model is needed.

    Raises:
        PermissionDenied: the actor may not submit in the clinic.
        RefusedImagesError: with every fault of every image.
        InvalidInputError: no_images, too_many_images; clinic_mismatch; mrn_missing, mrn_too_long, mrn_mismatch,
            birth_date_impossible, birth_date_mismatch, sex_unknown, sex_mismatch, skin_type_unknown,
            skin_type_mismatch; body_site_unknown, body_site_mismatch, laterality_unknown, laterality_mismatch,
            note_too_long, note_mismatch, lesion_of_another_patient; consent_missing, consent_mismatch; clinical_question_too_long, clinical_history_too_long,
            priority_unknown.
        ConflictError: mrn_taken where the patient must be new; identifier_used where the request key came
            with another patient, lesion or images.
        LimitError: too_many_active, for programs only.
        UnavailableError: no_active_model, storage_unavailable.
    """
    require(actor, clinic, Action.SUBMIT)
    key = question.request_key
    if (earlier := find_by_request_key(clinic_id=clinic.pk, request_key=key)) is not None:
        return _repeat(earlier, patient, lesion, images)
    judged = sum(image.capture_kind == CaptureKind.DERMOSCOPIC for image in images)
    if question.source == Source.API:
        check_active_predictions(clinic_id=clinic.pk, more=judged)
    taken = inspect_images(images)
    notices = _find_notices(clinic, taken)
    try:
        _check_before_writing(clinic, patient, lesion, question, is_judged=judged > 0)
        made = _store(
            actor=actor, clinic=clinic, patient=patient, lesion=lesion, images=taken, question=question
        )
    except NeverAskedError as error:
        if not how_to_consent:
            raise
        words = f"{error.message} {how_to_consent}"
        raise InvalidInputError(error.code, words, field="consents_to_inference") from error
    except IntegrityError:
        # One key at the same moment for two patients: neither waits for the other's row.
        earlier = find_by_request_key(clinic_id=clinic.pk, request_key=key)
        if earlier is None:
            raise
        return _repeat(earlier, patient, lesion, images)
    except OperationalError as error:
        if any(words in str(error) for words in DISK_FULL):
            raise storage_unavailable() from error
        raise
    return Submitted(made.submission, made.is_new, made.is_new_patient, notices if made.is_new else [])


def find_by_request_key(*, clinic_id: uuid.UUID, request_key: uuid.UUID) -> Submission | None:
    """The submission that this key already made in this clinic, if any."""
    return Submission.objects.filter(clinic_id=clinic_id, request_key=request_key).first()


# --- Sent again -------------------------------------------------------------------------------
def _repeat(
    earlier: Submission, patient: CasePatient, lesion: CaseLesion, images: Sequence[SentImage]
) -> Submitted:
    """The case that the key made first, if this is the same one."""
    rows = list(earlier.images.order_by("position").values_list("sha256", "pixel_sha256"))
    # Of DICOM a de-identified file is kept, whose digest is another: then the pixels tell.
    same = hash_files(images) == [sha256 for sha256, _ in rows] or (
        [image.pixel_sha256 for image in inspect_images(images)] == [pixels for _, pixels in rows]
    )
    _check_same_case(earlier, patient, lesion, has_same_images=same)
    return Submitted(earlier)


def _check_same_case(
    earlier: Submission, patient: CasePatient, lesion: CaseLesion, *, has_same_images: bool
) -> None:
    """A key used for something else must not pass for a case that was taken: it would be lost unseen."""
    person = earlier.lesion.patient
    same_person = (
        patient.known == person if patient.known else clean_mrn(patient.mrn) == clean_mrn(person.mrn)
    )
    # What made a new lesion can't be told from another description of it.
    same_lesion = lesion.known is None or lesion.known.pk == earlier.lesion_id
    if not (same_person and same_lesion and has_same_images):
        raise ConflictError(
            "identifier_used",
            "This was sent before, with another patient, another lesion or other images. Nothing was saved.",
            field="request_key",
        )


# --- Whose lesion -----------------------------------------------------------------------------
def _find_patient(clinic: Clinic, patient: CasePatient) -> Patient | None:
    """The row that is meant, or None where it is to be made."""
    known = patient.known
    if known is None and (mrn := clean_mrn(patient.mrn)):
        known = Patient.objects.filter(clinic=clinic, mrn=mrn).select_related("clinic").first()
    if known is not None:
        if known.clinic_id != clinic.pk:
            raise InvalidInputError(
                "clinic_mismatch", "This patient belongs to another clinic.", field="clinic"
            )
        _check_same_person(known, patient)
    return known


def _check_same_person(known: Patient, sent: CasePatient) -> None:
    """A slip in the record number would put one person's lesion into another's history."""
    if sent.mrn and clean_mrn(sent.mrn) != clean_mrn(known.mrn):
        raise InvalidInputError("mrn_mismatch", "This patient has another record number.", field="mrn")
    if name := find_contradiction(known, sent):
        raise InvalidInputError(
            f"{name}_mismatch",
            f"The patient with this record number has another {PERSON_FACTS[name]}. Check both.",
            field=name,
        )


def find_contradiction(known: Patient | Lesion | CaseLesion, sent: CasePatient | CaseLesion) -> str:
    """The first fact of which `sent` says something else than is known; empty without one."""
    for name in LESION_FACTS if isinstance(sent, CaseLesion) else PERSON_FACTS:
        told, kept = _read_fact(sent, name), _read_fact(known, name)
        if told and kept and told != kept and not (name == "body_site" and _holds(told, kept)):
            return name
    return ""


def _holds(site: str, finer: str) -> bool:
    return site in BODY_SITES and finer in body_site_within(site)


def _read_fact(row: CasePatient | Patient | CaseLesion | Lesion, name: str) -> Any:
    """The fact, or nothing where nobody told it."""
    value = getattr(row, name)
    value = value.strip() if isinstance(value, str) else value
    return "" if value == SAYS_NOTHING.get(name) else value


def find_missing(
    known: Patient | Lesion | CaseLesion, sent: CasePatient | CaseLesion, names: Iterable[str]
) -> dict[str, Any]:
    """What `sent` tells of these facts and nobody told before."""
    told = {name: _read_fact(sent, name) for name in names}
    return {name: value for name, value in told.items() if value and not _read_fact(known, name)}


def _complete(
    actor: User, patient: Patient, sent: CasePatient, lesion: Lesion, sent_lesion: CaseLesion
) -> list[Entry]:
    """Keep what the case tells of a known patient and lesion; returns the events for the caller.

    Both rows are locked.
    """
    events = []
    if facts := find_missing(patient, sent, PERSON_FACTS):
        events += complete_patient(actor=actor, patient=patient, facts=facts)
    if facts := find_missing(lesion, sent_lesion, LESION_FACTS):
        events += complete_lesion(actor=actor, lesion=lesion, facts=facts)
    return events


PERSON_FACTS = {"birth_date": "birth date", "sex": "sex", "skin_type": "skin type"}
"""What may be told of a person beside the record number, and what a refusal calls it."""
LESION_FACTS = {"body_site": "body site", "laterality": "side", "note": "note"}
"""What may be told of a lesion, and what a refusal calls it."""
SAYS_NOTHING = {"sex": Sex.UNKNOWN, "body_site": UNSPECIFIED_SITE, "laterality": Laterality.UNSPECIFIED}
"""Values by which a sender tells nothing of a fact."""


def check_lesion_of(patient: Patient | None, lesion: Lesion) -> None:
    """Raise InvalidInputError (lesion_of_another_patient); a patient who is yet to be made has none."""
    if patient is None or lesion.patient_id != patient.pk:
        raise InvalidInputError(
            "lesion_of_another_patient",
            "This lesion belongs to another patient. Choose one of this patient's lesions.",
            field="lesion",
        )


def _check_same_lesion(known: Lesion, sent: CaseLesion) -> None:
    """A slip in the lesion would put a picture into the history of another spot."""
    if name := find_contradiction(known, sent):
        raise InvalidInputError(
            f"{name}_mismatch",
            f"This lesion has another {LESION_FACTS[name]}. Check both, or leave it out.",
            field=name,
        )


def _take_patient(actor: User, clinic: Clinic, patient: CasePatient) -> tuple[Patient, bool]:
    """The patient's row, locked, and whether it was made here.

    Who creates a patient of the same record number at the same moment waits at its unique constraint, and
    finds this one.
    """
    known = _find_patient(clinic, patient)
    if known is None:
        try:
            made = create_patient(
                actor=actor,
                clinic=clinic,
                mrn=patient.mrn,
                birth_date=patient.birth_date,
                sex=patient.sex,
                skin_type=patient.skin_type,
                consents_to_inference=patient.consents_to_inference,
            )
        except ConflictError:
            known = _find_patient(clinic, patient)
            if known is None:
                raise
        else:
            return made, True
    row = Patient.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=known.pk)
    _check_same_person(row, patient)
    return row, False


def _take_lesion(actor: User, patient: Patient, lesion: CaseLesion) -> Lesion:
    """The lesion's row, as it is behind the locks."""
    if lesion.known is None:
        return create_lesion(
            actor=actor,
            patient=patient,
            body_site=lesion.body_site,
            laterality=lesion.laterality,
            note=lesion.note,
        )
    check_lesion_of(patient, lesion.known)
    row = Lesion.objects.get(pk=lesion.known.pk)
    _check_same_lesion(row, lesion)
    return row


# --- Before anything is written ---------------------------------------------------------------
def _check_before_writing(
    clinic: Clinic, patient: CasePatient, lesion: CaseLesion, question: Question, *, is_judged: bool
) -> None:
    """Refuse before any image is written what would be refused after; behind the lock it is asked again."""
    for name, text in QUESTION_TEXTS.items():
        check_length(Submission, name, getattr(question, name), what=f"The {text.label.lower()}")
    if question.priority not in Priority.values:
        raise InvalidInputError(
            "priority_unknown", f"Priority can be one of {', '.join(Priority.values)}.", field="priority"
        )
    if patient.known is not None and lesion.known is not None:
        # First of all: whoever names both by id means these rows.
        check_lesion_of(patient.known, lesion.known)
    known = _find_patient(clinic, patient)
    if known is None:
        check_mrn(patient.mrn)
    check_patient_facts(birth_date=patient.birth_date, sex=patient.sex, skin_type=patient.skin_type)
    # Of a known lesion nothing need be told.
    site = lesion.body_site or (UNSPECIFIED_SITE if lesion.known else "")
    check_lesion_facts(body_site=site, laterality=lesion.laterality, note=lesion.note)
    if lesion.known is not None:
        check_lesion_of(known, lesion.known)
        _check_same_lesion(lesion.known, lesion)
    # As the patient would be with the case.
    person = Patient(clinic=clinic) if known is None or patient.must_be_new else copy.copy(known)
    if person.consents_to_inference is None:
        person.consents_to_inference = patient.consents_to_inference
    check_not_erased(person)
    if is_judged:
        check_inference_consent(person)
        if not ModelVersion.objects.active().exists():
            raise UnavailableError(
                "no_active_model",
                "No model is active, so nothing can be judged. Nothing was saved; "
                "ask your operator to activate one.",
            )


def _find_notices(clinic: Clinic, images: Sequence[NewImage]) -> list[ImageNotice]:
    """What is worth a look: quality, a wrong file name, a picture that the clinic has already."""
    notices = []
    known = find_same_pictures(clinic_id=clinic.pk, pixel_sha256=[image.pixel_sha256 for image in images])
    for index, image in enumerate(images):
        notices += [ImageNotice(index, notice.code, notice.message) for notice in image.notices]
        if same := known.get(image.pixel_sha256):
            words = f"Your clinic already has this picture, in submission {same.submission_id}."
            notices.append(ImageNotice(index, "same_picture", words))
    return notices


# --- Rows and files ---------------------------------------------------------------------------
def _store(
    *,
    actor: User,
    clinic: Clinic,
    patient: CasePatient,
    lesion: CaseLesion,
    images: Sequence[NewImage],
    question: Question,
) -> Submitted:
    submission = Submission(
        clinic=clinic,
        submitted_by=actor,
        submitted_at=timezone.now(),
        priority=question.priority,
        source=question.source,
        request_key=question.request_key,
        **{name: getattr(question, name).strip() for name in QUESTION_TEXTS},
    )
    stored = StoredFiles()
    # Files first: encoders and slow disks stay out of the transaction, and SQLite has one writer.
    with stored.removed_without_rows():
        write_files(submission=submission, images=images, stored=stored)
        return _save(submission, stored, actor=actor, patient=patient, lesion=lesion)


def _save(
    submission: Submission,
    stored: StoredFiles,
    *,
    actor: User,
    patient: CasePatient,
    lesion: CaseLesion,
) -> Submitted:
    """Commit what is new of patient and lesion, the case, its images and its queued predictions together."""
    with transaction.atomic():
        # The first lock is the patient's: behind it no other request for this patient is under way. The last
        # is the audit chain's, so that what is to be recorded of others' rows waits until all are written.
        events: list[Entry] = []
        person, is_new_patient = _take_patient(actor, submission.clinic, patient)
        if not is_new_patient:
            earlier = find_by_request_key(clinic_id=submission.clinic_id, request_key=submission.request_key)
            if earlier is not None:
                pixels = list(earlier.images.order_by("position").values_list("pixel_sha256", flat=True))
                same = pixels == [row.pixel_sha256 for row in stored.rows]
                _check_same_case(earlier, patient, lesion, has_same_images=same)
                return Submitted(earlier)
            if patient.must_be_new:
                raise mrn_taken()
            if lesion.known is not None:
                # What the patient says leaves an event before the cases of the lesion change.
                lock_cases(lesions=[lesion.known.pk])
            person = state_inference_consent(
                actor=actor, patient=person, is_given=patient.consents_to_inference
            )
        submission.lesion = _take_lesion(actor, person, lesion)
        submission.lesion.patient = person
        if any(row.capture_kind == CaptureKind.DERMOSCOPIC for row in stored.rows):
            events += require_inference_consent(person.pk, actor=actor)
        else:
            check_not_erased(person)
        if not is_new_patient:
            events += _complete(actor, person, patient, submission.lesion, lesion)
        submission.save(force_insert=True)
        rows = SubmissionImage.objects.bulk_create(stored.rows)
        queue_predictions(images=rows, priority=submission.priority)
        refresh_standing([submission.pk], actor=actor)
        events += answer_by_image(actor=actor, submission=submission)
        own = Entry(
            clinic_id=submission.clinic_id,
            action="submission.created",
            actor=actor,
            obj=submission,
            details={"images": len(rows), "source": submission.source},
        )
        record_events([*events, own])
        wake_workers()
    stored.have_rows = True
    # What the case is held for was worked out from its rows.
    submission.refresh_from_db(fields=[*STANDING_COLUMNS, "is_unread", "news_at"])
    return Submitted(submission, is_new=True, is_new_patient=is_new_patient)
