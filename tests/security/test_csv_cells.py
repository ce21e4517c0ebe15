"""No cell of an export may run in a spreadsheet."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.domain.csv_cells import BOM, neutralise, starts_formula, write_rows

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    '"=1+1',
    "'=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM",
    "\u22121",
    "\u201c=1+1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_cell_starts_with_an_apostrophe(text):
    assert neutralise(text).startswith("'")


@pytest.mark.parametrize("text", ["MRN 7;=1+1", "a,=1+1", "a\t=1+1", "a\r\n=1+1", "a|@x"])
def test_cell_cut_at_another_separator_is_harmless_too(text):
    assert "=1" not in neutralise(text).replace("'=1", "")
    assert "@" not in neutralise(text).replace("'@", "")


@pytest.mark.parametrize("text", ["MRN-000123", "Ada Lindqvist", "2026-03-03T10:00:00Z", "left", ""])
def test_plain_cell_stays_as_it_is(text):
    assert neutralise(text) == text


def test_numbers_and_nothing_stay_plain():
    assert [neutralise(value) for value in (0.5, 3, None, -1)] == ["0.5", "3", "", "-1"]


@given(st.text(max_size=40))
def test_no_cell_reads_as_a_formula_after_export(text):
    line = "".join(write_rows([[text, "end"]])).removeprefix(BOM)
    cell, end = next(csv.reader(io.StringIO(line, newline="")))

    assert end == "end"
    assert not cell or cell[0] not in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
    assert not starts_formula(cell) or cell.startswith("'")


def test_first_line_carries_the_byte_order_mark():
    assert "".join(write_rows([["a"], ["b"]])) == f"{BOM}a\r\nb\r\n"
