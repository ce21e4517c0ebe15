"""The client's cells are as harmless as the portal's: both follow the same rules."""

import io

from hypothesis import example, given
from hypothesis import strategies as st

from classifier.client.csv_cells import neutralise, write_csv
from classifier.services import csv_cells

NASTY = st.text(alphabet="=+-@;,|\t\r\n\"' \u00a0\uff1d\u2212\ufeff\u200b\x00aé1")


@given(st.one_of(NASTY, st.text(), st.none(), st.booleans(), st.integers(), st.floats()))
@example("=1+1")
@example("a;=1")
@example("\uff1d1")
def test_both_write_the_same(cell):
    assert neutralise(cell) == csv_cells.neutralise(cell)


def test_file_begins_with_a_mark_that_spreadsheets_need():
    stream = io.StringIO()
    write_csv(stream, [["file"], ["=1"]])
    assert stream.getvalue() == "\ufefffile\r\n'=1\r\n"
