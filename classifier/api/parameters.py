"""Headers and parameters of submissions, as the schema tells them."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from classifier.api.waiting import LONGEST_SECONDS, PARAMETER

LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    response=[202],
    description="The case.",
)
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    OpenApiTypes.INT,
    OpenApiParameter.HEADER,
    response=[200],
    description="Seconds until it is worth asking again; absent when finished.",
)

WAIT = OpenApiParameter(
    PARAMETER,
    {"type": "integer", "minimum": 0, "maximum": LONGEST_SECONDS, "default": 0},
    description=(
        "Seconds to hold the answer until the case is finished. Where too many wait already, the answer "
        "comes at once, with Retry-After."
    ),
)
