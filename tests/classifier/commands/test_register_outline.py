"""`manage.py register_model --kind outline`: registered, put to use, refused; the shipped one by `register_models`."""

import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from classifier.domain.errors import ConflictError
from classifier.engine.outline import run_queued_outlines
from classifier.models import ModelVersion, OutlineNetwork
from classifier.registry.outlines import activate_outline_network, register_shipped_outline_networks
from portal.operations.health.configuration import check_outliner
from portal.trust.audit.models import AuditEvent
from tests.factories import OutlineFactory, SubmissionImageFactory
from tests.ml.conftest import WEIGHTS

FILE = WEIGHTS / "outlines" / "unet.h5"
DECLARED = ["--kind", "outline", "--scale", "raw"]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path, db) -> Path:
    settings.DERMAPORT_MODELS_DIR = tmp_path / "models"
    settings.DERMAPORT_MODELS_DIR.mkdir()
    return settings.DERMAPORT_MODELS_DIR / "outlines"


def ship(folder):
    shutil.copytree(WEIGHTS / "outlines", folder)


def test_a_file_is_scanned_copied_and_put_to_use(folder, capsys):
    call_command("register_model", str(FILE), *DECLARED, "--name", "ours", "--activate")
    network = OutlineNetwork.objects.get()
    assert (network.name, network.lifecycle) == ("ours", "active")
    assert (folder / network.file).read_bytes() == FILE.read_bytes()
    assert network.specification["metrics"] == {}
    assert "ours 1, outlines: active" in capsys.readouterr().out
    assert not ModelVersion.objects.exists()
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"outline_network.registered", "outline_network.active"} <= actions


def test_a_network_of_verdicts_is_refused_with_an_event(folder):
    with pytest.raises(CommandError, match=r"^output_not_outline: Expected one probability a pixel"):
        call_command("register_model", str(WEIGHTS / "paper-cnn-2.h5"), *DECLARED)
    event = AuditEvent.objects.get()
    assert (event.action, event.details["code"]) == ("outline_network.refused", "output_not_outline")
    assert not OutlineNetwork.objects.exists()


def test_an_outline_is_no_network_of_verdicts(folder):
    with pytest.raises(CommandError, match=r"^output_not_supported"):
        call_command("register_model", str(FILE), "--scale", "raw", "--classes", "benign,malignant")
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([*DECLARED, "--classes", "a,b"], "Expected only options of an outline, received --classes"),
        (["--kind", "outline", "--scale", "tf"], "received tf"),
        ([*DECLARED, "--input-size", "big"], "Expected HEIGHTxWIDTH"),
        (["--scale", "raw"], "Expected --classes for a network that gives a verdict"),
        (["--scale", "raw", "--classes", "a,b", "--activate"], "--activate only with --kind outline"),
    ],
)
def test_options_that_say_nothing_of_it_are_refused(options, words):
    with pytest.raises(CommandError, match=words):
        call_command("register_model", str(FILE), *options)


def test_the_shipped_one_is_registered_and_in_use_once(folder):
    ship(folder)
    assert [str(one) for one in register_shipped_outline_networks()] == ["unet-mobilenetv2-0.35 1.0.0"]
    register_shipped_outline_networks()
    network = OutlineNetwork.objects.get()
    assert network.lifecycle == "active"
    assert network.specification["metrics"]["repeatability"]["area"]["moves"] > 0
    # And it outlines, by the worker's own way from the sealed original.
    row = OutlineFactory(image=SubmissionImageFactory(with_files=True), network=network)
    assert run_queued_outlines(budget_seconds=60) == 1
    row.refresh_from_db()
    assert (row.state, row.error_code) == ("succeeded", "")
    assert 0 < row.measures["area"] < 1


def test_a_new_one_takes_the_place_of_the_old_and_a_changed_file_does_not(folder):
    ship(folder)
    former = register_shipped_outline_networks()[0]
    call_command("register_model", str(FILE), *DECLARED)  # the same bytes are the same network
    assert OutlineNetwork.objects.get() == former
    (folder / former.file).write_bytes(b"other")
    with pytest.raises(ConflictError) as caught:
        activate_outline_network(network=former)
    assert caught.value.code == "file_changed"
    (folder / former.file).unlink()
    with pytest.raises(ConflictError) as caught:
        activate_outline_network(network=former)
    assert caught.value.code == "file_missing"


def test_an_upgrade_that_brings_another_network_in_the_same_file_is_put_to_use(folder):
    ship(folder)
    former = register_shipped_outline_networks()[0]
    OutlineNetwork.objects.filter(pk=former.pk).update(sha256="0" * 64, version="0.9")
    assert [str(one.id) for one in check_outliner(OutlineNetwork.objects.get())] == ["health.W012"]
    newer = register_shipped_outline_networks()[0]
    former.refresh_from_db()
    assert (former.lifecycle, newer.lifecycle) == ("retired", "active")
    assert check_outliner(newer) == []
