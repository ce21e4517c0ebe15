"""What is said to be encrypted holds no patient's word: looked for in every column and every file."""

from __future__ import annotations

import json

from django.test import Client
from django.urls import reverse

from classifier.file_removals import remove_files
from classifier.models import Patient, Submission
from tests.privacy.conftest import (
    FILE,
    HISTORY,
    MRN,
    Watch,
    find_canaries,
)
from tests.privacy.raw import find_in_database, find_in_files, reviewed
from tests.privacy.test_words import submit_by_api

__all__ = ["reviewed"]


def test_pages_leave_no_word_in_columns_and_files(reviewed, watch: Watch) -> None:
    assert find_in_database() == {}
    assert find_in_files(reviewed.images.get()) == []
    assert watch.leaks() == {}
    # And yet all of it is there.
    patient, image = reviewed.lesion.patient, reviewed.images.get()
    assert (patient.mrn, image.original_name, reviewed.clinical_history) == (MRN, FILE, HISTORY)


def test_searches_find_what_is_encrypted(reviewed, pages: Client) -> None:
    assert MRN in pages.get(reverse("patient-list")).content.decode()
    assert MRN in pages.get(reverse("submission-list")).content.decode()
    for words in (MRN, MRN[:-3].lower()):
        found = pages.post(reverse("patient-list"), {"words": words}, follow=True)
        assert f">{MRN}<" in found.content.decode()
    found = pages.post(reverse("patient-list"), {"words": f"{MRN}9"}, follow=True)
    assert f">{MRN}<" not in found.content.decode()


def test_api_leaves_none_either(api: Client, watch: Watch) -> None:
    assert submit_by_api(api, watch).status_code == 202
    assert find_in_database() == {}
    assert find_in_files(Submission.objects.get().images.get()) == []


def test_erased_patient_is_nowhere(reviewed, side, watch: Watch) -> None:
    patient, client = reviewed.lesion.patient, Client()
    client.force_login(side.own.administrator)
    sure = {"reason": "request", "public_id": patient.public_id}
    assert client.post(reverse("patient-erase", args=[patient.pk]), sure).status_code == 302
    remove_files()
    everything = json.dumps([list(Patient.objects.values()), list(Submission.objects.values())], default=str)
    assert find_canaries(everything) == []
    assert find_in_database() == {}
    assert watch.leaks() == {}
