"""A store that can't be read is told as such, at whatever moment it goes away."""

import io
from types import SimpleNamespace

import pytest

from classifier.domain.errors import UnavailableError
from classifier.intake.stored import read_derivative
from portal.trust.encryption.keys import DecryptionError


class Torn(io.BytesIO):
    def read(self, *_):
        raise OSError("gone")


def fail(_mode):
    raise FileNotFoundError


@pytest.mark.parametrize("open_file", [fail, lambda _mode: Torn(b"picture")])
def test_store_that_goes_away(open_file):
    image = SimpleNamespace(pk="1", derivative=SimpleNamespace(open=open_file))
    with pytest.raises(UnavailableError) as told:
        read_derivative(image)
    assert told.value.code == "image_unavailable"


def test_file_that_was_changed_in_the_store():
    def refuse(_mode):
        raise DecryptionError("changed")

    image = SimpleNamespace(pk="1", derivative=SimpleNamespace(open=refuse))
    with pytest.raises(UnavailableError, match="Tell your operator") as told:
        read_derivative(image)
    assert told.value.code == "image_unavailable"


def test_all_bytes_and_a_closed_file():
    file = io.BytesIO(b"picture")
    assert read_derivative(SimpleNamespace(derivative=SimpleNamespace(open=lambda _mode: file))) == b"picture"
    assert file.closed
