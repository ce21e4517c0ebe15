"""An installation with cases is upgraded: nothing is lost, and what never changed still never does."""

from collections.abc import Callable, Iterator

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from classifier.models import Prediction
from tests.factories import PredictionFactory

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
