"""The client's cells are as harmless as the portal's: both follow the same rules."""

import datetime as dt
import io

from hypothesis import example, given
from hypothesis import strategies as st

from classifier.client.output import format_moment, neutralise, write_csv
from classifier.domain import csv_cells
from classifier.domain import csv_cells as exported

NASTY = st.text(alphabet="=+-@;,|\t\r\n\"' \u00a0\uff1d\u2212\ufeff\u200b\x00aé1")


@given(st.one_of(NASTY, st.text(), st.none(), st.booleans(), st.integers(), st.floats()))
@example("=1+1")
@example("a;=1")
@example("\uff1d1")
def test_both_write_the_same(cell):
    assert neutralise(cell) == csv_cells.neutralise(cell)


@given(
    st.none() | st.integers(0, 9_999_999_999).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC))
)
@example(dt.datetime(2026, 3, 3, 10, 15, 0, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=1))))
def test_both_write_moments_the_same(moment):
    """UTC to the second: what a spreadsheet sorts as text is sorted by time."""
    written = format_moment(moment)
    assert written == exported.format_moment(moment)
    if moment is None:
        assert written is None
    else:
        assert len(written) == len("2026-03-03T09:15:00Z")
        assert dt.datetime.fromisoformat(written) == moment.astimezone(dt.UTC).replace(microsecond=0)


def test_file_begins_with_a_mark_that_spreadsheets_need():
    stream = io.StringIO()
    write_csv(stream, [["file"], ["=1"]])
    assert stream.getvalue() == "\ufefffile\r\n'=1\r\n"
