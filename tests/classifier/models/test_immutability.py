"""Finished predictions, readings, signed reviews and audit events never change, however one tries."""

import pytest
from django.db import DatabaseError, connection, models, transaction

from classifier.domain.states import FINISHED, UNFINISHED
from classifier.models import Prediction, Reading, Review, SubmissionImage
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event
from portal.trust.common.bypass import bypass_immutability
from tests.factories import (
    PredictionFactory,
    ReadingFactory,
    ReviewFactory,
    SubmissionImageFactory,
    refused_image,
)

pytestmark = pytest.mark.django_db


def run_sql(text, *parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(text, parameters)


def key(row: models.Model):
    return connection.ops.adapt_unknown_value(row.pk) if connection.vendor == "postgresql" else row.pk.hex


@pytest.mark.parametrize("state", sorted(FINISHED))
class TestFinishedPrediction:
    def test_no_update_by_query(self, state):
        row = PredictionFactory(state=state)
        with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
            Prediction.objects.filter(pk=row.pk).update(device="another")

    def test_no_update_by_hand(self, state):
        row = PredictionFactory(state=state)
        with pytest.raises(DatabaseError, match="never change"):
            run_sql("UPDATE classifier_prediction SET state = 'queued' WHERE id = %s", key(row))


@pytest.mark.parametrize("state", sorted(UNFINISHED))
def test_unfinished_prediction_moves(state):
    row = PredictionFactory(state=state)
    assert Prediction.objects.filter(pk=row.pk).update(queue_rank=0) == 1


class TestGatedImage:
    def test_figures_never_change(self):
        image = refused_image()
        with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
            SubmissionImage.objects.filter(pk=image.pk).update(gate_refusals=[])
        with pytest.raises(DatabaseError, match="never change"):
            run_sql("UPDATE classifier_submissionimage SET gated_at = NULL WHERE id = %s", key(image))

    def test_image_is_gated_once(self):
        image = SubmissionImageFactory()
        rows = SubmissionImage.objects.filter(pk=image.pk)
        assert rows.update(gate_version="1", gated_at=image.created_at) == 1


class TestSignedReview:
    def test_model_refuses(self):
        review = ReviewFactory()
        review.comment = "changed"
        for act in (review.save, review.delete, Review.objects.all().delete):
            with pytest.raises(TypeError, match="amendment"):
                act()
        with pytest.raises(TypeError, match="amendment"):
            Review.objects.update(comment="changed")

    def test_database_refuses(self):
        review = ReviewFactory()
        with pytest.raises(DatabaseError, match="never change"):
            run_sql("UPDATE classifier_review SET comment = 'changed' WHERE id = %s", key(review))


class TestReading:
    def test_model_refuses(self):
        reading = ReadingFactory()
        reading.diagnosis = "melanoma"
        for act in (reading.save, reading.delete, Reading.objects.all().delete):
            with pytest.raises(TypeError, match="sign a review"):
                act()
        with pytest.raises(TypeError, match="sign a review"):
            Reading.objects.update(diagnosis="melanoma")

    def test_database_refuses_even_what_passes_for_reviews(self):
        reading = ReadingFactory()
        with bypass_immutability("test"), pytest.raises(DatabaseError, match="never change"):
            run_sql("UPDATE classifier_reading SET diagnosis = 'melanoma' WHERE id = %s", key(reading))


class TestAuditEvent:
    def test_model_refuses(self):
        event = record_event(clinic_id=None, action="test.done")
        for act in (event.save, event.delete, AuditEvent.objects.all().delete):
            with pytest.raises(TypeError, match="append-only"):
                act()
        with pytest.raises(TypeError, match="append-only"):
            AuditEvent.objects.update(action="test.undone")

    def test_database_refuses(self):
        event = record_event(clinic_id=None, action="test.done")
        with pytest.raises(DatabaseError, match="never change"):
            run_sql("UPDATE audit_auditevent SET action = 'test.undone' WHERE id = %s", key(event))


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's triggers do not refuse deletion")
@pytest.mark.parametrize(
    "table",
    [
        "classifier_prediction",
        "classifier_submissionimage",
        "classifier_reading",
        "classifier_review",
        "audit_auditevent",
    ],
)
def test_no_deletion_by_hand(table):
    PredictionFactory(state="succeeded")
    refused_image()
    ReadingFactory()
    ReviewFactory()
    record_event(clinic_id=None, action="test.done")
    with pytest.raises(DatabaseError, match="never change"):
        run_sql(f"DELETE FROM {table}")
