"""Statistics of the own clinic, for everybody in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from classifier.cases.statistics import FEWEST_FOR_A_SHARE, Week, measure_clinic
from classifier.pages.access import page
from classifier.pages.history import build_group
from classifier.standing.hiding import is_blinded

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest

PERIODS = [("30", "30 days"), ("90", "90 days"), ("365", "1 year")]
DEFAULT_DAYS = "90"
CHART_HEIGHT = 120.0


@page()
@require_safe
def dashboard(request: PortalRequest) -> HttpResponse:
    asked = request.GET.get("days", DEFAULT_DAYS)
    days = asked if asked in dict(PERIODS) else DEFAULT_DAYS
    clinic = request.clinic
    hides = is_blinded(clinic, request.membership.role)
    statistics = measure_clinic(clinic.pk, days=int(days), hides_unread=hides)
    context = {
        "statistics": statistics,
        "periods": [build_group(request, "days", "Period", PERIODS, current=days)],
        "period": dict(PERIODS)[days],
        "bars": draw_bars(statistics.weeks),
        "most": max((week.count for week in statistics.weeks), default=0),
        "fewest": FEWEST_FOR_A_SHARE,
    }
    return render(request, "classifier/dashboard/page.html", context)


def draw_bars(weeks: list[Week]) -> list[dict[str, object]]:
    """One bar a week, as percentages of the drawing's width and units of its height."""
    most = max((week.count for week in weeks), default=0) or 1
    step = 100 / len(weeks) if weeks else 100.0
    bars: list[dict[str, object]] = []
    for index, week in enumerate(weeks):
        height = CHART_HEIGHT * week.count / most
        bars.append(
            {
                "week": week,
                "x": f"{index * step + step * 0.12:.3f}%",
                "width": f"{step * 0.76:.3f}%",
                "y": f"{CHART_HEIGHT - height:.1f}",
                "height": f"{height:.1f}",
            }
        )
    return bars
