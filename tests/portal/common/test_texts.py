"""Texts at rest: sealed under the first key, opened by any, and by nothing else."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.trust.encryption import keys, texts
from tests.portal.common.conftest import NEW


@pytest.mark.usefixtures("old")
class TestTexts:
    def test_round_trip_and_no_two_alike(self):
        one, other = (texts.encrypt_text("Ada", label="a.b") for _ in range(2))
        assert one != other
        assert "Ada" not in one
        assert texts.decrypt_text(one, label="a.b") == texts.decrypt_text(other, label="a.b") == "Ada"

    def test_empty_and_old_plain_texts_stay(self):
        assert texts.encrypt_text("", label="a.b") == ""
        assert texts.decrypt_text("from before", label="a.b") == "from before"

    @pytest.mark.parametrize("spoil", [lambda t: t[:-4] + "AAA=", lambda t: t[:20], lambda t: t + "é"])
    def test_spoilt_text_does_not_open(self, spoil):
        with pytest.raises(keys.DecryptionError):
            texts.decrypt_text(spoil(texts.encrypt_text("Ada", label="a.b")), label="a.b")

    def test_text_of_another_column_does_not_open(self):
        with pytest.raises(keys.DecryptionError):
            texts.decrypt_text(texts.encrypt_text("Ada", label="a.b"), label="a.c")

    def test_second_key_opens_and_a_lost_key_is_named(self, rotate):
        sealed = texts.encrypt_text("Ada", label="a.b")
        rotate()
        assert texts.decrypt_text(sealed, label="a.b") == "Ada"
        rotate(NEW)
        with pytest.raises(keys.DecryptionError, match="DERMAPORT_ENCRYPTION_KEYS"):
            texts.decrypt_text(sealed, label="a.b")

    @pytest.mark.parametrize("found", [[], ["short"], [NEW, "short"]])
    def test_keys_are_checked(self, rotate, settings, found):
        settings.DERMAPORT_ENCRYPTION_KEYS = found
        with pytest.raises(ImproperlyConfigured, match="DERMAPORT_ENCRYPTION_KEYS: expected"):
            texts.encrypt_text("Ada", label="a.b")
