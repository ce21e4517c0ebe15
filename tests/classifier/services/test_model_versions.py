"""Networks are registered once; one is active; old answers keep what made them."""

import pytest

from classifier.domain.errors import ConflictError
from classifier.domain.vocabulary import ModelLifecycle
from classifier.engine.queue import queue_predictions
from classifier.engine.serving import ModelSpecification
from classifier.models import ModelVersion, Prediction
from classifier.registry.versions import (
    find_newer_default,
    register_model,
    register_shipped_models,
    set_lifecycle,
)
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ModelVersionFactory,
    PredictionFactory,
    SubmissionImageFactory,
    active_model,
    tiny_specification,
)
from tests.support.threads import run_in_threads


def specification(**changes) -> ModelSpecification:
    return ModelSpecification.from_dict({**tiny_specification(), **changes})


@pytest.mark.django_db
class TestRegister:
    def test_same_file_is_the_same_version(self):
        first, again = (register_model(specification=specification()) for _ in range(2))
        assert first == again
        assert first.lifecycle == ModelLifecycle.REGISTERED
        assert AuditEvent.objects.get().action == "model.registered"

    def test_another_file_needs_another_version(self):
        register_model(specification=specification())
        with pytest.raises(ConflictError) as caught:
            register_model(specification=specification(sha256="f" * 64))
        assert caught.value.code == "version_taken"

    @pytest.mark.parametrize(("default", "active"), [("b", "b"), ("absent", "a"), ("", "a")])
    def test_default_is_made_active(self, default, active, settings, tmp_path):
        settings.DERMAPORT_MODELS_DIR, settings.DERMAPORT_DEFAULT_MODEL = tmp_path, default
        for name in ("a", "b"):
            ModelSpecification.from_dict(tiny_specification(name)).save(tmp_path / f"{name}.json")
        register_shipped_models()
        assert ModelVersion.objects.active().get().name == active

    def test_upgrade_does_not_replace_the_active_version(self, settings, tmp_path):
        settings.DERMAPORT_MODELS_DIR, settings.DERMAPORT_DEFAULT_MODEL = tmp_path, "newer"
        running = active_model()
        ModelSpecification.from_dict(tiny_specification("newer")).save(tmp_path / "newer.json")
        register_shipped_models()
        assert ModelVersion.objects.active().get() == running
        assert find_newer_default() == ModelVersion.objects.get(name="newer", lifecycle="registered")

    @pytest.mark.parametrize("lifecycle", [ModelLifecycle.ACTIVE, ModelLifecycle.SHADOW])
    def test_network_that_an_upgrade_put_into_the_file_of_one_in_use_takes_its_place(
        self, lifecycle, settings, tmp_path
    ):
        settings.DERMAPORT_MODELS_DIR = tmp_path
        served, former = active_model(), register_model(specification=specification())
        set_lifecycle(version=former, lifecycle=lifecycle)
        specification(version="9.9.9", sha256="f" * 64).save(tmp_path / "tiny.json")
        for _ in range(2):
            register_shipped_models()
            former.refresh_from_db()
            successor = ModelVersion.objects.get(version="9.9.9")
            assert (former.lifecycle, successor.lifecycle) == ("retired", lifecycle)
        served.refresh_from_db()
        assert served.lifecycle == ("retired" if lifecycle == ModelLifecycle.ACTIVE else "active")

    def test_first_shipped_becomes_active_and_stays(self, settings, tmp_path):
        settings.DERMAPORT_MODELS_DIR = tmp_path
        for name in ("a", "b"):
            ModelSpecification.from_dict(tiny_specification(name)).save(tmp_path / f"{name}.json")
        for _ in range(2):
            register_shipped_models()
            assert ModelVersion.objects.active().get().name == "a"
        assert ModelVersion.objects.count() == 2


@pytest.mark.django_db
class TestLifecycle:
    def test_activating_retires_the_former(self):
        former, newer = active_model(), ModelVersionFactory()
        set_lifecycle(version=newer, lifecycle=ModelLifecycle.ACTIVE)
        former.refresh_from_db()
        newer.refresh_from_db()
        assert (former.lifecycle, newer.lifecycle) == ("retired", "active")
        assert newer.activated_at is not None
        actions = AuditEvent.objects.order_by("position").values_list("action", flat=True)
        assert list(actions) == ["model.retired", "model.active"]

    def test_no_way_back(self):
        with pytest.raises(ConflictError):
            set_lifecycle(version=active_model(), lifecycle=ModelLifecycle.REGISTERED)

    def test_same_again_is_nothing(self):
        set_lifecycle(version=active_model(), lifecycle=ModelLifecycle.ACTIVE)
        assert not AuditEvent.objects.exists()

    def test_old_answers_keep_model_and_policy(self):
        old = PredictionFactory(state="succeeded", outcome="benign")
        policy = dict(old.model_version.policy)
        newer = ModelVersionFactory()
        newer.specification["policy"]["refer_low"] = 0.01
        newer.save()
        set_lifecycle(version=newer, lifecycle=ModelLifecycle.ACTIVE)
        found = Prediction.objects.get(pk=old.pk)
        assert (found.model_version, found.threshold_policy) == (old.model_version, policy)
        (queued,) = queue_predictions(images=[SubmissionImageFactory()])
        assert (queued.model_version, queued.is_shadow) == (newer, False)


@pytest.mark.django_db(transaction=True)
def test_activations_at_once_follow_each_other():
    active_model()
    rivals = [ModelVersionFactory() for _ in range(6)]
    found = run_in_threads(
        6, lambda n: set_lifecycle(version=rivals[n], lifecycle=ModelLifecycle.ACTIVE).lifecycle
    )
    assert found == ["active"] * 6
    assert ModelVersion.objects.active().count() == 1


@pytest.mark.django_db(transaction=True)
def test_registrations_at_once_are_one():
    found = run_in_threads(6, lambda _: register_model(specification=specification()).pk)
    assert set(found) == {ModelVersion.objects.get().pk}
