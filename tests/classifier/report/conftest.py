import pytest

from tests.factories import Staff, staff_clinic


@pytest.fixture
def staff(db, stores) -> Staff:
    return staff_clinic(name="Harbour Skin Clinic")
