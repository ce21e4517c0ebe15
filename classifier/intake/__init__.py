"""From a file somebody sent to an image the portal can keep, show and judge. No database here."""

from classifier.intake.derivatives import (
    DERIVATIVE_CONTENT_TYPE,
    build_derivative,
    build_thumbnail,
    encode_jpeg,
)
from classifier.intake.image import IntakeImage, Notice, RejectedImageError
from classifier.intake.inspection import check_claim, decode_copy, inspect_image

__all__ = [
    "DERIVATIVE_CONTENT_TYPE",
    "IntakeImage",
    "Notice",
    "RejectedImageError",
    "build_derivative",
    "build_thumbnail",
    "check_claim",
    "decode_copy",
    "encode_jpeg",
    "inspect_image",
]
