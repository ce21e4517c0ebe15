"""Intake: inspects what is sent, and holds the one door by which a case comes in. Page, REST and FHIR call it."""

from classifier.domain.image import IntakeImage, Notice, RejectedImageError
from classifier.intake.derivatives import (
    DERIVATIVE_CONTENT_TYPE,
    build_derivative,
    build_thumbnail,
    encode_jpeg,
)
from classifier.intake.inspection import check_claim, decode_copy, inspect_image, read_upload

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
    "read_upload",
]
