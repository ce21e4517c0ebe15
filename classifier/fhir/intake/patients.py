"""Patient and BodyStructure: whose lesion it is, as rows of this server or what is to become one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from classifier.domain.dates import read_day
from classifier.domain.errors import InvalidInputError
from classifier.domain.vocabulary import UNSPECIFIED_SITE, Laterality, Sex
from classifier.fhir.elements import SIDES
from classifier.fhir.intake.bundle import check_condition
from classifier.fhir.systems import (
    BODY_SITE,
    CONSENT_EXTENSION,
    LATERALITY,
    MRN_PREFIX,
    SKIN_TYPE_EXTENSION,
    SNOMED_CT,
    mrn_system,
)
from classifier.intake.submission import (
    LESION_FACTS,
    CaseLesion,
    CasePatient,
    check_lesion_of,
    find_contradiction,
    find_missing,
)
from classifier.models import Lesion, Patient
from portal.trust.accounts.models import Clinic

if TYPE_CHECKING:
    import datetime as dt

    from classifier.fhir.intake.bundle import BundleEntry, OrderBundle
    from classifier.fhir.intake.elements import Element
    from portal.trust.accounts.models import User

SNOMED_SIDES = {code: side.value for side, (code, _) in SIDES.items()}


@dataclass(frozen=True)
class IntakePatient:
    """The clinic, the patient, and the entry that told of them where there is one."""

    clinic: Clinic
    patient: CasePatient
    entry: BundleEntry | None = None


def read_subject(bundle: OrderBundle, request: Element, *, user: User) -> IntakePatient | None:
    """None where it can't be told; then the bundle says why."""
    reference = request.child("subject").text("reference", needed="Say whose lesion it is.")
    entry = bundle.resolve(reference)
    for other in bundle.of("Patient"):
        if other is not entry:
            other.element.refuse(
                "not_referred_to", "The ServiceRequest's subject is another.", kind="invalid"
            )
    if entry is not None and entry.kind == "Patient":
        return _read_patient(entry, request, user=user)
    known = Patient.objects.visible_to(user).filter(pk=bundle.read_id(reference, "Patient"))  # type: ignore[misc]  # no id, no row
    patient = known.select_related("clinic").first()
    if patient is not None:
        agrees = read_consent(request)
        return IntakePatient(patient.clinic, CasePatient(known=patient, consents_to_inference=agrees))
    if reference:
        text = "There is no such patient, or none that you may see."
        request.refuse("unknown_patient", text, name="subject", kind="not-found")
    return None


def read_consent(*places: Element) -> bool | None:
    """Whether the patient agrees to be judged by a model, as an extension of one of these says."""
    said = None
    for place in places:
        for extension in place.children("extension"):
            if extension.text("url") != CONSENT_EXTENSION:
                continue
            answer = extension.truth("valueBoolean")
            if answer is None:
                extension.refuse("required", "Say true or false.", name="valueBoolean", kind="required")
            elif said not in (None, answer):
                extension.refuse("consent_mismatch", "The order says both yes and no.", kind="business-rule")
            else:
                said = answer
    return said


def _read_patient(entry: BundleEntry, request: Element, *, user: User) -> IntakePatient | None:
    sent = entry.element
    clinic, mrn = _read_identifier(sent, user=user)
    if clinic is not None:
        check_condition(entry, mrn_system(clinic.pk), mrn)
    born = sent.text("birthDate")
    skin_type = ""
    for extension in sent.children("extension"):
        if extension.text("url") == SKIN_TYPE_EXTENSION:
            skin_type = extension.text("valueCode")
    patient = CasePatient(
        mrn=mrn,
        birth_date=_read_date(sent, born) if born else None,
        sex=sent.text("gender") or Sex.UNKNOWN,
        skin_type=skin_type,
        consents_to_inference=read_consent(sent, request),
    )
    return IntakePatient(clinic, patient, entry) if clinic is not None and mrn else None


def _read_identifier(sent: Element, *, user: User) -> tuple[Clinic | None, str]:
    """The record number, in the system of a clinic of the caller's; without one where they have one clinic."""
    clinics = {mrn_system(clinic.pk): clinic for clinic in Clinic.objects.visible_to(user)}
    only = next(iter(clinics.values())) if len(clinics) == 1 else None
    for identifier in sent.children("identifier"):
        system = identifier.text("system")
        clinic = clinics.get(system) if system else only
        if clinic is not None:
            return clinic, identifier.text("value", needed="Give the record number.")
    text = (
        f"Give the record number, with {MRN_PREFIX} and the id of your clinic's Organization as its system."
    )
    sent.refuse("mrn_missing", text, name="identifier", kind="required")
    return None, ""


def _read_date(sent: Element, text: str) -> dt.date | None:
    try:
        return read_day(text)
    except ValueError:
        sent.refuse("invalid_date", "A birth date is written like 1961-04-12, or left out.", name="birthDate")
        return None


def read_lesion(
    bundle: OrderBundle, request: Element, subject: IntakePatient, *, user: User
) -> CaseLesion | None:
    """A lesion of this server, a new BodyStructure, or a new lesion, with what the request says of its site."""
    structures = bundle.of("BodyStructure")
    for extra in structures[1:]:
        extra.element.refuse("one_lesion", "A ServiceRequest is about one lesion.", kind="business-rule")
    named = {
        key: info
        for info in request.children("supportingInfo")
        if (key := bundle.read_id(info.text("reference"), "BodyStructure")) is not None
    }
    for info in list(named.values())[0 if structures else 1 :]:
        info.refuse("one_lesion", "A ServiceRequest is about one lesion.", kind="business-rule")
    sites = request.children("bodySite")
    told = _read_site(sites[0], sites) if sites else None
    if structures:
        return _join(_read_structure(structures[0].element), told, sites)
    for key, info in named.items():
        known = _find_lesion(info, Lesion.objects.visible_to(user).filter(pk=key).first(), subject)
        return replace(told or CaseLesion(), known=known) if known else None
    if told is None:
        request.refuse(
            "required", "Give the body site, or a BodyStructure.", name="bodySite", kind="required"
        )
    return told


def _find_lesion(info: Element, lesion: Lesion | None, subject: IntakePatient) -> Lesion | None:
    if lesion is None:
        info.refuse(
            "unknown_lesion", "There is no such BodyStructure, or none that you may see.", kind="not-found"
        )
    else:
        try:
            check_lesion_of(subject.patient.known, lesion)
        except InvalidInputError as error:
            info.refuse(error.code, error.message, kind="business-rule")
    return lesion


def _join(lesion: CaseLesion, told: CaseLesion | None, sites: list[Element]) -> CaseLesion:
    """A BodyStructure, and what the request says beside it: both speak of one lesion."""
    if told is None:
        return lesion
    if name := find_contradiction(lesion, told):
        text = f"The BodyStructure names another {LESION_FACTS[name]}."
        sites[0].refuse(f"{name}_mismatch", text, kind="business-rule")
    return replace(lesion, **find_missing(lesion, told, LESION_FACTS))


def _read_structure(sent: Element) -> CaseLesion:
    found = _read_site(sent.child("location"), [sent.child("location"), *sent.children("locationQualifier")])
    return replace(found, note=sent.text("description") or found.note)


def _read_site(location: Element, places: list[Element]) -> CaseLesion:
    """The site by our code; words alone are kept as a note, for a guess would be worse than none."""
    codings = [coding for place in places for coding in place.children("coding")]
    site, side, words = "", "", location.text("text")
    for coding in codings:
        system, code = coding.text("system"), coding.text("code")
        if system == BODY_SITE:
            site = _take_one(coding, site, code)
        elif system in (LATERALITY, SNOMED_CT):
            # A code of SNOMED CT that is no side may be the site, which goes by our code or by words.
            side = _take_one(coding, side, code if system == LATERALITY else SNOMED_SIDES.get(code, ""))
    if not site and not words:
        location.refuse("required", f"Give a code of {BODY_SITE}, or the site in words.", kind="required")
    return CaseLesion(
        body_site=site or UNSPECIFIED_SITE,
        laterality=side or Laterality.UNSPECIFIED.value,
        note="" if site else words,
    )


def _take_one(coding: Element, former: str, code: str) -> str:
    if former and code and code != former:
        text = f"{former} and {code} are two places. A ServiceRequest is about one lesion."
        coding.refuse("one_lesion", text, name="code", kind="business-rule")
    return former or code
