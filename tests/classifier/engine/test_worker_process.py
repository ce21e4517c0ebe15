"""What a worker's child does before its first task, and which device it sees."""

import os

import pytest
import structlog

from classifier.claims.identity import host_id
from classifier.engine import serving, worker
from classifier.engine.devices import choose_device
from classifier.models import Prediction
from tests.factories import ModelVersionFactory, PredictionFactory, active_model


@pytest.fixture
def warmed(monkeypatch):
    """Versions that were loaded and compiled."""
    found = []
    monkeypatch.setattr(serving, "warm_up", found.append)
    monkeypatch.setattr(worker.connection, "close", lambda: None)
    return found


@pytest.mark.django_db
class TestPreparing:
    def test_active_network_is_loaded(self, warmed):
        ModelVersionFactory(shadow=True)
        worker.prepare_process()
        assert warmed == []
        active = active_model()
        worker.prepare_process()
        assert warmed == [active]

    def test_dead_predecessors_rows_come_back(self, warmed, wake_ups):
        row = PredictionFactory(state="running", worker=f"{host_id()}/{os.getpid()}.1")
        worker.prepare_process()
        assert Prediction.objects.get(pk=row.pk).state == "queued"
        assert len(wake_ups) == 1

    def test_lost_message_of_a_dead_predecessor(self, warmed, wake_ups):
        PredictionFactory()
        worker.prepare_process()
        assert len(wake_ups) == 1

    def test_broken_network_is_told_and_not_fatal(self, warmed, monkeypatch):
        def refuse(_):
            raise OSError("no such file")

        monkeypatch.setattr(serving, "warm_up", refuse)
        version = active_model()
        with structlog.testing.capture_logs() as logs:
            worker.prepare_process()
        assert [(entry["event"], entry["model_version"]) for entry in logs] == [
            ("model_not_loaded", str(version.pk))
        ]

    def test_gates_are_loaded_where_they_are_on(self, warmed, monkeypatch, settings):
        monkeypatch.setattr(serving, "warm_up_gates", lambda: warmed.append("gates"))
        worker.prepare_process()
        assert warmed == []
        settings.DERMAPORT_GATES = True
        worker.prepare_process()
        assert warmed == ["gates"]

    def test_broken_gates_are_told_and_not_fatal(self, warmed, monkeypatch, settings):
        def refuse():
            raise OSError("no such file")

        settings.DERMAPORT_GATES = True
        monkeypatch.setattr(serving, "warm_up_gates", refuse)
        with structlog.testing.capture_logs() as logs:
            worker.prepare_process()
        assert [entry["event"] for entry in logs] == ["gates_not_loaded"]


class TestDevice:
    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")

    def test_one_card_is_left_alone(self):
        choose_device(0)
        assert "CUDA_VISIBLE_DEVICES" not in os.environ

    def test_never_a_card(self, settings):
        settings.DERMAPORT_DEVICE = "cpu"
        choose_device(0)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"

    @pytest.mark.parametrize(
        ("allowed", "seen"), [(None, ["0", "1", "2", "0"]), ("5, 7", ["5", "7", "5", "7"])]
    )
    def test_one_process_a_card(self, settings, monkeypatch, allowed, seen):
        settings.DERMAPORT_GPUS = 3
        found = []
        for index in range(4):
            with monkeypatch.context() as patch:
                if allowed:
                    patch.setenv("CUDA_VISIBLE_DEVICES", allowed)
                else:
                    patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
                choose_device(index)
                found.append(os.environ["CUDA_VISIBLE_DEVICES"])
        assert found == seen
