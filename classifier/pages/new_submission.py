"""The page of a new submission, and its fragments."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from classifier.cases.access import record_listed, record_viewed
from classifier.cases.duplicates import describe_duplicate
from classifier.cases.search import find_candidates
from classifier.domain.limits import UploadLimits
from classifier.intake import (
    RejectedImageError,
    build_thumbnail,
    check_claim,
    decode_copy,
    inspect_image,
    read_upload,
)
from classifier.intake.pictures import find_same_file, find_same_pictures
from classifier.models import Lesion, Patient, Submission
from classifier.pages.access import Rights, get_visible, page, require_right, rights_in
from classifier.pages.forms.fields import shorten_search
from classifier.pages.new_case import NewCase, begin_case, read_case, read_id
from classifier.pages.picture_check import (
    BROKEN,
    BUSY,
    CheckBusyError,
    PictureCheck,
    a_free_hand,
    check_pixels,
)
from classifier.pages.uploads import takes_upload
from portal.trust.encryption.sealed import digest

if TYPE_CHECKING:
    import uuid

    from django.core.files.uploadedfile import UploadedFile

    from classifier.models import SubmissionImage
    from portal.trust.accounts.models import Clinic, User
    from portal.trust.accounts.requests import PortalRequest


NO_RIGHT = "Your role in this clinic can't submit cases."


def _refuse_upload(request: PortalRequest, status: int, message: str) -> HttpResponse:
    """The whole body was unreadable, so nothing of the form can be shown again."""
    template = "classifier/submission_refused.html"
    if request.htmx:
        # The form still stands in the browser with all its files: only say what happened.
        template = "classifier/partials/form_trouble.html"
    response = render(request, template, {"message": message, "status": status}, status=status)
    response["HX-Retarget"] = "#form-trouble"
    response["HX-Reswap"] = "innerHTML"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@page()
@takes_upload(_refuse_upload)
def submission_new(request: PortalRequest) -> HttpResponse:
    """Whom, which spot, images, question: one form, one transaction."""
    if request.method != "POST":
        with transaction.atomic():
            return _render(request, _begin(request))
    clinic, rights = read_posted_clinic(request)
    case = read_case(
        user=request.user,
        clinic=clinic,
        role=rights.role,
        data=request.POST,
        files=request.FILES,
    )
    if request.POST.get("action") in ("find", "choose"):
        # Without script these two buttons only draw the page anew, with all that was typed.
        case.forget_errors()
        with transaction.atomic():
            return _render(request, case)
    submission = case.submit()
    if submission is None:
        with transaction.atomic():
            return _render(request, case, status=422)
    for what in case.left_out:
        messages.warning(request, f"What you typed of a new {what} was left out: you chose a known one.")
    address = reverse("submission-detail", args=[submission.pk])
    if request.htmx:
        return HttpResponseClientRedirect(address)
    return redirect(address)


@require_POST
@page()
@transaction.atomic
def find_patient(request: PortalRequest) -> HttpResponse:
    """Patients to choose from. By POST: the words may be a record number."""
    clinic, _ = read_posted_clinic(request)
    words = shorten_search(request.POST.get("words", ""))
    found = find_candidates(user=request.user, clinic=clinic, words=words)
    record_listed(
        actor=request.user,
        clinic_id=clinic.pk,
        what="patient",
        details={"page": "new submission", "rows": len(found.patients), "searched": bool(words)},
    )
    context = {
        "patients": found.patients,
        "has_more": found.has_more,
        "words": words,
        "chosen": request.POST.get("patient", ""),
    }
    return render(request, "classifier/partials/patient_choices.html", context)


@require_safe
@page()
@transaction.atomic
def list_lesions(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """The lesions of a patient to choose from."""
    patient: Patient = get_visible(Patient.objects.select_related("clinic"), request, pk)
    rights = rights_in(request, patient.clinic_id)
    require_right(rights.submit, NO_RIGHT)
    record_viewed(actor=request.user, obj=patient, clinic_id=patient.clinic_id)
    case = begin_case(user=request.user, clinic=patient.clinic, role=rights.role, patient=patient)
    return render(request, "classifier/partials/lesion_choices.html", {"case": case})


def _begin(request: PortalRequest) -> NewCase:
    """The page for ?patient= or ?lesion=, or for nobody yet in the current clinic."""
    patient, lesion = None, None
    if wanted := read_id(request.GET.get("lesion")):
        lesion = get_visible(Lesion.objects.select_related("patient__clinic"), request, wanted)
        patient = lesion.patient
    elif wanted := read_id(request.GET.get("patient")):
        patient = get_visible(Patient.objects.select_related("clinic"), request, wanted)
    clinic = patient.clinic if patient else request.clinic
    rights = rights_in(request, clinic.pk)
    require_right(rights.submit, NO_RIGHT)
    return begin_case(
        user=request.user,
        clinic=clinic,
        role=rights.role,
        patient=patient,
        lesion=lesion,
    )


def read_posted_clinic(request: PortalRequest) -> tuple[Clinic, Rights]:
    """The clinic the form was opened in: another tab may have switched to a different one."""
    wanted = request.POST.get("clinic", "")
    clinics = [m.clinic for m in request.memberships]
    clinic = next((c for c in clinics if str(c.pk) == wanted), None)
    if clinic is None:
        raise Http404
    rights = rights_in(request, clinic.pk)
    require_right(rights.submit, NO_RIGHT)
    return clinic, rights


def _render(request: PortalRequest, case: NewCase, status: int = 200) -> HttpResponse:
    found, lesions = case.candidates, case.lesions
    record_listed(
        actor=case.user,
        clinic_id=case.clinic.pk,
        what="patient",
        details={"page": "new submission", "rows": len(found.patients), "searched": bool(case.words)},
    )
    chosen = str(case.patient.pk) if case.patient else "new" if case.is_new_patient else ""
    context = {
        "case": case,
        "patients": found.patients,
        "has_more": found.has_more,
        "lesions": lesions,
        "words": case.words,
        "chosen": chosen,
    }
    is_fragment = request.htmx and request.method == "POST"
    template = "classifier/partials/new_case_form.html" if is_fragment else "classifier/submission_new.html"
    return render(request, template, context, status=status)


# --- Draft keys ---------------------------------------------------------------------------------
# A reload, the back button or a phone that drops the tab must lose neither words nor photos, so the page
# keeps the draft of a new case in the browser, encrypted (portal/static/portal/js/sealed-store.js). What lies
# on the device is unreadable without a key that is never stored there:
#
# - With the draft lies a signed ticket, which names the person, a random number and when it was made.
# - The key is made from the ticket and SECRET_KEY, and given only to this person while they are logged in.
# - A ticket is good for as long as a log-in may last (SESSION_COOKIE_AGE), and for no second person.
#
# Not bound to one session on purpose: a phone that slept through the idle limit has lost its session, and the
# same person who logs in again should find the photos. Log-out, sending, *Discard*, another person's page and
# age erase the draft; on a shared machine what a crash leaves behind opens for nobody else.


SALT = "classifier.draft_keys"
LONGEST_TICKET = 500


class ClosedDraftError(Exception):
    """The ticket opens nothing, or not for this person, or not any more."""


@dataclass(frozen=True)
class DraftKey:
    """`ticket` may lie beside the draft; `key` (AES-256, base64) must not."""

    ticket: str
    key: str = field(repr=False)


def issue_key(*, person: User) -> DraftKey:
    """A key for a new draft."""
    ticket = signing.dumps([str(person.pk), secrets.token_urlsafe(16)], salt=SALT)
    return DraftKey(ticket, _derive(ticket))


def reopen_key(*, person: User, ticket: str) -> DraftKey:
    """The key of an earlier draft. Raises ClosedDraftError."""
    try:
        owner, _ = signing.loads(ticket[:LONGEST_TICKET], salt=SALT, max_age=settings.SESSION_COOKIE_AGE)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise ClosedDraftError from error
    if owner != str(person.pk):
        raise ClosedDraftError
    return DraftKey(ticket, _derive(ticket))


def _derive(ticket: str) -> str:
    key = bytes.fromhex(digest(ticket.encode(), purpose="dermaport key of a draft on a device"))
    return base64.b64encode(key).decode()


# --- Asking for a draft key ----------------------------------------------------------------------


@require_POST
@page()
@never_cache
def open_draft(request: PortalRequest) -> HttpResponse:
    """A key for a new draft, or for the one with this `ticket`; and where its case went, had it arrived.

    JSON: ticket and key; or `sent`, the address of the case that has this `request_key` already (the tab
    was lost while it was sent); or 410, where the draft opens no more and should be erased.
    """
    clinic, _ = read_posted_clinic(request)
    if key := read_id(request.POST.get("request_key")):
        mine = Submission.objects.visible_to(request.user).filter(clinic=clinic)
        if (case := mine.filter(request_key=key).first()) is not None:
            return JsonResponse({"sent": reverse("submission-detail", args=[case.pk])})
    ticket = request.POST.get("ticket", "")
    try:
        found = reopen_key(person=request.user, ticket=ticket) if ticket else issue_key(person=request.user)
    except ClosedDraftError:
        return JsonResponse({}, status=410)
    return JsonResponse({"ticket": found.ticket, "key": found.key})


# --- Check of a picked image --------------------------------------------------------------------
# Before anything is sent for good. Nothing is kept.


COPY_SIDE = 1024
"""Longer side of a reduced copy, in pixels (reduced-copy.js draws it)."""
NOT_DRAWN_BY_BROWSERS = ("TIFF", "HEIC", "DICOM")
SHA256 = re.compile(r"[0-9a-f]{64}")


def _refuse_check(request: PortalRequest, status: int, message: str) -> HttpResponse:  # noqa: ARG001
    return JsonResponse(PictureCheck("bad", [message]).to_json(), status=status)


@require_POST
@page()
@takes_upload(_refuse_check, images=1)
def check_image(request: PortalRequest) -> HttpResponse:
    """What the model's gates will say of the file `image`; see PictureCheck for the JSON.

    With `width`, `height` and `bytes` of the original, and its `sha256` where the browser can hash,
    `image` is a reduced copy. Else it is the picture itself, and a small one of it comes back as
    `thumbnail` where browsers can't draw its format.
    """
    clinic, _ = read_posted_clinic(request)
    file = request.FILES.get("image")
    if file is None:
        found = PictureCheck("bad", ["No image was received. Choose it again."])
        return JsonResponse(found.to_json(), status=400)
    claim = _Claim.read(request)
    try:
        with a_free_hand():
            answer = (
                _check_copy(request, clinic.pk, file, claim)
                if claim
                else _check_whole(request, clinic.pk, file)
            )
    except RejectedImageError as error:
        answer = PictureCheck("bad", [error.message]).to_json()
    except CheckBusyError:
        answer = PictureCheck("", [BUSY]).to_json()
    return JsonResponse(answer)


@dataclass(frozen=True)
class _Claim:
    """What the sender of a reduced copy says of its original."""

    width: int
    height: int
    byte_size: int
    sha256: str

    @classmethod
    def read(cls, request: PortalRequest) -> _Claim | None:
        width, height, size = numbers = [request.POST.get(name, "") for name in ("width", "height", "bytes")]
        if not all(re.fullmatch(r"[0-9]{1,12}", number) for number in numbers):
            return None
        sha256 = request.POST.get("sha256", "")
        return cls(int(width), int(height), int(size), sha256 if SHA256.fullmatch(sha256) else "")


def _check_copy(
    request: PortalRequest, clinic_id: uuid.UUID, file: UploadedFile[Any], claim: _Claim
) -> dict[str, object]:
    limits = UploadLimits.from_settings()
    check_claim(width=claim.width, height=claim.height, byte_size=claim.byte_size, limits=limits)
    data = read_upload(file, limits)
    try:
        pixels = decode_copy(data, max_pixels=COPY_SIDE**2)
    except RejectedImageError:
        return PictureCheck("", [BROKEN]).to_json()
    same = find_same_file(clinic_id=clinic_id, sha256=claim.sha256) if claim.sha256 else None
    hints = _describe_duplicate(request, clinic_id, same)
    return check_pixels(pixels, original_size=(claim.width, claim.height), hints=hints).to_json()


def _check_whole(request: PortalRequest, clinic_id: uuid.UUID, file: UploadedFile[Any]) -> dict[str, object]:
    limits = UploadLimits.from_settings()
    intake = inspect_image(read_upload(file, limits), file.name or "", limits)
    digest = intake.pixel_sha256
    same = find_same_pictures(clinic_id=clinic_id, pixel_sha256=[digest]).get(digest)
    hints = [notice.message for notice in intake.warnings] + _describe_duplicate(request, clinic_id, same)
    found = check_pixels(intake.pixels, hints=hints)
    answer = found.to_json()
    if intake.offer:
        answer |= {"lines": [*found.lines, intake.offer], "other_lines": [*found.other_lines, intake.offer]}
    answer["size"] = f"{intake.width}×{intake.height} pixels"
    if intake.format in NOT_DRAWN_BY_BROWSERS:
        answer["thumbnail"] = base64.b64encode(build_thumbnail(intake.pixels)).decode()
    return answer


@transaction.atomic
def _describe_duplicate(
    request: PortalRequest, clinic_id: uuid.UUID, earlier: SubmissionImage | None
) -> list[str]:
    if earlier is None:
        return []
    record_viewed(actor=request.user, obj=earlier, clinic_id=clinic_id)
    return [describe_duplicate(earlier)]
