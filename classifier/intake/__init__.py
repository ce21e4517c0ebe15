"""Intake: from files that somebody sent to a stored case.

`inspection` decides what is an image, `uploads` looks at all images of a case, and `submission` is the one
door by which cases come in: pages, REST API, FHIR, the client and the demo all go through `submit_case`.
"""

from classifier.intake.derivatives import (
    DERIVATIVE_CONTENT_TYPE,
    build_derivative,
    build_thumbnail,
    encode_jpeg,
)
from classifier.intake.image import IntakeImage, Notice, RejectedImageError
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
