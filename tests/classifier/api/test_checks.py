"""Those who wait for a result must leave threads to everybody else."""

import pytest

from classifier.api_checks import check_waiting


@pytest.mark.parametrize(
    ("waiting", "threads", "expected"),
    [
        (4, 8, []),
        (0, 1, []),
        (5, 8, ["api.W002"]),
        (7, 8, ["api.W002"]),
        (8, 8, ["api.E001"]),
        (4, 2, ["api.E001"]),
        (-1, 8, ["api.E001"]),
    ],
)
def test_waiting_leaves_threads(settings, waiting, threads, expected):
    settings.DERMAPORT_API_WAITING = waiting
    settings.WEB_THREADS = threads
    assert [message.id for message in check_waiting()] == expected


def test_defaults_leave_half_of_the_threads():
    assert check_waiting() == []
