"""An installation with cases is upgraded: nothing is lost, and what never changed still never does."""

from collections.abc import Callable, Iterator

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from classifier.models import Patient, Prediction, Review, Submission
from tests.factories import (
    LesionFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    refused_image,
)

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*names: str) -> None:
    MigrationExecutor(connection).migrate([("classifier", name) for name in names])


@pytest.fixture
def newest() -> Iterator[Callable[[], None]]:
    """Migrate to the newest; done after the test whatever happens."""
    found = [
        name for app, name in MigrationExecutor(connection).loader.graph.leaf_nodes() if app == "classifier"
    ]
    yield lambda: migrate(*found)
    migrate(*found)


def assert_finished_never_changes():
    with (
        pytest.raises(DatabaseError, match="never change"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE classifier_prediction SET device = 'another'")


def test_gates_come_to_a_database_with_results(newest):
    row = PredictionFactory(state="succeeded", outcome="malignant")
    migrate("0002_immutable_answers")
    assert_finished_never_changes()
    migrate("0003_gates")
    assert_finished_never_changes()
    newest()
    found = Prediction.objects.get()
    assert (found.pk, found.outcome, found.refusal_code) == (row.pk, "malignant", "")
    assert (found.image.gate_version, found.image.gate_refusals, found.image.gated_at) == ("", [], None)


COLUMNS = {
    "classifier_patient": ("mrn", "birth_date"),
    "classifier_submission": ("clinical_question", "clinical_history"),
    "classifier_review": ("comment", "amendment_reason"),
    "classifier_submissionimage": ("original_name",),
}


def read_raw():
    """Every text as it lies in the database, by column."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            for column in columns:
                cursor.execute(f"SELECT {column} FROM {table} ORDER BY {column}")
                found[f"{table}.{column}"] = [str(row[0]) for row in cursor.fetchall()]
    return found


def test_rows_are_encrypted_and_plain_again_on_the_way_back(newest):
    case = SubmissionFactory(
        clinical_history="Noticed in May.", lesion=LesionFactory(patient=PatientFactory(mrn="A 1"))
    )
    amended = ReviewFactory(amends=ReviewFactory(submission=case, comment="Regular."))
    refused_image(submission=case, original_name="spot.jpg")
    patient = case.lesion.patient
    migrate("0004_explanation")
    plain = read_raw()
    assert plain["classifier_patient.mrn"] == ["A 1"]
    assert plain["classifier_patient.birth_date"] == ["1970-05-17"]
    assert plain["classifier_submissionimage.original_name"] == ["spot.jpg"]
    assert plain["classifier_review.amendment_reason"] == ["", "Histology came back."]
    newest()
    for column, texts in read_raw().items():
        assert all(text == "" or text.startswith("dpe1:") for text in texts), column
    found = Patient.objects.get(clinic=patient.clinic, mrn="A 1")
    assert (found.pk, found.birth_date) == (patient.pk, patient.birth_date)
    assert [(row.purpose, row.is_given) for row in patient.consents.all()] == [("inference", True)]
    assert Submission.objects.get().clinical_history == "Noticed in May."
    assert Review.objects.get(pk=amended.pk).amendment_reason == "Histology came back."
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Review._base_manager.all().update(comment="changed")
