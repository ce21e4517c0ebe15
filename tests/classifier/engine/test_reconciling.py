"""Leases that ran out, dead neighbours, and who tells them apart."""

import datetime as dt
import os
import subprocess
import sys

import pytest
from django.utils import timezone

from classifier.claims import identity
from classifier.claims.identity import host_id, is_dead_neighbour, read_start, worker_id
from classifier.engine.queue import prediction_claims
from classifier.models import Prediction
from portal.trust.audit.models import AuditEvent
from tests.factories import PredictionFactory

AGO = timezone.now() - dt.timedelta(seconds=1)


@pytest.fixture
def dead_worker():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        name = f"{host_id()}/{process.pid}.{read_start(process.pid)}"
        assert not is_dead_neighbour(name)
    return name


@pytest.mark.django_db
class TestReconcile:
    def test_nothing_to_do(self, wake_ups):
        PredictionFactory(state="succeeded")
        assert prediction_claims.reconcile() == (0, 0)
        assert wake_ups == []

    def test_expired_lease_returns_to_the_queue(self, wake_ups):
        row = PredictionFactory(state="running", lease_until=AGO)
        held = PredictionFactory(state="running")
        assert prediction_claims.reconcile() == (1, 0)
        row.refresh_from_db()
        held.refresh_from_db()
        assert (row.state, row.attempt, row.claim, row.lease_until) == ("queued", 1, None, None)
        assert held.state == "running"
        assert len(wake_ups) == 1

    def test_third_expired_lease_fails(self):
        row = PredictionFactory(state="running", attempt=3, lease_until=AGO)
        assert prediction_claims.reconcile() == (0, 1)
        row.refresh_from_db()
        assert (row.state, row.error_code) == ("failed", "attempts_exhausted")
        assert AuditEvent.objects.get().action == "prediction.failed"
        assert prediction_claims.reconcile() == (0, 0)

    def test_lost_wake_up_is_sent_again(self, wake_ups):
        PredictionFactory()
        prediction_claims.reconcile()
        assert len(wake_ups) == 1

    def test_dead_neighbours_claims_come_back_at_once(self, dead_worker):
        PredictionFactory(state="running", worker=dead_worker)
        PredictionFactory(state="running", worker=worker_id())
        PredictionFactory(state="running", worker="another-host/0/1/1.1")
        assert prediction_claims.give_back_dead() == (1, 0)
        assert Prediction.objects.get(state="queued").attempt == 1

    def test_queries_do_not_grow(self, django_assert_max_num_queries):
        PredictionFactory.create_batch(12, state="running", lease_until=AGO)
        with django_assert_max_num_queries(14):
            assert prediction_claims.reconcile() == (12, 0)


class TestIdentity:
    def test_own_process_lives(self):
        assert worker_id() == f"{host_id()}/{os.getpid()}.{read_start(os.getpid())}"
        assert not is_dead_neighbour(worker_id())

    def test_dead_process_of_this_machine(self, dead_worker):
        assert is_dead_neighbour(dead_worker)

    def test_number_given_to_a_later_process(self):
        """After a restart of a container the new child often has the old one's number."""
        assert is_dead_neighbour(f"{host_id()}/{os.getpid()}.1")

    def test_unreaped_process_is_dead(self):
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        name = f"{host_id()}/{process.pid}.{read_start(process.pid)}"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead_neighbour(name)
        process.communicate()

    @pytest.mark.parametrize(
        "name", ["", "elsewhere/0/1/1.1", "no numbers", f"{host_id()}/", f"{host_id()}/12"]
    )
    def test_strangers_are_not_judged(self, name):
        assert not is_dead_neighbour(name)

    def test_name_fits_its_column(self, monkeypatch):
        monkeypatch.setattr(identity.socket, "gethostname", lambda: "h" * 255)
        host_id.cache_clear()
        try:
            assert len(worker_id()) <= Prediction._meta.get_field("worker").max_length
        finally:
            monkeypatch.undo()
            host_id.cache_clear()
