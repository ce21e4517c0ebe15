"""The database and the stores as a thief would read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from classifier.models import Prediction, Submission
from tests.privacy.conftest import (
    HISTORY,
    MRN,
    NOTE,
    Watch,
    find_canaries,
)
from tests.privacy.test_words import new_case
from tests.support.reading import seen

DECISION = {"diagnosis": "naevus", "agreement": "agrees", "management": "no_action", "comment": HISTORY}


def read_database() -> dict[str, list[str]]:
    """Every text of every table as it lies in the database, by column."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for column in connection.introspection.get_table_description(cursor, table):
                quote = connection.ops.quote_name
                cursor.execute(f"SELECT {quote(column.name)} FROM {quote(table)}")
                found[f"{table}.{column.name}"] = [str(row[0]) for row in cursor.fetchall()]
    return found


def find_in_database() -> dict[str, list[str]]:
    texts = {column: find_canaries("\n".join(rows)) for column, rows in read_database().items()}
    return {column: hits for column, hits in texts.items() if hits}


def find_in_files(image: Any) -> list[str]:
    """Names of stored files that can be read as they lie."""
    files = [image.original, image.derivative, image.thumbnail]
    paths = [Path(file.storage.path(file.name)) for file in files]
    return [path.name for path in paths if not path.read_bytes().startswith(b"DPE1")]


@pytest.fixture
def reviewed(pages: Client, side: Any, watch: Watch) -> Submission:
    """A case sent, searched for, reviewed and amended on the pages, with words in every field."""
    sent = watch.note(pages.post(reverse("submission-new"), new_case(side)))
    assert sent.status_code == 302
    submission = Submission.objects.get()
    # The worker gave up: there is something to read.
    Prediction.objects.update(
        state="failed", error_code="x", error_message="Gone.", finished_at=submission.submitted_at
    )
    for name, key, data in (
        ("patient-list", None, {"words": MRN}),
        ("submission-search", None, {"word": MRN}),
        ("submission-review", submission.pk, DECISION | seen(submission)),
    ):
        answer = watch.note(pages.post(reverse(name, args=[key] if key else []), data))
        assert answer.status_code == 302, (name, answer.content.decode()[:500])
    review = submission.reviews.get()
    amendment = {**DECISION, **seen(submission), "amends": review.pk, "amendment_reason": NOTE}
    amended = pages.post(reverse("submission-amend", args=[submission.pk]), amendment)
    assert amended.status_code == 302
    return submission
