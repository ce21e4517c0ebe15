"""A submission is stored whole, once, or not at all."""

import errno
import uuid
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError

from classifier.models import ModelVersion, Prediction, Submission, SubmissionImage
from classifier.services import submissions as service
from classifier.services.errors import ConflictError, InvalidInputError, UnavailableError
from classifier.services.submissions import (
    Question,
    cancel_submission,
    create_submission,
    retry_submission,
)
from portal.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    new_image,
    two_clinics,
)
from tests.support.threads import run_in_threads


@pytest.fixture
def lesion(staff, model):
    return LesionFactory(clinic=staff.clinic)


def submit(staff, lesion, *, images=1, **question):
    return create_submission(
        actor=staff.clinician,
        lesion=lesion,
        images=[new_image(seed) for seed in range(images)],
        question=Question(**question),
    )


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.django_db
class TestCreate:
    def test_everything_is_committed_together(
        self, staff, lesion, stores, wake_ups, django_capture_on_commit_callbacks
    ):
        ModelVersionFactory(shadow=True)
        with django_capture_on_commit_callbacks(execute=True):
            case = submit(staff, lesion, images=3, priority="urgent")
            assert wake_ups == []
        assert wake_ups == ["classifier.tasks.run_predictions_task"]
        assert [image.position for image in case.images.all()] == [1, 2, 3]
        rows = Prediction.objects.filter(image__submission=case)
        assert sorted(rows.values_list("is_shadow", "queue_rank")) == [(False, 0)] * 3 + [(True, 0)] * 3
        assert len(files_in(stores)) == 9
        event = AuditEvent.objects.get(action="submission.created")
        assert (event.object_id, event.details["images"]) == (str(case.pk), 3)

    def test_same_key_is_the_same_submission(self, staff, lesion, stores):
        key = uuid.uuid4()
        first, again = (submit(staff, lesion, request_key=key) for _ in range(2))
        assert first == again
        assert Submission.objects.count() == AuditEvent.objects.count() == 1
        assert len(files_in(stores)) == 3

    def test_query_count_does_not_grow(self, staff, lesion, django_assert_max_num_queries):
        submit(staff, lesion)  # makes the clinic's audit chain
        for images in (1, 6):
            with django_assert_max_num_queries(31):
                submit(staff, lesion, images=images)

    @pytest.mark.parametrize("count", [0, 11])
    def test_number_of_images(self, staff, lesion, count):
        with pytest.raises(InvalidInputError) as caught:
            create_submission(
                actor=staff.clinician, lesion=lesion, images=[new_image()] * count, question=Question()
            )
        assert caught.value.code in {"no_images", "too_many_images"}

    def test_without_consent(self, staff, lesion):
        lesion.patient.consents_to_inference = False
        with pytest.raises(InvalidInputError, match="agreed"):
            submit(staff, lesion)

    def test_without_active_model(self, staff, lesion):
        ModelVersion.objects.all().delete()
        with pytest.raises(UnavailableError) as caught:
            submit(staff, lesion)
        assert caught.value.code == "no_active_model"
        assert not Submission.objects.exists()

    def test_who_may(self, model):
        both = two_clinics()
        lesion = LesionFactory(clinic=both.own.clinic)
        strangers = (both.own.administrator, both.other.clinician, both.outsider, both.operator)
        for person in strangers:
            with pytest.raises(PermissionDenied):
                create_submission(actor=person, lesion=lesion, images=[new_image()], question=Question())
        assert not Submission.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTrouble:
    def test_same_key_in_parallel(self, staff, lesion, stores):
        key = uuid.uuid4()
        found = run_in_threads(6, lambda _: submit(staff, lesion, request_key=key).pk)
        assert set(found) == {Submission.objects.get().pk}
        assert Prediction.objects.count() == SubmissionImage.objects.count() == 1
        assert len(files_in(stores)) == 3

    @pytest.mark.parametrize("broken", ["queue_predictions", "record_event", "wake_workers"])
    def test_files_go_with_the_rollback(self, staff, lesion, stores, monkeypatch, broken):
        def fail(**_):
            raise RuntimeError("a bug")

        monkeypatch.setattr(service, broken, fail)
        with pytest.raises(RuntimeError, match="a bug"):
            submit(staff, lesion, images=2)
        assert files_in(stores) == []
        assert not Submission.objects.exists()

    @pytest.mark.parametrize("number", [1, 2, 3, 5])
    def test_disk_that_fills(self, staff, lesion, stores, monkeypatch, number):
        """The disk is full at the `number`-th file, half of which is written."""
        save, written = FileSystemStorage._save, []

        def fill(self, name, content):
            written.append(name)
            if len(written) == number:
                path = Path(self.path(name))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"half")
                raise OSError(errno.ENOSPC, "No space left on device")
            return save(self, name, content)

        monkeypatch.setattr(FileSystemStorage, "_save", fill)
        with pytest.raises(UnavailableError) as caught:
            submit(staff, lesion, images=2)
        assert caught.value.code == "storage_unavailable"
        assert files_in(stores) == []
        assert not Submission.objects.exists()

    def test_database_disk_that_fills(self, staff, lesion, stores, monkeypatch):
        def fill(**_):
            raise OperationalError("database or disk is full")

        monkeypatch.setattr(service, "record_event", fill)
        with pytest.raises(UnavailableError):
            submit(staff, lesion)
        assert files_in(stores) == []

    def test_commit_whose_answer_was_lost(self, staff, lesion, stores, monkeypatch):
        """The rows are there although the call failed: then the files stay."""
        save = service._save

        def lose_answer(*args, **kwargs):
            save(*args, **kwargs)
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(service, "_save", lose_answer)
        with pytest.raises(OperationalError):
            submit(staff, lesion)
        assert Submission.objects.count() == 1
        assert len(files_in(stores)) == 3

    @pytest.mark.parametrize("error", [ConnectionError("refused"), RuntimeError("a bug in the client")])
    def test_broker_down(self, staff, lesion, stores, monkeypatch, error):
        def refuse(*_, **__):
            raise error

        monkeypatch.setattr("portal.celery.app.send_task", refuse)
        case = submit(staff, lesion)
        assert Prediction.objects.get(image__submission=case).state == "queued"
        assert len(files_in(stores)) == 3


@pytest.mark.django_db
class TestCancel:
    def test_unfinished_stop_and_results_stay(self, staff):
        case = SubmissionFactory(clinic=staff.clinic)
        rows = {
            state: PredictionFactory(submission=case, state=state)
            for state in ("queued", "running", "succeeded", "failed")
        }
        cancel_submission(actor=staff.clinician, submission=case, reason="Wrong patient.")
        states = {before: Prediction.objects.get(pk=row.pk).state for before, row in rows.items()}
        assert states == {
            "queued": "cancelled",
            "running": "cancelled",
            "succeeded": "succeeded",
            "failed": "failed",
        }
        assert AuditEvent.objects.get(action="submission.cancelled").details["predictions_stopped"] == 2
        with pytest.raises(ConflictError):
            cancel_submission(actor=staff.clinician, submission=case)

    def test_reviewed_case(self, staff):
        case = SubmissionFactory(clinic=staff.clinic)
        ReviewFactory(submission=case)
        with pytest.raises(ConflictError) as caught:
            cancel_submission(actor=staff.clinician, submission=case, reason="Wrong patient.")
        assert caught.value.code == "already_reviewed"


@pytest.mark.django_db
class TestRetry:
    @pytest.fixture
    def failed(self, staff, model):
        case = SubmissionFactory(clinic=staff.clinic)
        return PredictionFactory(submission=case, state="failed")

    def test_failed_image_is_queued_anew(self, staff, failed):
        case = failed.image.submission
        PredictionFactory(submission=case, state="succeeded")
        assert retry_submission(actor=staff.clinician, submission=case) == 1
        assert sorted(failed.image.predictions.values_list("state", flat=True)) == ["failed", "queued"]
        with pytest.raises(ConflictError) as caught:
            retry_submission(actor=staff.clinician, submission=case)
        assert caught.value.code == "nothing_to_retry"

    def test_reviewed_case(self, staff, failed):
        ReviewFactory(submission=failed.image.submission)
        with pytest.raises(ConflictError) as caught:
            retry_submission(actor=staff.clinician, submission=failed.image.submission)
        assert caught.value.code == "already_reviewed"

    def test_shadow_that_answered_is_not_asked_again(self, staff, failed):
        trial = ModelVersionFactory(shadow=True)
        PredictionFactory(image=failed.image, model_version=trial, is_shadow=True, state="succeeded")
        assert retry_submission(actor=staff.clinician, submission=failed.image.submission) == 1
        assert failed.image.predictions.filter(model_version=trial).count() == 1

    def test_shadow_that_became_active(self, staff, model):
        image = SubmissionImageFactory(submission=SubmissionFactory(clinic=staff.clinic))
        PredictionFactory(image=image, model_version=ModelVersionFactory(), state="failed")
        PredictionFactory(image=image, model_version=model, is_shadow=True, state="succeeded")
        assert retry_submission(actor=staff.clinician, submission=image.submission) == 1
        served = image.predictions.get(model_version=model, is_shadow=False)
        assert served.state == "queued"
