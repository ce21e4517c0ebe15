"""The history of a clinic: find, filter, sort, page through it, take it out."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from classifier.case_summary import summarise, summary_prefetches
from classifier.cases.search import SEARCH_HINT, search_cases
from classifier.forms.filters import (
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
from classifier.services.access import record_listed
from classifier.services.exports import export_submissions
from classifier.states import SubmissionState
from classifier.views.access import page
from classifier.views.downloads import csv_download
from classifier.views.filter_chips import build_address, build_group
from classifier.views.history_scope import Scope, read_scope
from classifier.views.kept_search import PARAMETER, keep_search, read_search
from classifier.vocabulary import Outcome
from portal.accounts.roles import ROLES_ALLOWED, Action
from portal.accounts.step_up import step_up

if TYPE_CHECKING:
    from django.http import HttpResponse

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.requests import PortalRequest

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
        page_obj = Paginator(_load(_narrow(scope, form, word)), PAGE_SIZE).get_page(request.GET.get("page"))
        cases = [(submission, summarise(submission, role=scope.role)) for submission in page_obj]
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


def _load(rows: SubmissionQuerySet) -> SubmissionQuerySet:
    return rows.select_related("clinic", "lesion__patient", "submitted_by").prefetch_related(
        *summary_prefetches()
    )


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
    outcomes = frozenset(Outcome.values)
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
