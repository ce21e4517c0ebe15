import pytest

from classifier.domain.limits import UploadLimits, describe_bytes


def test_every_limit_comes_from_settings(settings):
    settings.DERMAPORT_UPLOAD_MAX_BYTES = 1000
    settings.DERMAPORT_UPLOAD_MAX_PIXELS = 2000
    settings.DERMAPORT_UPLOAD_MIN_SIDE = 30
    settings.DERMAPORT_UPLOAD_MAX_IMAGES = 4
    settings.DERMAPORT_UPLOAD_FORMATS = ["jpeg", " HEIF"]
    limits = UploadLimits.from_settings()
    assert limits == UploadLimits(
        max_bytes=1000, max_pixels=2000, min_side=30, max_images=4, formats=("JPEG", "HEIC")
    )
    assert limits.format_words == "JPEG or HEIC"


def test_defaults_agree_with_settings():
    assert UploadLimits.from_settings() == UploadLimits()
    assert UploadLimits().format_words == "JPEG, PNG, WebP, TIFF, HEIC or DICOM"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (25 * 1024**2, "25 MB"),
        (25 * 1024**2 + 1, "25.1 MB"),
        (1024**2 - 1, "1024 KB"),
    ],
)
def test_sizes_read_well(count, words):
    assert describe_bytes(count) == words
