"""`manage.py register_model`: real files of old Keras register and run; attacks leave only a trace."""

import json
from pathlib import Path

import h5py
import pytest
from django.core.management import CommandError, call_command

from classifier.engine.serving import ModelSpecification, load_predictor, predict
from classifier.management.commands.register_model import Command, read_declaration
from classifier.models import ModelVersion
from ml.serving.registration import draw_references
from portal.trust.audit.models import AuditEvent

OLD = Path(__file__).resolve().parents[2] / "ml" / "network_files" / "old_networks"
DECLARED = ["--scale", "unit", "--classes", "benign,malignant"]


@pytest.fixture(autouse=True)
def models_folder(settings, tmp_path, db):
    settings.DERMAPORT_MODELS_DIR = tmp_path / "models"
    settings.DERMAPORT_MODELS_DIR.mkdir()
    return settings.DERMAPORT_MODELS_DIR


def refuse(path, *options):
    with pytest.raises(CommandError) as caught:
        call_command("register_model", str(path), *DECLARED, *options)
    event = AuditEvent.objects.get()
    assert event.action == "model_version.refused"
    assert event.chain.key == "site"
    assert not ModelVersion.objects.exists()
    assert str(caught.value).startswith(event.details["code"])
    return event.details


def test_an_old_nested_file_is_converted_and_serves(models_folder, capsys):
    call_command("register_model", str(OLD / "k24-teachable.h5"), *DECLARED, "--name", "teachable")
    version = ModelVersion.objects.get()
    assert version.lifecycle == "registered"
    assert AuditEvent.objects.get().action == "model.registered"
    specification = ModelSpecification.load(models_folder / Path(version.file).with_suffix(".json"))
    assert specification.to_dict() == version.specification
    assert specification.policy["version"] == "uncalibrated-1"
    assert specification.training["source"]["keras_version"] == "2.4.0"
    assert specification.training["conversion"]["largest_difference"] < 1e-4
    assert load_predictor(version).specification == specification
    assert "Not calibrated" in capsys.readouterr().out


def test_a_wrong_expectation_of_the_reference_image_is_refused(tmp_path):
    from PIL import Image

    image = tmp_path / "reference.png"
    Image.new("RGB", (8, 8), (200, 150, 130)).save(image)
    path = OLD / "k24-sequential.h5"
    details = refuse(path, "--reference", str(image), "--expected", "0.999")
    assert details["code"] == "reference_differs"


def test_a_refused_file_leaves_its_hash_and_not_its_name(tmp_path, models_folder):
    path = tmp_path / "Erika Mustermann.h5"
    path.write_bytes((OLD / "k24-sequential.h5").read_bytes())
    with h5py.File(path, "r+") as root:
        config = json.loads(root.attrs["model_config"])
        config["config"]["layers"].insert(1, {"class_name": "Lambda", "config": {}})
        root.attrs["model_config"] = json.dumps(config)
    details = refuse(path)
    assert details["code"] == "lambda_not_allowed"
    assert len(details["sha256"]) == 64
    assert "Mustermann" not in json.dumps(details)
    assert list(models_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "code"), [("http://example.org/n.h5", "remote_path"), ("none.h5", "file_missing")]
)
def test_a_path_to_no_file_is_refused(name, code):
    assert refuse(name) == {"code": code, "sha256": ""}


def test_a_file_of_several_classes_names_diagnoses(models_folder, capsys):
    words = ["--scale", "unit", "--input-size", "32x32", "--name", "seven"]
    classes = ["--classes", "akiec,bcc,BKL,df,Melanoma,nv,spot", "--malignant", "akiec,bcc,Melanoma"]
    call_command("register_model", str(OLD / "k24-seven.h5"), *words, *classes)
    version = ModelVersion.objects.get()
    said = capsys.readouterr().out
    assert "  Melanoma: Melanoma, malignant" in said
    assert "  spot: by this name, without a code, benign" in said
    (judged,) = predict(version, draw_references((32, 32))[:1]).judgements
    malignant = sum(one.probability for one in judged.diagnoses.diagnoses if one.is_malignant)
    assert malignant == pytest.approx(judged.calibrated_probability, abs=1e-6)
    assert {one.name for one in judged.diagnoses.diagnoses} == {*classes[1].split(",")}


def test_an_open_input_needs_a_size():
    assert refuse(OLD / "k24-seven.h5")["code"] == "input_size_missing"


def test_an_expectation_without_an_image_is_an_error():
    with pytest.raises(CommandError, match="Expected --reference"):
        call_command("register_model", "none.h5", *DECLARED, "--expected", "0.5")


@pytest.mark.parametrize(
    ("scale", "order", "expected"),
    [
        ("caffe", "", ("caffe", "bgr")),
        ("caffe", "rgb", ("caffe", "rgb")),
        ("torch", "", ("torch", "rgb")),
        ("tf", "", ("signed", "rgb")),
        ("unit", "bgr", ("unit", "bgr")),
    ],
)
def test_conventions_of_preprocess_input_are_declared(scale, order, expected):
    parser = Command().create_parser("manage.py", "register_model")
    words = ["network.h5", "--scale", scale, "--classes", "benign,malignant"]
    words += ["--colour-order", order] if order else []
    declared = read_declaration(vars(parser.parse_args(words)))
    assert (declared.scaling, declared.colour_order) == expected
