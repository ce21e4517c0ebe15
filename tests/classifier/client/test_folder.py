"""A folder goes through whole, once, whatever happens on the way."""

from __future__ import annotations

import json
import threading
import time

import httpx
import pytest

from classifier.client import ApiError, ConfigurationError, LostConnectionError
from classifier.client.batch import Journal, find_cases, read_mapping, submit_cases
from classifier.client.batch.mapping import PictureKind
from classifier.engine.run import run_queued
from classifier.models import IdempotentRequest, Patient, Submission, SubmissionImage
from tests.classifier.client.conftest import LOST, SITE, UNREACHABLE
from tests.factories import draw_jpeg

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("model", "stores", "network")]

AGREED = {"consents_to_inference": "yes"}


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "images"
    home.mkdir()
    for seed in range(4):
        (home / f"{seed}.jpg").write_bytes(draw_jpeg(seed))
    (home / "notes.txt").write_text("not an image")
    return home


@pytest.fixture
def run(portal, folder, tmp_path):
    """Submit the folder; returns how many of each verdict."""

    def submit(cases=None, *, clock=time.time, parallel=2, **settings):
        chosen = find_cases([folder], AGREED) if cases is None else cases
        with Journal(tmp_path / "journal.jsonl", SITE, clock=clock) as journal:
            sent = list(submit_cases(portal(**settings), chosen, journal, parallel=parallel))
        verdicts = [one.verdict for one in sent]
        return {verdict: verdicts.count(verdict) for verdict in verdicts}

    return submit


def lines(tmp_path):
    return [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]


def test_every_image_once_and_only_new_ones_later(run, folder):
    assert run() == {"submitted": 4}
    assert Patient.objects.count() == Submission.objects.count() == 4
    (folder / "late.jpg").write_bytes(draw_jpeg(77))
    (folder / "copy.jpg").write_bytes(draw_jpeg(0))
    assert run() == {"known": 5, "submitted": 1}
    assert Submission.objects.count() == 5


@pytest.mark.parametrize("faults", [[LOST] * 4, [UNREACHABLE, LOST, None, LOST, UNREACHABLE]])
def test_lost_connections_lose_and_double_nothing(run, bridge, faults):
    bridge.faults = list(faults)
    assert run() == {"submitted": 4}
    assert Submission.objects.count() == 4


def test_run_that_ends_in_doubt_goes_on_with_its_keys(run, bridge, tmp_path):
    bridge.faults = [None, LOST]
    with pytest.raises(LostConnectionError):
        run(parallel=1, patience=0)
    assert Submission.objects.count() >= 2
    assert run(patience=5) in ({"known": 1, "submitted": 3}, {"known": 2, "submitted": 2})
    assert Submission.objects.count() == SubmissionImage.objects.count() == 4


def test_doubt_that_is_older_than_its_key_is_looked_up(run, bridge, folder):
    """A day later the key is forgotten: what came through is found by the files' digests."""
    bridge.faults = [LOST]
    with pytest.raises(LostConnectionError):
        run(find_cases([folder / "0.jpg"], AGREED), parallel=1, patience=0)
    IdempotentRequest.objects.all().delete()
    assert run(find_cases([folder / "0.jpg"], AGREED), clock=lambda: time.time() + 24 * 3600) == {"known": 1}
    assert Submission.objects.count() == 1


def test_doubt_about_what_never_arrived_is_sent(run, bridge, folder):
    bridge.faults = [UNREACHABLE]
    with pytest.raises(LostConnectionError):
        run(find_cases([folder / "0.jpg"], AGREED), parallel=1, patience=0)
    assert run(find_cases([folder / "0.jpg"], AGREED), clock=lambda: time.time() + 24 * 3600) == {
        "submitted": 1
    }


def test_old_doubt_about_a_dicom_file_is_left_to_a_person(run, bridge, folder):
    """The portal keeps it without names, so its digest there tells nothing."""
    (folder / "0.dcm").write_bytes(bytes(128) + b"DICM" + bytes(64))
    cases = find_cases([folder / "0.dcm"], AGREED)
    bridge.faults = [UNREACHABLE]
    with pytest.raises(LostConnectionError):
        run(cases, parallel=1, patience=0)
    sent = len(bridge.posts)
    assert run(cases, clock=lambda: time.time() + 24 * 3600) == {"refused": 1}
    assert len(bridge.posts) == sent


def test_key_that_was_used_for_other_facts_is_looked_up(run, bridge, folder):
    bridge.faults = [LOST]
    with pytest.raises(LostConnectionError):
        run(find_cases([folder / "0.jpg"], AGREED), parallel=1, patience=0)
    changed = find_cases([folder / "0.jpg"], {**AGREED, "priority": "urgent"})
    assert run(changed) == {"known": 1}
    assert Submission.objects.count() == 1


def test_too_much_at_work_slows_down_and_nothing_else(run, settings, monkeypatch):
    settings.DERMAPORT_API_ACTIVE_PREDICTIONS = 1
    monkeypatch.setattr("classifier.drf.exceptions.TooMuch.wait", 1)
    done = threading.Event()

    def work():
        while not done.wait(0.05):
            run_queued(budget_seconds=1)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert run(patience=60) == {"submitted": 4}
    finally:
        done.set()
        worker.join()


def test_bad_file_is_refused_and_the_rest_goes_through(run, folder, tmp_path):
    (folder / "1.jpg").write_bytes(b"nothing")
    assert run() == {"submitted": 3, "refused": 1}
    assert [line["refused"] for line in lines(tmp_path) if "refused" in line] == ["invalid_input"]
    (folder / "1.jpg").write_bytes(draw_jpeg(50))
    assert run() == {"submitted": 1, "known": 3}


def test_token_without_a_right_ends_the_run_at_once(portal, folder, tmp_path, bridge, side):
    bridge.faults = [httpx.Response(401, json={"code": "authentication_failed"})] * 50
    client, cases = portal(), find_cases([folder], AGREED)
    with Journal(tmp_path / "journal.jsonl", SITE) as journal, pytest.raises(ApiError) as told:
        list(submit_cases(client, cases, journal))
    assert told.value.status == 401
    assert len(bridge.posts) <= 4


def test_mapping_says_whose_lesion_each_file_shows(run, folder, tmp_path):
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(
        "file,case,mrn,birth_date,sex,body_site,laterality,consents_to_inference\n"
        # Whichever is taken first: the patient is made with all that is said of her.
        "2.jpg,,A-1,,,lower_extremity_thigh,right,\n"
        "0.jpg,a,A-1,1960-02-03,female,upper_extremity_shoulder,left,yes\n"
        "1.jpg,a,A-1,1960-02-03,female,upper_extremity_shoulder,left,yes\n"
        "3.jpg,,B-2,,,lower_extremity_thigh,right,yes\n"
    )
    assert run(read_mapping(mapping, folder)) == {"submitted": 3}
    assert sorted(Patient.objects.values_list("sex", flat=True)) == ["female", "unknown"]
    assert sorted(case.images.count() for case in Submission.objects.all()) == [1, 1, 2]
    assert run(read_mapping(mapping, folder)) == {"known": 3}


def test_row_without_a_case_joins_none_of_that_name(folder, tmp_path):
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("file,case,consents_to_inference\n0.jpg,row 3,yes\n1.jpg,,yes\n2.jpg,row 3,yes\n")
    assert [len(case.files) for case in read_mapping(mapping, folder)] == [2, 1]


def test_same_picture_for_two_lesions_is_refused(run, folder, tmp_path):
    (folder / "1.jpg").write_bytes(draw_jpeg(0))
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("file,mrn,consents_to_inference\n0.jpg,A-1,yes\n1.jpg,B-2,yes\n")
    assert run(read_mapping(mapping, folder), parallel=1) == {"submitted": 1, "refused": 1}


def test_journal_holds_keys_digests_and_ids(run, folder, tmp_path):
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("file,mrn,clinical_question,consents_to_inference\n0.jpg,Zebedee-1,Zebedee asks,yes\n")
    (folder / "0.jpg").rename(folder / "Zebedee.jpg")
    mapping.write_text(mapping.read_text().replace("0.jpg", "Zebedee.jpg"))
    run(read_mapping(mapping, folder))
    head, begun, done = lines(tmp_path)
    assert head == {"journal": 1, "site": SITE}
    assert set(begun) == {"files", "key", "at"}
    assert done == {"key": begun["key"], "submission": str(Submission.objects.get().pk)}
    assert "Zebedee" not in (tmp_path / "journal.jsonl").read_text()
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o077 == 0


def test_journal_of_another_portal_is_refused(tmp_path):
    with Journal(tmp_path / "j", SITE):
        pass
    with (
        pytest.raises(ConfigurationError, match="another portal"),
        Journal(tmp_path / "j", "https://b.example"),
    ):
        pass


def test_journal_is_used_by_one_run_at_a_time(tmp_path):
    with (
        Journal(tmp_path / "j", SITE),
        pytest.raises(ConfigurationError, match="Another run"),
        Journal(tmp_path / "j", SITE),
    ):
        pass


def test_journal_that_was_cut_off_goes_on(tmp_path):
    with Journal(tmp_path / "j", SITE) as journal:
        entry = journal.begin(("a",))
        journal.finish(entry, "one")
    with (tmp_path / "j").open("ab") as file:
        file.write(b'{"files": ["b"], "ke')
    with Journal(tmp_path / "j", SITE) as journal:
        assert journal.submissions() == ["one"]
        assert journal.find(("b",)) is None
        journal.begin(("c",))
    with Journal(tmp_path / "j", SITE) as journal:
        assert journal.find(("c",)).submission == ""


@pytest.mark.parametrize(
    "text", ["hello", "hello\n", "[]\n", '{"a": 1}\n', '{"journal": 1, "site": "http://127.0.0.1"}\n{}\n']
)
def test_file_that_is_no_journal_is_left_alone(tmp_path, text):
    (tmp_path / "j").write_text(text)
    with pytest.raises(ConfigurationError), Journal(tmp_path / "j", SITE):
        pass
    assert (tmp_path / "j").read_text() == text


def test_each_picture_of_a_case_has_its_kind(run, folder, tmp_path):
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(
        "file,case,mrn,consents_to_inference,capture_kind,dermoscopic_type\n"
        "0.jpg,a,A-1,yes,overview,\n1.jpg,a,A-1,yes,clinical,\n"
        "2.jpg,a,A-1,yes,dermoscopic,contact_polarized\n"
    )
    assert run(read_mapping(mapping, folder)) == {"submitted": 1}
    rows = SubmissionImage.objects.order_by("position").values_list("capture_kind", "dermoscopic_type")
    assert list(rows) == [("overview", ""), ("clinical", ""), ("dermoscopic", "contact_polarized")]


def test_kinds_are_given_by_file_or_for_all(folder):
    kinds = {"0.jpg": PictureKind("overview"), "": PictureKind("dermoscopic", "contact_polarized")}
    (case,) = find_cases([folder], {}, together=True, kinds=kinds)
    assert [case.kinds[file].capture_kind for file in case.files] == ["overview", *["dermoscopic"] * 3]
    with pytest.raises(ConfigurationError, match="none of the files"):
        find_cases([folder], {}, kinds={"9.jpg": PictureKind("overview")})


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (
            {"0.jpg": PictureKind("overview"), "copy.jpg": PictureKind("clinical")},
            {"submitted": 1, "refused": 1},
        ),
        ({"0.jpg": PictureKind("overview")}, {"submitted": 1, "refused": 1}),
        ({"": PictureKind("overview")}, {"submitted": 1, "known": 1}),
        ({"0.jpg": PictureKind("dermoscopic")}, {"submitted": 1, "known": 1}),
    ],
)
def test_two_copies_of_one_file_have_one_kind(run, folder, kinds, expected):
    (folder / "copy.jpg").write_bytes(draw_jpeg(0))
    cases = find_cases([folder / "0.jpg", folder / "copy.jpg"], AGREED, kinds=kinds)
    assert [set(case.kinds) <= set(case.files) for case in cases] == [True, True]
    assert run(cases) == expected


@pytest.mark.parametrize("text", ["maybe", "true"])
def test_consent_in_a_mapping_is_yes_or_no(folder, tmp_path, text):
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(f"file,consents_to_inference\n0.jpg,{text}\n")
    with pytest.raises(ConfigurationError, match="must read yes or no"):
        read_mapping(mapping, folder)


def test_without_a_word_on_consent_nothing_is_sent(run, folder):
    assert run(find_cases([folder / "0.jpg"], {})) == {"refused": 1}
    assert not Patient.objects.exists()
