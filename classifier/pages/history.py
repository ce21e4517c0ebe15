"""The history of a clinic: find, filter, sort, page through it, take it out."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from classifier.cases.access import record_listed
from classifier.cases.follow_up import unfollowed
from classifier.cases.rows import build_rows, load_cases
from classifier.cases.search import SEARCH_HINT, search_cases
from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import ModelAnswer
from classifier.exports.cases import export_submissions
from classifier.labels.text import name_site
from classifier.models import Lesion, Patient, Submission
from classifier.models.submission import awaited_by
from classifier.pages.access import get_visible, page, rights_in
from classifier.pages.files import csv_download
from classifier.pages.forms.filters import (
    ORDER_CHOICES,
    OUTCOME_CHOICES,
    REVIEWED_CHOICES,
    SORT_CHOICES,
    UNREAD_CHOICES,
    HistoryForm,
    SearchForm,
    narrow_orders,
    narrow_unread,
)
from classifier.standing.hiding import is_blinded
from portal.trust.accounts.models import Membership
from portal.trust.accounts.roles import ROLES_ALLOWED, Action
from portal.trust.accounts.second_factor.step_up import step_up
from portal.trust.encryption.keys import DecryptionError
from portal.trust.encryption.texts import decrypt_text, encrypt_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.http import HttpResponse

    from classifier.models.submission import SubmissionQuerySet
    from portal.trust.accounts.models import Clinic, User
    from portal.trust.accounts.requests import PortalRequest


# --- Scope --------------------------------------------------------------------------------------
# The history of the clinic, one's own, a patient's, a lesion's or a clinician's.


@dataclass(frozen=True)
class Scope:
    """Rows before any filter. The role is that in the clinic whose rows they are."""

    name: str
    heading: str
    rows: SubmissionQuerySet
    clinic: Clinic
    role: str
    breadcrumb: tuple[tuple[str, str], ...] = ()

    @property
    def hides_unread(self) -> bool:
        return is_blinded(self.clinic, self.role)


NAMED: dict[str, tuple[str, Callable[[Any, Clinic], Q]]] = {
    "mine": ("Your submissions", lambda user, _: Q(submitted_by=user) | Q(responsible=user)),
    "followed": ("Submissions that you follow up", lambda user, _: awaited_by(user)),
    "unfollowed": ("Submissions that nobody follows up", lambda _, clinic: unfollowed(clinic.pk)),
}


def read_scope(request: PortalRequest) -> Scope:
    """The scope that the address names; 404 for what this person can't see."""
    if "patient" in request.GET:
        return _patient_scope(request)
    if "lesion" in request.GET:
        return _lesion_scope(request)
    clinic = request.clinic
    role: str = request.membership.role
    rows = Submission.objects.visible_to(request.user).filter(clinic=clinic)
    if "by" in request.GET:
        person = _find_colleague(clinic, _read_key(request, "by"))
        heading = f"Submitted by {person.get_full_name()}"
        return Scope("by", heading, rows.filter(submitted_by=person), clinic, role)
    name = request.GET.get("scope", "")
    if name in NAMED:
        heading, narrow = NAMED[name]
        return Scope(name, heading, rows.filter(narrow(request.user, clinic)), clinic, role)
    return Scope("clinic", "Submissions", rows, clinic, role)


def _patient_scope(request: PortalRequest) -> Scope:
    patient = get_visible(
        Patient.objects.select_related("clinic"),
        request,
        _read_key(request, "patient"),
    )
    return Scope(
        "patient",
        f"Submissions of {patient.mrn}",
        Submission.objects.visible_to(request.user).filter(lesion__patient=patient),
        patient.clinic,
        rights_in(request, patient.clinic_id).role,
        (("Patients", reverse("patient-list")), (patient.mrn, reverse("patient-detail", args=[patient.pk]))),
    )


def _lesion_scope(request: PortalRequest) -> Scope:
    lesion = get_visible(
        Lesion.objects.select_related("patient__clinic"),
        request,
        _read_key(request, "lesion"),
    )
    patient = lesion.patient
    return Scope(
        "lesion",
        f"{name_site(lesion)} over time",
        Submission.objects.visible_to(request.user).filter(lesion=lesion),
        patient.clinic,
        rights_in(request, patient.clinic_id).role,
        (
            (patient.mrn, reverse("patient-detail", args=[patient.pk])),
            (name_site(lesion), reverse("lesion-detail", args=[lesion.pk])),
        ),
    )


def _find_colleague(clinic: Clinic, key: uuid.UUID) -> User:
    membership = Membership.objects.filter(clinic=clinic, user=key).select_related("user").first()
    if membership is None:
        raise Http404
    return membership.user


def _read_key(request: PortalRequest, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(request.GET[name])
    except ValueError:
        raise Http404 from None


# --- Filters as links ---------------------------------------------------------------------------
# Each chip is this address with one parameter changed.


def build_address(request: PortalRequest, **changes: str) -> str:
    """The address of this list with some parameters changed; an empty one is left out, and so is the page."""
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


def build_group(
    request: PortalRequest,
    name: str,
    label: str,
    choices: Iterable[tuple[str, str]],
    *,
    current: str,
    outcomes: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """One group for components/filter_chips.html; pressing the active chip takes it off."""
    return {
        "label": label,
        "options": [
            {
                "label": words,
                "url": build_address(request, **{name: "" if value == current else value}),
                "active": value == current,
                "outcome": value if value in outcomes else "",
            }
            for value, words in choices
        ],
    }


# --- Words of a search --------------------------------------------------------------------------
# They are patient data, so that no address and no log may hold them. They travel in a POST and are kept in
# the session under a random key; the address of the list carries the key (`?search=…`). So a search holds
# for the list that it was made in, through its filters and pages, and a later visit from the menu, which
# has no key, shows everything.


PARAMETER = "search"
SESSION_KEY = "searches"
SEARCH_LABEL = "session.search"
MOST_KEPT = 10
"""A session remembers as many searches as one goes back to; the oldest gives way."""


@dataclass(frozen=True)
class KeptSearch:
    """What the address of a list asks for. `is_over`: its words are no longer kept."""

    words: str = ""
    is_over: bool = False


def keep_search(request: PortalRequest, words: str) -> str:
    """Keep `words` for the current clinic and return their key; an empty text keeps nothing."""
    if not words:
        return ""
    key = secrets.token_urlsafe(9)
    kept = {**_read_all(request), key: [_clinic_of(request), encrypt_text(words, label=SEARCH_LABEL)]}
    request.session[SESSION_KEY] = dict(list(kept.items())[-MOST_KEPT:])
    return key


def read_search(request: PortalRequest) -> KeptSearch:
    """The search that the address names, as far as it was made in this session and clinic."""
    key = request.GET.get(PARAMETER, "")
    if not key:
        return KeptSearch()
    clinic, sealed = _read_all(request).get(key, ("", ""))
    if clinic != _clinic_of(request):
        return KeptSearch(is_over=True)
    try:
        return KeptSearch(decrypt_text(sealed, label=SEARCH_LABEL))
    except DecryptionError:
        return KeptSearch(is_over=True)


def _read_all(request: PortalRequest) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = request.session.get(SESSION_KEY, {})
    return kept


def _clinic_of(request: PortalRequest) -> str:
    return str(request.clinic.pk)


PAGE_SIZE = 25
MOST_SELECTED = 500
SCOPE_NAMES = ("patient", "lesion", "by", "scope")
LISTS = {"clinic": "Clinic", "mine": "Mine", "followed": "I follow up", "unfollowed": "Nobody follows up"}
MORE_NAMES = ("reviewed", "priority", "site", "model", "since", "until")
STATES = [
    (SubmissionState.AWAITING_REVIEW.value, "To review"),
    (SubmissionState.IN_WORK.value, "In work"),
    (SubmissionState.NO_RESULT.value, "No result"),
    (SubmissionState.REVIEWED.value, "Reviewed"),
    (SubmissionState.CANCELLED.value, "Withdrawn"),
]


@page()
@require_safe
def submission_list(request: PortalRequest) -> HttpResponse:
    """Cases of the scope, filtered as the address says and searched as the session says."""
    scope, form, search = read_scope(request), HistoryForm(request.GET), read_search(request)
    word = search.words
    with transaction.atomic():
        page_obj = Paginator(load_cases(_narrow(scope, form, word)), PAGE_SIZE).get_page(
            request.GET.get("page")
        )
        cases = build_rows(page_obj, role=scope.role)
        is_narrowed = bool(form.narrowing or word)
        has_any = bool(cases) or (is_narrowed and scope.rows.exists())
        record_listed(
            actor=request.user,
            clinic_id=scope.clinic.pk,
            what="submission",
            details={
                "scope": scope.name,
                "filters": _name_filters(form, word),
                "page": page_obj.number,
                "count": len(cases),
            },
        )
    context = {
        "scope": scope,
        "may_export": scope.role in ROLES_ALLOWED[Action.EXPORT],
        "form": form,
        "word": word,
        "search_is_over": search.is_over,
        "search_hint": SEARCH_HINT,
        "clear_search": build_address(request, **{PARAMETER: ""}),
        "cases": cases,
        "page_obj": page_obj,
        "is_narrowed": is_narrowed,
        "has_any": has_any,
        "list_groups": [
            *_list_scopes(request, scope),
            build_group(request, "sort", "Sort", SORT_CHOICES, current=_sort_of(form)),
        ],
        "filter_groups": _list_filters(request, scope, form),
        "more": _list_more(request, form),
        "kept": [(name, request.GET[name]) for name in KEPT_BY_FORM if name in request.GET],
        "clear_address": _clear_address(request) if form.narrowing else "",
    }
    return render(request, "classifier/history/list.html", context)


KEPT_BY_FORM = (*SCOPE_NAMES, "outcome", "state", "unread", "order", "sort", PARAMETER)


@page()
@require_POST
def submission_search(request: PortalRequest) -> HttpResponse:
    """Keep the search word in the session: in an address or a log it would be patient data."""
    form = SearchForm(request.POST)
    word = form.cleaned_data["word"] if form.is_valid() else ""
    query = QueryDict(request.META.get("QUERY_STRING", ""), mutable=True)
    for name in ("page", PARAMETER):
        query.pop(name, None)
    if key := keep_search(request, word):
        query[PARAMETER] = key
    address = reverse("submission-list")
    return HttpResponseRedirect(f"{address}?{query.urlencode()}" if query else address)


@page(Action.EXPORT)
@require_POST
@step_up
def submission_export(request: PortalRequest) -> HttpResponse | StreamingHttpResponse:
    """The whole filtered list as CSV, or the selected rows of it.

    Nothing where the search of the list is no longer kept: without it this would be everybody.
    """
    scope, form, search = read_scope(request), HistoryForm(request.GET), read_search(request)
    if search.is_over:
        messages.error(request, "Nothing was exported: the search of that list has ended. Search again.")
        return redirect(f"{reverse('submission-list')}?{request.GET.urlencode()}")
    word = search.words
    rows, filters = _narrow(scope, form, word), _name_filters(form, word)
    if request.POST.get("what") == "selected":
        chosen = _read_selection(request)
        rows, filters = rows.filter(pk__in=chosen), [*filters, "selected"]
    export = export_submissions(
        actor=request.user,
        clinic=scope.clinic,
        rows=rows,
        role=scope.role,
        filters=filters,
    )
    return csv_download(export, "submissions")


def _narrow(scope: Scope, form: HistoryForm, word: str) -> SubmissionQuerySet:
    rows = search_cases(scope.rows, word, clinic=scope.clinic)
    return form.apply(rows, hides_unread=scope.hides_unread, clinic=scope.clinic)


def _name_filters(form: HistoryForm, word: str) -> list[str]:
    return [*form.narrowing, *(["search"] if word else [])]


def _sort_of(form: HistoryForm) -> str:
    return str(form.values.get("sort", "newest"))


def _list_scopes(request: PortalRequest, scope: Scope) -> list[dict[str, Any]]:
    if scope.name not in LISTS:
        return []
    # They differ in one parameter, so the filters stay while one looks at the other.
    return [
        {
            "label": "Show",
            "options": [
                {
                    "label": label,
                    "url": build_address(request, scope="" if name == "clinic" else name),
                    "active": scope.name == name,
                }
                for name, label in LISTS.items()
            ],
        }
    ]


def _list_filters(request: PortalRequest, scope: Scope, form: HistoryForm) -> list[dict[str, Any]]:
    values = form.values
    outcomes = frozenset(ModelAnswer.values)
    return [
        build_group(
            request,
            "outcome",
            "Outcome",
            OUTCOME_CHOICES,
            current=str(values.get("outcome", "")),
            outcomes=outcomes,
        ),
        build_group(request, "state", "State", STATES, current=str(values.get("state", ""))),
        _count_options(
            build_group(request, "unread", "News", UNREAD_CHOICES, current=str(values.get("unread", ""))),
            [narrow_unread(scope.rows, which, scope.clinic).count() for which, _ in UNREAD_CHOICES],
        ),
        _count_options(
            build_group(request, "order", "Orders", ORDER_CHOICES, current=str(values.get("order", ""))),
            [narrow_orders(scope.rows, which).count() for which, _ in ORDER_CHOICES],
        ),
    ]


def _count_options(group: dict[str, Any], counts: list[int]) -> dict[str, Any]:
    """The group with how many cases of the scope each of its options has."""
    for option, count in zip(group["options"], counts, strict=True):
        option["count"] = count
    return group


def _list_more(request: PortalRequest, form: HistoryForm) -> list[dict[str, str]]:
    """The filters of the folded form that are in force, each with the address without it."""
    chips = []
    for name in MORE_NAMES:
        value = form.values.get(name)
        if value:
            words = dict(REVIEWED_CHOICES).get(value) if name == "reviewed" else None
            choices = dict(getattr(form.fields[name], "choices", [])) if name in ("priority", "site") else {}
            text = words or choices.get(value) or str(value)
            label = "" if words else f"{form.fields[name].label or name.capitalize()}: "
            chips.append({"label": f"{label}{text}", "url": build_address(request, **{name: ""})})
    return chips


def _clear_address(request: PortalRequest) -> str:
    names = ("outcome", "state", "unread", "order", *MORE_NAMES)
    return build_address(request, **dict.fromkeys(names, ""))


def _read_selection(request: PortalRequest) -> list[str]:
    chosen = []
    for text in request.POST.getlist("selected")[:MOST_SELECTED]:
        try:
            chosen.append(str(uuid.UUID(text)))
        except ValueError:
            continue
    return chosen
