import csv

import pytest

from ml.research.report.card import write_card
from ml.research.report.diagnoses import write_diagnoses
from ml.research.report.document import write_report
from ml.research.report.stored import Results
from ml.serving.specification import ModelSpecification
from tests.ml.research.stored import store_network

CLASSES = ["nv", "mel", "bcc", "akiec", "bkl", "df", "vasc"]


@pytest.fixture
def results(tmp_path, specification_data):
    told = {**specification_data, "classes": CLASSES, "malignant_classes": ["mel", "bcc", "akiec"]}
    (tmp_path / "weights").mkdir()
    ModelSpecification.from_dict(told).save(tmp_path / "weights/drawn.json")
    store_network(tmp_path / "results", told)
    return Results(tmp_path / "results", tmp_path / "weights", rounds=30)


def test_the_section_tells_what_is_taken_for_what(results):
    text = write_diagnoses(results)
    assert "\n\n" + text in write_report(results)
    assert "| 140 | 100.0 % (100.0–100.0) | 1.000 (1.000–1.000) |" in text
    assert "| bcc | 23 | 0 | 0 | 23 | 0 | 0 | 0 | 0 | 100.0 % |" in text
    assert "Diagnoses of a source left out" not in text


def test_the_card_tells_the_diagnoses(results):
    (results.weights / "drawn.h5").write_bytes(b"not read")
    card = write_card(results, ModelSpecification.load(results.weights / "drawn.json"))
    assert "| Diagnoses | nv, mel, bcc, akiec, bkl, df, vasc, of which malignant mel, bcc, akiec; " in card


def test_a_source_left_out_is_told_where_its_rows_are_kept(results):
    folder = results.folder / "left-out-sources"
    folder.mkdir()
    with (folder / "named.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ["path", "label", "hold_out", "probability", "diagnosis", *(f"p_{c}" for c in CLASSES)]
        )
        for number in range(40):
            place = number % 4
            shares = [0.4 if column == place else 0.1 for column in range(7)]
            writer.writerow([number, 0, "msk" if number < 30 else "uda", 0.5, CLASSES[place], *shares])
            writer.writerow([f"again/{number}", 0, f"fold-{number % 2}", 0.5, CLASSES[place], *shares])
        writer.writerow(["x", 0, "isic2020", 0.5, "nv", *shares])
        writer.writerow(["y", 0, "isic2020", 0.5, "", *shares])
    (folder / "unnamed.csv").write_text("path,label,hold_out,probability\na,0,msk,0.5\n")
    text = write_diagnoses(results)
    rows = [line for line in text.splitlines() if line.startswith("| named")]
    assert [row.split(" | ")[1:4] for row in rows] == [
        ["msk", "4", "30"],
        ["none, by lesion", "4", "40"],
        ["uda", "4", "10"],
    ]


def test_there_is_no_section_where_no_network_names_any(tmp_path, specification_data):
    (tmp_path / "weights").mkdir()
    ModelSpecification.from_dict(specification_data).save(tmp_path / "weights/drawn.json")
    store_network(tmp_path / "results", specification_data)
    assert write_diagnoses(Results(tmp_path / "results", tmp_path / "weights", rounds=30)) == ""
