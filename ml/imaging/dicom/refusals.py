"""What is said of a DICOM picture that can't be decoded."""

from ml.imaging.errors import UndecodableImageError


def unsupported() -> UndecodableImageError:
    return UndecodableImageError(
        "unsupported_format",
        "This DICOM file stores its colours in a way that can't be read; 8-bit RGB is best. "
        "Export the photo again, or send it as JPEG.",
    )


def truncated() -> UndecodableImageError:
    return UndecodableImageError(
        "truncated", "This DICOM file ends too early: part of the picture is missing. Send it again."
    )


def corrupt() -> UndecodableImageError:
    return UndecodableImageError(
        "corrupt",
        "The picture in this DICOM file is not the one its header describes. "
        "Export the photo again, or send it as JPEG.",
    )
