"""A case that was sent after its session had ended leaves no word in the clear, from log-out to sending."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import KeptForm
from tests.privacy.conftest import HISTORY, MRN, Watch
from tests.privacy.raw import find_in_database
from tests.privacy.test_words import new_case


def test_case_that_came_too_late(
    pages: Client, side: Any, watch: Watch, settings: Any, time_machine: Any
) -> None:
    settings.DERMAPORT_IDLE_MINUTES = 15
    pages.get(reverse("home"))
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=16))
    late = watch.note(pages.post(reverse("submission-new"), new_case(side)))
    assert late["Location"].endswith(reverse("kept-form"))
    assert KeptForm.objects.count() == 1
    assert find_in_database() == {}
    watch.note(pages.get(late["Location"]))
    pages.force_login(side.own.dermatologist)
    page = watch.note(pages.get(reverse("kept-form"))).content.decode()
    assert all(word in page for word in (MRN, HISTORY))
    assert find_in_database() == {}
    assert watch.leaks() == {}


@pytest.mark.parametrize("erased", ["sent", "forgotten"])
def test_nothing_of_it_stays(pages: Client, side: Any, settings: Any, time_machine: Any, erased: str) -> None:
    settings.DERMAPORT_IDLE_MINUTES = 15
    pages.get(reverse("home"))
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=16))
    pages.post(reverse("submission-new"), new_case(side))
    pages.force_login(side.own.dermatologist)
    key = KeptForm.objects.get().pk
    if erased == "sent":
        pages.post(f"{reverse('submission-new')}?kept_form={key}", new_case(side))
    else:
        pages.post(reverse("kept-form"), {"key": key})
    assert not KeptForm.objects.exists()
