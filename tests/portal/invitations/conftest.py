import pytest

from tests.factories import two_clinics


@pytest.fixture
def clinics():
    return two_clinics()
