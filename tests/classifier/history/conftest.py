import pytest

from tests.factories import TwoClinics, two_clinics


@pytest.fixture
def clinics() -> TwoClinics:
    return two_clinics()
