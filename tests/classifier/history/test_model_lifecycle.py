"""Operators switch versions; what was asked before keeps the version it was asked of."""

import hashlib

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from classifier.domain.errors import ConflictError
from classifier.domain.vocabulary import ModelLifecycle
from classifier.engine.queue import queue_predictions
from classifier.models import Prediction
from classifier.registry.versions import change_lifecycle, find_newer_default
from portal.trust.audit.models import AuditEvent
from tests.factories import ModelVersionFactory, SubmissionImageFactory, UserFactory, active_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return UserFactory(is_staff=True)


@pytest.fixture
def make_version(settings, tmp_path):
    """A version whose file is in the models folder."""
    settings.DERMAPORT_MODELS_DIR = tmp_path

    def make(name: str, **values):
        data = name.encode()
        (tmp_path / f"{name}-1.h5").write_bytes(data)
        return ModelVersionFactory(name=name, sha256=hashlib.sha256(data).hexdigest(), **values)

    return make


def address(version):
    return reverse("model-lifecycle", args=[version.pk])


class TestPage:
    def test_operator_without_a_clinic_sees_the_models_and_their_buttons(self, client, operator):
        active, other = active_model(), ModelVersionFactory()
        client.force_login(operator)
        page = client.get(reverse("model-list")).text
        assert f"{address(other)}?to=active" in page
        assert f"{address(other)}?to=shadow" in page
        assert address(active) not in page

    def test_administrator_sees_no_button(self, client, clinics):
        other = ModelVersionFactory()
        client.force_login(clinics.own.administrator)
        page = client.get(reverse("model-list")).text
        assert str(other) in page
        assert address(other) not in page

    def test_figures_are_of_lesions_that_it_never_saw_where_they_are_known(self, client, operator):
        figures = {"images": 660, "auc": {"value": 0.91}}, {"images": 602, "auc": {"value": 0.87}}
        first = ModelVersionFactory()
        first.specification["metrics"] = {"test": figures[0], "test_clean": figures[1]}
        second = ModelVersionFactory()
        second.specification["metrics"] = {"test": figures[0]}
        for version in (first, second):
            version.save(update_fields=["specification"])
        client.force_login(operator)
        page = client.get(reverse("model-list")).text
        assert "On lesions it never saw (602 images)" in page
        assert "On images it never saw (660 images)" in page
        assert "0.870" in page

    def test_asks_before_it_does(self, client, operator, make_version):
        former, newer = active_model(), make_version("newer")
        queue_predictions(images=[SubmissionImageFactory()])
        client.force_login(operator)
        page = client.get(address(newer), {"to": "active"}).text
        assert f"{former} is retired." in page
        assert "1 image in the queue is still judged by the version it was queued for" in page
        newer.refresh_from_db()
        assert newer.lifecycle == "registered"

    @pytest.mark.parametrize(
        ("to", "lifecycle"), [("active", "active"), ("shadow", "shadow"), ("retired", "retired")]
    )
    def test_does_what_was_asked(self, to, lifecycle, client, operator, make_version):
        version = make_version("newer")
        client.force_login(operator)
        page = client.post(address(version), {"to": to}, follow=True).text
        assert str(version) in page
        version.refresh_from_db()
        assert version.lifecycle == lifecycle
        event = AuditEvent.objects.get(action=f"model.{lifecycle}")
        assert (event.actor, event.chain.key) == (operator, "site")

    def test_reason_is_said_when_it_can_not(self, client, operator, make_version, tmp_path):
        version = make_version("newer")
        (tmp_path / version.file).write_bytes(b"another file")
        client.force_login(operator)
        page = client.post(address(version), {"to": "active"}, follow=True).text
        assert "is not what was registered: expected sha256" in page

    @pytest.mark.parametrize("to", ["", "registered", "beta"])
    def test_other_moves_do_not_exist(self, to, client, operator):
        client.force_login(operator)
        assert client.post(address(ModelVersionFactory()), {"to": to}).status_code == 404

    def test_newer_shipped_version_is_announced(self, client, operator, settings):
        settings.DERMAPORT_DEFAULT_MODEL = "shipped"
        active_model()
        shipped = ModelVersionFactory(name="shipped")
        client.force_login(operator)
        for name in ("model-list", "status"):
            assert "newer shipped version is registered" in client.get(reverse(name)).text
        shipped.lifecycle = ModelLifecycle.SHADOW
        shipped.save()
        assert "newer shipped version" not in client.get(reverse("model-list")).text


class TestService:
    def test_only_operators(self, clinics, make_version):
        with pytest.raises(PermissionDenied):
            change_lifecycle(
                actor=clinics.own.administrator, version=make_version("a"), lifecycle=ModelLifecycle.ACTIVE
            )

    @pytest.mark.parametrize("lifecycle", [ModelLifecycle.RETIRED, ModelLifecycle.SHADOW])
    def test_active_version_needs_a_successor(self, lifecycle, operator):
        with pytest.raises(ConflictError) as caught:
            change_lifecycle(actor=operator, version=active_model(), lifecycle=lifecycle)
        assert caught.value.code == "needs_successor"

    def test_missing_file(self, operator, make_version, tmp_path):
        version = make_version("a")
        (tmp_path / version.file).unlink()
        with pytest.raises(ConflictError) as caught:
            change_lifecycle(actor=operator, version=version, lifecycle=ModelLifecycle.SHADOW)
        assert caught.value.code == "file_missing"

    def test_exchanged_file_is_refused_and_leaves_a_trace(self, operator, make_version, tmp_path):
        version = make_version("a")
        (tmp_path / version.file).write_bytes(b"something else")
        with pytest.raises(ConflictError) as caught:
            change_lifecycle(actor=operator, version=version, lifecycle=ModelLifecycle.ACTIVE)
        assert caught.value.code == "file_changed"
        event = AuditEvent.objects.get(action="model_version.refused")
        assert (event.actor, event.object_id) == (operator, str(version.pk))
        assert event.details == {"code": "file_changed", "sha256": version.sha256}

    def test_switching_changes_new_results_only(self, operator, make_version):
        former, newer = make_version("former", active=True), make_version("newer")
        waiting = SubmissionImageFactory()
        queue_predictions(images=[waiting])
        change_lifecycle(actor=operator, version=newer, lifecycle=ModelLifecycle.ACTIVE)
        fresh = SubmissionImageFactory()
        queue_predictions(images=[fresh])
        assert Prediction.objects.get(image=waiting).model_version == former
        assert Prediction.objects.get(image=fresh).model_version == newer

    def test_nothing_newer_where_none_is_active(self, settings):
        settings.DERMAPORT_DEFAULT_MODEL = "shipped"
        ModelVersionFactory(name="shipped")
        assert find_newer_default() is None
