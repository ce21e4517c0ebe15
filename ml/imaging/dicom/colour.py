"""From the numbers of a DICOM picture to 8-bit colours or greys."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.imaging.dicom.header import DicomFile
from ml.imaging.dicom.native import Samples
from ml.imaging.dicom.refusals import unsupported

_COLOURS: Final = ("Red", "Green", "Blue")
_LARGEST_TABLE: Final = 65536


def give_colour(samples: npt.NDArray[np.uint8], meaning: str) -> Image.Image:
    if meaning == "MONOCHROME1":
        return Image.fromarray(255 - samples[..., 0])
    if meaning == "MONOCHROME2":
        return Image.fromarray(np.ascontiguousarray(samples[..., 0]))
    if meaning == "RGB":
        return Image.fromarray(samples)
    if meaning in ("YBR_FULL", "YBR_FULL_422"):
        height, width = samples.shape[:2]
        return Image.frombytes("YCbCr", (width, height), samples.tobytes()).convert("RGB")
    raise unsupported()  # YBR_ICT and YBR_RCT are what JPEG 2000 does, and nothing else


def reduce_depth(samples: Samples, stored: int) -> npt.NDArray[np.uint8]:
    if stored == 8:
        return np.ascontiguousarray(samples).astype(np.uint8)
    white = (1 << stored) - 1
    scaled = np.minimum(samples, white).astype(np.float32) * (255 / white)
    eight: npt.NDArray[np.uint8] = np.rint(scaled).astype(np.uint8)
    return eight


def look_up(samples: Samples, found: DicomFile) -> npt.NDArray[np.uint8]:
    tables, first = [], 0
    for colour in _COLOURS:
        entries, first, bits = _read_descriptor(found, colour)
        data: bytes = found.attributes[f"{colour}PaletteColorLookupTableData"].value
        # Eight bits may be stored one entry to a byte or one to a word.
        narrow = bits == 8 and len(data) < 2 * entries
        table = np.frombuffer(data, "u1" if narrow else "<u2", count=entries)
        tables.append(table if bits == 8 else table >> 8)
    index = np.clip(samples.astype(np.int32) - first, 0, len(tables[0]) - 1)
    picture: npt.NDArray[np.uint8] = np.stack(tables, axis=-1).astype(np.uint8)[index]
    return picture


def _read_descriptor(found: DicomFile, colour: str) -> tuple[int, int, int]:
    values = found.attributes.get(f"{colour}PaletteColorLookupTableDescriptor")
    entries, first, bits = (int(value) for value in values or (1, 0, 0))
    entries = entries or _LARGEST_TABLE
    if bits not in (8, 16) or not 0 < entries <= _LARGEST_TABLE:
        raise unsupported()
    return entries, first, bits
