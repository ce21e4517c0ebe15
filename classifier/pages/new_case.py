"""The page of a new submission: what was chosen and typed, and what is still missing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from classifier.cases.rows import LesionRow, build_lesion_rows
from classifier.cases.search import Candidates, find_candidates
from classifier.domain.errors import InvalidInputError, ServiceError
from classifier.domain.limits import UploadLimits
from classifier.domain.record_numbers import clean_mrn
from classifier.intake.submission import (
    LESION_FACTS,
    PERSON_FACTS,
    CaseLesion,
    CasePatient,
    Question,
    find_contradiction,
    submit_case,
)
from classifier.intake.uploads import RefusedImagesError, SentImage, inspect_images
from classifier.models import Lesion, Patient
from classifier.models.submission import QUESTION_TEXTS
from classifier.pages.forms.lesion import NewLesionForm
from classifier.pages.forms.patient import NewPatientForm
from classifier.pages.forms.submission import NEW, SubmissionForm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django import forms
    from django.utils.datastructures import MultiValueDict

    from classifier.models import Submission
    from portal.trust.accounts.models import Clinic, User


TARGETS = {
    "request_key": "form-trouble",
    "patient": "patient-fault",
    "lesion": "lesion-fault",
    "images": "image-faults",
}
"""Fields that are no single element of the page: where their faults stand. Their words need no label."""


@dataclass(frozen=True)
class RefusedImage:
    """A file that can't be taken, and why."""

    name: str
    message: str


@dataclass(frozen=True)
class Fault:
    """What has to change before the case can be sent. `target` is the id of the element to go to."""

    target: str
    words: str


@dataclass
class NewCase:
    """One new submission in the making. Build it with `begin_case` or `read_case`."""

    user: User
    clinic: Clinic
    role: str
    form: SubmissionForm
    patient_form: NewPatientForm
    lesion_form: NewLesionForm
    words: str = ""
    patient: Patient | None = None
    lesion: Lesion | None = None
    is_new_patient: bool = False
    is_new_lesion: bool = False
    refused: list[RefusedImage] = field(default_factory=list)
    lost_files: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Of what ("patient", "lesion") something was typed that isn't of the known one that was chosen."""
    limits: UploadLimits = field(default_factory=UploadLimits.from_settings)

    @property
    def candidates(self) -> Candidates:
        """Patients to choose from, the chosen one among them."""
        found = find_candidates(user=self.user, clinic=self.clinic, words=self.words)
        if self.patient and self.patient not in found.patients:
            found.patients.insert(0, self.patient)
        return found

    @property
    def lesions(self) -> list[LesionRow]:
        """Lesions of the chosen patient, the chosen one among them."""
        if self.patient is None:
            return []
        rows, _ = build_lesion_rows(self.patient, role=self.role, shows_all=True)
        if self.lesion and self.lesion not in [row.lesion for row in rows]:
            rows.insert(0, LesionRow(self.lesion, None, 0))
        return rows

    @property
    def missing(self) -> list[str]:
        """What the page still lacks, as words for the bar at its foot."""
        site = self.lesion_form["body_site"].value()
        has_patient = self.patient or (self.is_new_patient and self.patient_form["mrn"].value())
        asks_consent = self.is_new_patient and not self.patient_form["consents_to_inference"].value()
        return [
            *([] if has_patient else ["patient"]),
            *(["consent, yes or no"] if asks_consent else []),
            *([] if self.lesion or site else ["body site" if self.is_new_lesion else "lesion"]),
            "images",
        ]

    @property
    def faults(self) -> list[Fault]:
        """Every fault in the order of the page, for the summary and for the bar at its foot."""
        faults = [Fault("form-trouble", str(error)) for error in self.form.non_field_errors()]
        faults += self._list_faults(self.form, "request_key", "patient")
        faults += self._list_faults(self.patient_form, *self.patient_form.fields)
        faults += self._list_faults(self.form, "lesion")
        faults += self._list_faults(self.lesion_form, *self.lesion_form.fields)
        faults += self._list_faults(self.form, "images")
        faults += [Fault("image-faults", f"{image.name}: {image.message}") for image in self.refused]
        named = {"request_key", "patient", "lesion", "images"}
        faults += self._list_faults(self.form, *(name for name in self.form.fields if name not in named))
        return faults

    @staticmethod
    def _list_faults(form: forms.Form, *names: str) -> list[Fault]:
        faults = []
        for name in names:
            label = str(form[name].label).rstrip("?")
            target = TARGETS.get(name) or form[name].auto_id
            words = [str(error) for error in form[name].errors]
            faults += [Fault(target, line if name in TARGETS else f"{label}: {line}") for line in words]
        return faults

    @property
    def has_errors(self) -> bool:
        return bool(self.form.errors or self.refused or self.patient_form.errors or self.lesion_form.errors)

    def submit(self) -> Submission | None:
        """Create what the page describes; None when errors stand on the forms."""
        images = self._read_images()
        self._check_choices()
        try:
            if self.has_errors:
                # Nothing is sent, and yet the page says of every image what is wrong with it.
                inspect_images(images)
            else:
                return submit_case(
                    actor=self.user,
                    clinic=self.clinic,
                    patient=self._take_patient(),
                    lesion=self._take_lesion(),
                    images=images,
                    question=self._take_question(),
                ).submission
        except RefusedImagesError as error:
            self.refused = [
                RefusedImage(images[index].name or "Image", fault.message)
                for index, fault in error.faults.items()
            ]
        except ServiceError as error:
            self._show(error)
        self._remember_files()
        return None

    def forget_errors(self) -> None:
        """Show what was typed without judging it yet."""
        for form in (self.form, self.patient_form, self.lesion_form):
            form.errors.clear()

    def _check_choices(self) -> None:
        if not self.is_new_patient:
            if self._is_of_another_patient():
                self.left_out.append("patient")
            told = self._list_told()
            for name in [name for name in self.patient_form.errors if name not in told]:
                del self.patient_form.errors[name]
            if self.patient is None:
                self.form.add_error("patient", "Choose a patient, or create a new one.")
        if not self.is_new_lesion:
            if self._is_of_another_lesion():
                self.left_out.append("lesion")
            self.lesion_form.errors.clear()
            if self.lesion is None:
                self.form.add_error("lesion", "Choose a lesion, or describe a new one.")

    def _is_of_another_patient(self) -> bool:
        """Whether what was typed of a new patient is of somebody else than the known one who was chosen.

        By the record number; without one, by what contradicts the known patient, or can't be read.
        """
        typed = clean_mrn(self.patient_form["mrn"].value() or "")
        if self.patient is None or typed == clean_mrn(self.patient.mrn):
            return False
        told = self._list_typed()
        is_unread = any(name in self.patient_form.errors for name in told)
        return bool(typed) or is_unread or bool(find_contradiction(self.patient, self._read_facts(told)))

    def _is_of_another_lesion(self) -> bool:
        """The same of a lesion, which has no number: by what contradicts the known one, or can't be read."""
        told = [name for name in LESION_FACTS if self.lesion_form[name].value()]
        if self.lesion is None or not told:
            return False
        is_unread = any(name in self.lesion_form.errors for name in told)
        return is_unread or bool(find_contradiction(self.lesion, self._read_lesion(told)))

    def _list_told(self) -> list[str]:
        """Facts that were typed of the known patient who was chosen."""
        return [] if self.patient is None or "patient" in self.left_out else self._list_typed()

    def _list_typed(self) -> list[str]:
        return [name for name in PERSON_FACTS if self.patient_form[name].value()]

    def _read_facts(self, names: list[str]) -> CasePatient:
        return CasePatient(
            known=self.patient, **{name: self.patient_form.cleaned_data[name] for name in names}
        )

    def _read_images(self) -> list[SentImage]:
        try:
            return self.form.read_images()
        except InvalidInputError as error:
            self.form.add_error("images", error.message)
            return [SentImage(file) for file in self.form.files.getlist("images")]

    def _remember_files(self) -> None:
        """Names of files that a browser without script has to be given again."""
        self.lost_files = [file.name or "" for file in self.form.files.getlist("images")]

    def _take_patient(self) -> CasePatient:
        if self.patient is not None:
            return self._read_facts(self._list_told())
        return CasePatient(**self.patient_form.cleaned_data, must_be_new=True)

    def _take_lesion(self) -> CaseLesion:
        told = (
            []
            if "lesion" in self.left_out
            else [name for name in LESION_FACTS if self.lesion_form[name].value()]
        )
        return self._read_lesion(told)

    def _read_lesion(self, names: Iterable[str]) -> CaseLesion:
        facts = self.lesion_form.cleaned_data
        return CaseLesion(known=self.lesion, **{name: facts[name] for name in names})

    def _take_question(self) -> Question:
        names = (*QUESTION_TEXTS, "priority", "request_key")
        return Question(**{name: self.form.cleaned_data[name] for name in names})

    def _show(self, error: ServiceError) -> None:
        """Put a service's refusal beside the field it names."""
        shown: list[forms.Form] = [self.form, self.patient_form, self.lesion_form]
        owner = next((form for form in shown if error.field in form.fields), None)
        if error.code == "consent_missing" and self.is_new_patient:
            self.patient_form.add_error("consents_to_inference", error.message)
        elif error.code == "identifier_used":
            self.form.add_error(None, f"{error.message} Begin a new submission for it.")
        elif owner is None:
            self.form.add_error(None, error.message)
        else:
            owner.add_error(error.field, error.message)


def begin_case(
    *,
    user: User,
    clinic: Clinic,
    role: str,
    patient: Patient | None = None,
    lesion: Lesion | None = None,
) -> NewCase:
    """An empty page, for a patient and a lesion where they are known."""
    return NewCase(
        user=user,
        clinic=clinic,
        role=role,
        form=SubmissionForm(),
        patient_form=NewPatientForm(recorded_in=clinic.consent_recorded_in),
        lesion_form=NewLesionForm(),
        patient=patient,
        lesion=lesion,
        is_new_lesion=lesion is None and patient is not None and not patient.lesions.exists(),
    )


def read_case(
    *, user: User, clinic: Clinic, role: str, data: Mapping[str, Any], files: MultiValueDict[str, Any]
) -> NewCase:
    """The page as it was sent. Ids of rows that the person may not see choose nothing."""
    form = SubmissionForm(data, files)
    mine = Patient.objects.visible_to(user).filter(clinic=clinic)
    patient = mine.filter(pk=read_id(data.get("patient"))).first()  # type: ignore[misc]  # no id, no row
    lesion = None
    if patient is not None:
        lesion = patient.lesions.filter(pk=read_id(data.get("lesion"))).first()  # type: ignore[misc]  # as above
    is_new_patient = data.get("patient") == NEW
    return NewCase(
        user=user,
        clinic=clinic,
        role=role,
        form=form,
        patient_form=NewPatientForm(data, recorded_in=clinic.consent_recorded_in),
        lesion_form=NewLesionForm(data),
        words=str(data.get("words", "")),
        patient=patient,
        lesion=lesion,
        is_new_patient=is_new_patient,
        is_new_lesion=lesion is None and (is_new_patient or data.get("lesion") == NEW),
    )


def read_id(value: Any) -> uuid.UUID | None:
    """The id that a parameter holds, or None for anything else."""
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None
