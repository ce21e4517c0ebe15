"""A folder goes through the same services as a page, and each file once."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from classifier.models import Patient, Prediction, Submission, SubmissionImage
from classifier.services.errors import InvalidInputError
from classifier.services.folders import list_folder
from classifier.states import PredictionState
from tests.factories import ModelVersionFactory, PatientFactory, draw_jpeg, staff_clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    for seed in range(4):
        (tmp_path / f"{seed}.jpg").write_bytes(draw_jpeg(seed))
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


@pytest.fixture
def staff():
    ModelVersionFactory(active=True)
    return staff_clinic()


def submit(folder, staff, *options):
    out = StringIO()
    name = staff.clinic.name
    call_command("submit_folder", str(folder), "--clinic", name, "--consent", "yes", *options, stdout=out)
    return out.getvalue()


def test_every_image_becomes_a_queued_case_of_its_own(folder, staff):
    assert "4 submitted, 0 submitted before, 0 refused" in submit(folder, staff)
    assert Submission.objects.filter(clinic=staff.clinic, source="folder").count() == 4
    assert Prediction.objects.filter(state=PredictionState.QUEUED).count() == 4
    assert Patient.objects.count() == 4


def test_a_second_run_submits_only_what_is_new(folder, staff):
    submit(folder, staff)
    (folder / "late.jpg").write_bytes(draw_jpeg(77))
    (folder / "copy-of-0.jpg").write_bytes(draw_jpeg(0))
    assert "1 submitted, 5 submitted before" in submit(folder, staff)
    assert SubmissionImage.objects.count() == 5


def test_stopped_in_the_middle_it_leaves_whole_cases_and_goes_on(folder, staff, monkeypatch):
    from classifier.services import folders

    real, calls = folders.create_submission, []

    def stop_at_third(**arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(**arguments)

    monkeypatch.setattr(folders, "create_submission", stop_at_third)
    with pytest.raises(CommandError, match="Run the same command again"):
        submit(folder, staff)
    assert (Submission.objects.count(), Patient.objects.count()) == (2, 2)
    monkeypatch.setattr(folders, "create_submission", real)
    assert "2 submitted, 2 submitted before" in submit(folder, staff)


def test_a_refused_file_is_named_and_the_others_go_through(folder, staff, capsys):
    (folder / "0.jpg").write_bytes(b"")
    with pytest.raises(CommandError, match="1 of 4 files were refused"):
        submit(folder, staff)
    assert "0.jpg" in "".join(capsys.readouterr())
    assert Submission.objects.count() == 3


def test_the_manifest_says_whose_lesion_it_is(folder, staff):
    manifest = folder / "manifest.csv"
    manifest.write_text(
        "file,mrn,birth_date,sex,body_site,laterality\n"
        "0.jpg,A-1,1960-02-03,female,upper_extremity_shoulder,left\n"
        "1.jpg,A-1,,,lower_extremity_thigh,right\n"
    )
    submit(folder, staff, "--manifest", str(manifest))
    patient = Patient.objects.get()
    assert (patient.mrn, patient.birth_date.isoformat(), patient.sex) == ("A-1", "1960-02-03", "female")
    assert {lesion.body_site for lesion in patient.lesions.all()} == {
        "upper_extremity_shoulder",
        "lower_extremity_thigh",
    }


def test_a_manifest_with_unknown_columns_is_refused_before_anything_is_sent(folder, staff):
    manifest = folder / "manifest.csv"
    manifest.write_text("picture\n0.jpg\n")
    with pytest.raises(InvalidInputError, match="needs the column file"):
        list_folder(folder, manifest)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--clinic", "Nowhere"], "No clinic is called Nowhere"),
        (["--submitter", "nobody@clinic.example"], "nobody@clinic.example is not a member"),
    ],
)
def test_a_wrong_clinic_or_person_gets_a_sentence(folder, staff, options, sentence):
    with pytest.raises(CommandError, match=sentence):
        submit(folder, staff, *options)


def test_an_administrator_may_not_submit(folder, staff):
    with pytest.raises(CommandError, match="may submit"):
        submit(folder, staff, "--submitter", staff.administrator.email)


def test_an_empty_folder_is_said_to_be_empty(tmp_path, staff):
    with pytest.raises(CommandError, match="holds no image"):
        submit(tmp_path, staff)


def test_without_a_word_on_consent_nothing_is_judged(folder, staff, capsys):
    with pytest.raises(CommandError, match="4 of 4 files were refused"):
        call_command("submit_folder", str(folder), "--clinic", staff.clinic.name, stdout=StringIO())
    assert "Nobody has recorded whether this patient agrees" in "".join(capsys.readouterr())
    assert not Patient.objects.exists()


def test_the_manifest_says_who_agrees_and_what_a_picture_is(folder, staff):
    manifest = folder / "manifest.csv"
    manifest.write_text(
        "file,mrn,consents_to_inference,capture_kind,dermoscopic_type\n"
        "0.jpg,A-1,yes,dermoscopic,contact_polarized\n1.jpg,B-2,,overview,\n"
    )
    call_command(
        "submit_folder",
        *(str(folder), "--clinic", staff.clinic.name, "--manifest", str(manifest)),
        stdout=StringIO(),
    )
    agrees = dict(Patient.objects.values_list("mrn", "consents_to_inference"))
    assert agrees == {"A-1": True, "B-2": None}
    kinds = SubmissionImage.objects.order_by("capture_kind").values_list("capture_kind", "dermoscopic_type")
    assert list(kinds) == [("dermoscopic", "contact_polarized"), ("overview", "")]
    assert Prediction.objects.count() == 1


def test_what_every_new_patient_said_is_said_of_nobody_whom_the_clinic_knows(folder, staff, capsys):
    for mrn, agrees in (("A-1", None), ("B-2", True)):
        PatientFactory(clinic=staff.clinic, mrn=mrn, consents_to_inference=agrees)
    manifest = folder / "manifest.csv"
    manifest.write_text("file,mrn,consents_to_inference\n0.jpg,A-1,\n1.jpg,B-2,\n")
    options = (str(folder), "--clinic", staff.clinic.name, "--manifest", str(manifest), "--consent")
    for answer in ("no", "yes"):
        with pytest.raises(CommandError, match="1 of 2 files were refused"):
            call_command("submit_folder", *options, answer, stdout=StringIO())
    assert "Nobody has recorded whether this patient agrees" in "".join(capsys.readouterr())
    assert dict(Patient.objects.values_list("mrn", "consents_to_inference")) == {"A-1": None, "B-2": True}
