"""Files go after the commit, whatever crashes, and whoever is at them."""

import datetime as dt

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from classifier.domain.states import PredictionState
from classifier.engine.explain import ExplanationResult, claim_explanation, finish
from classifier.file_removals import overlay_name, remove_files
from classifier.models import (
    FileRemoval,
    Prediction,
)
from tests.classifier.privacy.conftest import stored
from tests.factories import (
    ExplanationFactory,
    PredictionFactory,
)

pytestmark = pytest.mark.django_db


class TestFiles:
    def test_erasure_taken_back_removes_nothing(self, case, erase):
        files = stored(case)
        with transaction.atomic():
            erase(case.lesion.patient)
            transaction.set_rollback(True)
        assert remove_files() == 0
        assert all(storage.exists(name) for storage, name in files)

    def test_crash_before_the_files_went_loses_no_deletion(self, case, erase):
        files = stored(case)
        erase(case.lesion.patient)
        # No wake-up came: the rows wait for the next beat.
        assert FileRemoval.objects.count() > 3
        remove_files()
        assert not any(storage.exists(name) for storage, name in files)

    def test_store_that_fails_is_asked_again_later(self, case, erase, monkeypatch, time_machine):
        erase(case.lesion.patient)
        storage = type(case.images.get().original.storage)
        with monkeypatch.context() as patch:
            patch.setattr(storage, "delete", lambda *_: (_ for _ in ()).throw(OSError("away")))
            assert remove_files() == 0
        assert set(FileRemoval.objects.filter(attempts=1).values_list("attempts", flat=True)) == {1}
        assert remove_files() == 0, "not at once again"
        time_machine.move_to(timezone.now() + dt.timedelta(hours=1))
        assert remove_files() > 3
        assert not FileRemoval.objects.exists()

    def test_worker_at_the_image_finishes_for_nothing(self, case, erase, side, time_machine):
        waiting = PredictionFactory(submission=case, state="running")
        other = PredictionFactory(submission=case, state="succeeded")
        ExplanationFactory(prediction=other)
        at_it = claim_explanation(worker="elsewhere/1/1")
        erase(case.lesion.patient)
        assert Prediction.objects.get(pk=waiting.pk).error_code == "patient_erased"
        # The worker writes its overlay and dies before it learns that it came too late.
        storage = at_it.overlay.storage
        name = storage.save(overlay_name(at_it, at_it.attempt), ContentFile(b"map"))
        remove_files()
        assert storage.exists(name), "its lease has not ended"
        time_machine.move_to(timezone.now() + dt.timedelta(minutes=10))
        remove_files()
        assert not storage.exists(name)
        assert (
            finish(at_it, ExplanationResult(PredictionState.SUCCEEDED, {"overlay": "x", "figures": {}})) == 0
        )
