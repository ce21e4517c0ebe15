import pytest

from tests.factories import Staff, staff_clinic


@pytest.fixture
def staff(db) -> Staff:
    return staff_clinic()
