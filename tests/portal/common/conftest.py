import pytest

OLD, NEW = "o" * 40, "n" * 40


@pytest.fixture
def old(settings):
    settings.DERMAPORT_ENCRYPTION_KEYS = [OLD]


@pytest.fixture
def rotate(settings):
    def put_first(*found):
        settings.DERMAPORT_ENCRYPTION_KEYS = list(found or (NEW, OLD))

    return put_first
