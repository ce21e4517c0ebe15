"""The worker refuses a wrong configuration."""

import hashlib
import json

import pytest
from django.core.checks import run_checks

from classifier.engine.serving import ModelSpecification
from classifier.models import ModelVersion
from classifier.registry.versions import register_shipped_models
from portal.operations.health import configuration, probes
from portal.operations.health.configuration import EX_CONFIG, stop_on_errors
from tests.factories import tiny_specification


def ids(messages):
    return {message.id for message in messages}


def test_shipped_settings_are_right():
    assert ids(run_checks()) & {f"health.E{number:03}" for number in range(1, 9)} == set()


def test_visibility_timeout_must_outlive_the_hard_limit(settings):
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": settings.CELERY_TASK_TIME_LIMIT}

    assert ids(configuration.check_time_limits()) == {"health.E002"}


def test_soft_limit_comes_before_the_hard_one(settings):
    settings.CELERY_TASK_SOFT_TIME_LIMIT = settings.CELERY_TASK_TIME_LIMIT

    assert ids(configuration.check_time_limits()) == {"health.E001"}


def test_lease_must_outlive_the_hard_limit(settings):
    settings.DERMAPORT_LEASE_SECONDS = settings.CELERY_TASK_TIME_LIMIT

    assert ids(configuration.check_time_limits()) == {"health.E003"}


@pytest.mark.parametrize("source", ["'unsafe-inline'", "'unsafe-eval'", "*"])
def test_policy_that_allows_inline_code_is_refused(settings, source):
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"script-src": ["'self'", source]}}

    assert ids(configuration.check_content_security_policy()) == {"health.E004"}


def test_missing_policy_is_refused(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "CSP" not in name]

    assert ids(configuration.check_content_security_policy()) == {"health.E004"}


def test_sealed_originals_may_not_lie_under_a_served_folder(settings):
    settings.SEALED_ROOT = settings.STATIC_ROOT / "sealed"

    assert ids(configuration.check_sealed_storage()) == {"health.E005"}


def register(settings, folder, content=b"weights", **values):
    settings.DERMAPORT_MODELS_DIR = folder
    (folder / "net.h5").write_bytes(b"weights")
    return ModelVersion.objects.create(
        name="net",
        version="1",
        file="net.h5",
        sha256=hashlib.sha256(content).hexdigest(),
        specification={},
        **{"lifecycle": "active", **values},
    )


@pytest.mark.django_db
def test_model_file_that_is_as_registered_is_accepted(settings, tmp_path):
    register(settings, tmp_path)

    assert configuration.check_model_files(databases=["default"]) == []


@pytest.mark.django_db
def test_missing_model_file_is_refused(settings, tmp_path):
    register(settings, tmp_path)
    (tmp_path / "net.h5").unlink()

    assert ids(configuration.check_model_files(databases=["default"])) == {"health.E007"}


@pytest.mark.django_db
def test_changed_model_file_is_refused(settings, tmp_path, capsys):
    register(settings, tmp_path, content=b"other weights")

    with pytest.raises(SystemExit) as stopped:
        stop_on_errors()

    assert stopped.value.code == EX_CONFIG
    assert "net.h5: expected sha256" in capsys.readouterr().err


@pytest.mark.django_db
def test_model_file_that_an_upgrade_changed_is_a_warning_until_it_is_registered(settings, tmp_path):
    version = register(settings, tmp_path, content=b"the version before")
    shipped = tiny_specification("net") | {"file": version.file, "version": "2"}
    ModelSpecification.from_dict(shipped | {"sha256": hashlib.sha256(b"weights").hexdigest()}).save(
        tmp_path / "net.json"
    )
    (message,) = configuration.check_model_files(databases=["default"])
    assert message.id == "health.W011"
    assert "net 2: run manage.py register_models" in message.hint

    register_shipped_models()

    assert configuration.check_model_files(databases=["default"]) == []


class TestGates:
    @pytest.fixture
    def folder(self, monkeypatch, settings, tmp_path):
        """Gates whose files hold a few bytes."""
        from ml.gates import specification

        settings.DERMAPORT_GATES = True
        limits = dict.fromkeys(specification.LIMITS, 1.0)
        domain = {}
        files = {"network": "features.xml", "weights": "features.bin", "statistics": "statistics.npz"}
        for name, file in files.items():
            (tmp_path / file).write_bytes(name.encode())
            domain |= {name: file, f"{name}_sha256": hashlib.sha256(name.encode()).hexdigest()}
        facts = {
            "version": "gates-1",
            "licence": "CC0-1.0",
            "limits": limits,
            "margins": dict.fromkeys(specification.CHANGING, 0.1),
            "domain": domain,
            "fit": {},
        }
        (tmp_path / "gates.json").write_text(json.dumps(facts))
        monkeypatch.setattr(specification, "find_gates_folder", lambda: tmp_path)
        return tmp_path

    def test_files_that_are_as_specified(self, folder):
        assert configuration.check_gates() == []
        assert probes.probe_gates().ok

    @pytest.mark.parametrize("name", ["gates.json", "features.xml", "features.bin", "statistics.npz"])
    def test_missing_file_is_refused(self, folder, name):
        (folder / name).unlink()
        assert ids(configuration.check_gates()) == {"health.E009"}
        assert not probes.probe_gates().ok

    def test_changed_file_is_refused(self, folder):
        (folder / "features.bin").write_bytes(b"another")
        (message,) = configuration.check_gates()
        assert "features.bin: expected sha256" in message.msg

    def test_gates_that_are_off_are_a_warning(self, settings):
        settings.DERMAPORT_GATES = False
        assert ids(configuration.check_gates()) == {"health.W010"}
        assert "gates are off" in probes.probe_gates().sentence


@pytest.mark.django_db
def test_retired_model_needs_no_file(settings, tmp_path):
    register(settings, tmp_path, lifecycle="retired")
    (tmp_path / "net.h5").unlink()

    assert configuration.check_model_files(databases=["default"]) == []
