"""Pictures that stand in a DICOM file as they are."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ml.imaging.dicom.header import DicomFile
from ml.imaging.dicom.refusals import corrupt, truncated

Samples = npt.NDArray[Any]
"""Shape (height, width, samples), as stored."""


def read_native(data: bytes, found: DicomFile, meaning: str) -> Samples:
    width, height = found.size
    ((start, end),) = found.layout.pixels
    bits, count = found.read_number("BitsAllocated"), found.read_number("SamplesPerPixel", 1)
    halved = meaning == "YBR_FULL_422"
    size = width * height * (2 if halved else count * bits // 8)
    if end - start < size:
        raise truncated()
    if end - start > size + size % 2 or (halved and width % 2):
        raise corrupt()
    values = np.frombuffer(data, "u1" if bits == 8 else "<u2", count=size * 8 // bits, offset=start)
    if halved:
        # Two lights, then the two colours that they share.
        pairs = values.reshape(height, width // 2, 4)
        return np.stack(
            [
                pairs[..., :2].reshape(height, width),
                *(pairs[..., [n, n]].reshape(height, width) for n in (2, 3)),
            ],
            axis=-1,
        )
    if count > 1 and found.read_number("PlanarConfiguration") == 1:
        return values.reshape(count, height, width).transpose(1, 2, 0)
    return values.reshape(height, width, count)
