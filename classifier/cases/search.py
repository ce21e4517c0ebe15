"""Search: find cases and patients by what people type, and a patient by an identifier.

Each word has to fit the same lesion: one of its patient's identifiers or birth dates, its site, or
somebody of one of its cases. Record numbers and birth dates are encrypted, so a part of one can't be
sought by the database: those of the clinic are decrypted here, 3 µs each. A whole record number is
found by its keyed hash first. Programs name one patient: by `has_record_number` and `has_public_id`.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone
from isic_metadata.anatom_site_hierarchical import AnatomSiteEnum

from classifier.domain.record_numbers import clean_mrn
from classifier.domain.vocabulary import BODY_SITES, UNSPECIFIED_SITE, Laterality
from classifier.labels.text import MONTHS
from classifier.models import Lesion, Patient, Review, Submission
from portal.trust.accounts.models import User

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from classifier.models.patient import PatientQuerySet
    from classifier.models.submission import SubmissionQuerySet
    from portal.trust.accounts.models import Clinic

SEARCH_HINT = (
    "Finds record numbers, public ids, body sites (left shoulder), birth dates or years "
    "(17 May 1961, 17.5.1961, 1961) and clinicians."
)
MOST_WORDS = 8
MOST_FOUND = 5_000
"""More patients than anybody reads through, and fewer than a statement takes parameters."""
OLDEST_YEAR = 1880
CANDIDATES_SHOWN = 6
LATEST_CASES = 60
"""How many cases back patients to choose from are looked for."""

SITE_WORDS = {
    code: f"{name} {AnatomSiteEnum[code].value if code != UNSPECIFIED_SITE else ''}"
    for code, name in BODY_SITES.items()
}
"""With the names of the regions round a site: "abdomen" finds the umbilicus."""

MONTH_NUMBERS = {name[:3].lower(): number for number, name in enumerate(MONTHS, start=1)}
MONTH_NAME = rf"(?P<month>{'|'.join(MONTH_NUMBERS)})[a-z]*"
DAY_PATTERNS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b",
        r"\b(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})\b",
        r"\b(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})\b",
        rf"\b(?P<day>\d{{1,2}})\.? {MONTH_NAME}\.? (?P<year>\d{{4}})\b",
        rf"\b{MONTH_NAME}\.? (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})\b",
    )
]


@dataclass(frozen=True)
class Term:
    """One word, or one day; `year` where the word may be the year of a birth."""

    text: str = ""
    day: dt.date | None = None

    @property
    def year(self) -> int | None:
        is_year = len(self.text) == 4 and self.text.isdecimal()  # noqa: PLR2004
        return (
            int(self.text) if is_year and OLDEST_YEAR <= int(self.text) <= timezone.localdate().year else None
        )

    def fits_patient(self, mrn: str, public_id: str, birth: dt.date | None) -> bool:
        if self.day:
            return birth == self.day
        if self.text in mrn.casefold() or self.text in public_id.casefold():
            return True
        return birth is not None and birth.year == self.year


def read_terms(words: str) -> list[Term]:
    """The days in `words`, then the words that are left."""
    terms = []
    for pattern in DAY_PATTERNS:
        for found in list(pattern.finditer(words)):
            if day := _read_day(**found.groupdict()):
                terms.append(Term(day=day))
                words = words.replace(found.group(0), " ")
    return [*terms, *(Term(word.casefold()) for word in words.replace(",", " ").split())][:MOST_WORDS]


def search_patients(patients: PatientQuerySet, words: str, *, clinic: Clinic) -> PatientQuerySet:
    """Those of `patients`, all of `clinic`, that `words` find; all of them without words."""
    words = clean_mrn(words)
    if not words:
        return patients
    if whole := _find_whole(patients, words):
        return patients.filter(pk__in=whole)
    terms = read_terms(words)
    found = _match_patients(patients, words, terms)
    lesions = Lesion.objects.filter(patient__in=patients.order_by().values("pk"))
    for term, owners in zip(terms, found.by_term, strict=True):
        shown = Submission.objects.filter(_by_people(term, clinic)).values("lesion")
        lesions = lesions.filter(Q(patient__in=owners) | _at_site(term, "") | Q(pk__in=shown))
    return patients.filter(Q(pk__in=found.whole) | Q(pk__in=lesions.order_by().values("patient")))


def search_cases(cases: SubmissionQuerySet, words: str, *, clinic: Clinic) -> SubmissionQuerySet:
    """Those of `cases`, all of `clinic`, that `words` find; all of them without words."""
    words = clean_mrn(words)
    if not words:
        return cases
    patients = Patient.objects.filter(clinic=clinic)
    if whole := _find_whole(patients, words):
        return cases.filter(lesion__patient__in=whole)
    terms = read_terms(words)
    found = _match_patients(patients, words, terms)
    fits_every = Q()
    for term, owners in zip(terms, found.by_term, strict=True):
        fits_every &= Q(lesion__patient__in=owners) | _at_site(term, "lesion__") | _by_people(term, clinic)
    return cases.filter(Q(lesion__patient__in=found.whole) | fits_every if terms else Q(pk__in=[]))


@dataclass(frozen=True)
class Candidates:
    """Patients to choose from, and whether more fit than are shown."""

    patients: list[Patient]
    has_more: bool = False


def find_candidates(*, user: User, clinic: Clinic, words: str) -> Candidates:
    """A few patients of `clinic` to choose from for a new case.

    Those whom `words` find, whose whole record number they are first, then by record number; without
    words those submitted last.
    """
    if typed := clean_mrn(words):
        mine = search_patients(Patient.objects.visible_to(user).filter(clinic=clinic), typed, clinic=clinic)
        patients = sorted(mine, key=lambda one: (one.mrn.casefold() != typed.casefold(), one.mrn))
    else:
        latest = (
            Submission.objects.visible_to(user)
            .filter(clinic=clinic)
            .select_related("lesion__patient")
            .order_by("-submitted_at", "-id")[:LATEST_CASES]
        )
        patients = list({case.lesion.patient_id: case.lesion.patient for case in latest}.values())
    shown = patients[:CANDIDATES_SHOWN]
    for patient in shown:
        # Whether a model may judge them asks their clinic: one row, and it is at hand.
        patient.clinic = clinic
    return Candidates(shown, has_more=bool(typed) and len(patients) > len(shown))


# --- One patient --------------------------------------------------------------------------------
def has_record_number(mrn: str) -> Q:
    """Of patients, the one of a clinic with exactly this record number, in the form in which it is stored."""
    return Q(mrn=clean_mrn(mrn))


def has_public_id(public_id: str) -> Q:
    """Of patients, the one of this pseudonym, which is in capitals however it was typed."""
    return Q(public_id=public_id.strip().upper())


# --- How words are read -------------------------------------------------------------------------
def _find_whole(patients: PatientQuerySet, words: str) -> list[uuid.UUID]:
    """The patient whose whole record number or public id this is; a year may be a birth's as well."""
    if Term(words).year:
        return []
    same = has_public_id(words)
    for spelt in sorted({words, words.upper(), words.lower()}):
        same |= has_record_number(spelt)
    return list(patients.filter(same).order_by().values_list("pk", flat=True))


@dataclass(frozen=True)
class _Matches:
    """Patients that all terms fit, or whose record number holds the words as typed; and those of each term."""

    whole: list[uuid.UUID]
    by_term: list[list[uuid.UUID]]


def _match_patients(patients: PatientQuerySet, words: str, terms: list[Term]) -> _Matches:
    phrase = words.casefold()
    whole: list[uuid.UUID] = []
    by_term: list[list[uuid.UUID]] = [[] for _ in terms]
    for pk, stored, public_id, birth in _read_identities(patients, terms):
        # A number from before the one form, which a look-alike has: found by what is seen of it.
        mrn = clean_mrn(stored)
        fits = [term.fits_patient(mrn, public_id, birth) for term in terms]
        for ids, is_fit in zip(by_term, fits, strict=True):
            if is_fit and len(ids) < MOST_FOUND:
                ids.append(pk)
        if (all(fits) and fits) or phrase in mrn.casefold():
            whole.append(pk)
    return _Matches(list(islice(whole, MOST_FOUND)), by_term)


def _read_identities(patients: PatientQuerySet, terms: list[Term]) -> Iterator[tuple[Any, str, str, Any]]:
    """Newest first. Birth dates are decrypted only where a term may be one."""
    rows = patients.order_by("-created_at")
    if any(term.day or term.year for term in terms):
        yield from rows.values_list("pk", "mrn", "public_id", "birth_date").iterator()
        return
    for pk, mrn, public_id in rows.values_list("pk", "mrn", "public_id").iterator():
        yield pk, mrn, public_id, None


def _at_site(term: Term, to_lesion: str) -> Q:
    """Words of a site begin with what was typed: "should" finds shoulders, "ear" no forearm."""
    if not term.text:
        return Q(pk__in=[])
    sides = [
        side
        for side in (Laterality.LEFT, Laterality.RIGHT, Laterality.MIDLINE)
        if side.label.lower() == term.text
    ]
    sites = [code for code, name in SITE_WORDS.items() if _begins_a_word(name, term.text)]
    return Q(**{f"{to_lesion}body_site__in": sites}) | Q(**{f"{to_lesion}laterality__in": sides})


def _by_people(term: Term, clinic: Clinic) -> Q:
    """Who submitted a case, follows it up or signed it; people of the clinic, also former ones."""
    if not term.text:
        return Q(pk__in=[])
    of_clinic = User.objects.filter(memberships__clinic=clinic).values_list("pk", "full_name", "email")
    people = {pk for pk, name, email in of_clinic if _begins_a_word(name or email, term.text)}
    if not people:
        return Q(pk__in=[])
    signed = Review.objects.filter(signed_by__in=people).order_by().values("submission")
    return Q(submitted_by__in=people) | Q(responsible__in=people) | Q(pk__in=signed)


def _begins_a_word(name: str, text: str) -> bool:
    words = name.casefold().split()
    return any(
        part.startswith(text) for word in words for part in (word.strip("()"), *re.split(r"[-:(]", word))
    )


def _read_day(*, year: str, month: str, day: str) -> dt.date | None:
    number = MONTH_NUMBERS.get(month.lower()) or int(month)
    try:
        return dt.date(int(year), number, int(day))
    except ValueError:
        return None
