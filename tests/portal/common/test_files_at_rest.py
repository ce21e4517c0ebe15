"""Files at rest: sealed whole, in their place, under their own name."""

import os

import pytest
from django.core.files.base import ContentFile

from portal.trust.encryption import files, keys
from portal.trust.encryption.storage import EncryptedFileSystemStorage
from tests.factories import (
    draw_jpeg,
)
from tests.portal.common.conftest import NEW


@pytest.mark.usefixtures("old")
class TestFiles:
    @pytest.mark.parametrize("size", [0, 1, files.CHUNK_BYTES, files.CHUNK_BYTES + 1, 3 * files.CHUNK_BYTES])
    def test_round_trip(self, size):
        data = os.urandom(size)
        sealed = files.encrypt_file(data, name="ab/c")
        assert files.decrypt_file(sealed, name="ab/c") == data
        assert len(data) < 16 or data[:16] not in sealed
        assert files.plain_size(sealed[: files.HEAD_BYTES], len(sealed)) == size

    def test_file_that_was_cut_swapped_or_moved_does_not_open(self):
        sealed = files.encrypt_file(os.urandom(3 * files.CHUNK_BYTES), name="ab/c")
        step = files.CHUNK_BYTES + files.TAG_BYTES
        head, rest = sealed[: files.HEAD_BYTES], sealed[files.HEAD_BYTES :]
        swapped = rest[step : 2 * step] + rest[:step] + rest[2 * step :]
        for spoilt in (head + rest[:step], head + rest[: 2 * step], head + swapped, head, sealed[:-1]):
            with pytest.raises(keys.DecryptionError):
                files.decrypt_file(spoilt, name="ab/c")
        with pytest.raises(keys.DecryptionError):
            files.decrypt_file(sealed, name="ab/d")

    def test_storage_seals_what_it_writes(self, tmp_path, rotate):
        storage = EncryptedFileSystemStorage(location=tmp_path, file_permissions_mode=0o600)
        name = storage.save("ab/c.original", ContentFile(draw_jpeg()))
        assert draw_jpeg()[:64] not in (tmp_path / name).read_bytes()
        assert storage.open(name).read() == draw_jpeg()
        rotate()
        assert not storage.is_current(name)
        storage.encrypt_anew(name)
        rotate(NEW)
        assert storage.is_current(name)
        assert storage.open(name).read() == draw_jpeg()
        assert [path.name for path in (tmp_path / "ab").iterdir()] == ["c.original"]
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600

    def test_file_from_before_is_read_and_sealed(self, tmp_path):
        storage = EncryptedFileSystemStorage(location=tmp_path)
        (tmp_path / "plain").write_bytes(b"as it was")
        assert storage.open("plain").read() == b"as it was"
        storage.encrypt_anew("plain")
        assert (tmp_path / "plain").read_bytes().startswith(files.MAGIC)
        storage.write_plain("plain")
        assert (tmp_path / "plain").read_bytes() == b"as it was"
