"""The picture of a DICOM file as a Pillow image, each transfer syntax by a decoder held to the header.

Rows and columns are as a viewer shows them; an orientation that a JPEG within carries is not theirs.
"""

from typing import Final

from PIL import Image

from ml.imaging.dicom.colour import give_colour, look_up, reduce_depth
from ml.imaging.dicom.compressed import decode_compressed, read_rle
from ml.imaging.dicom.header import DicomFile
from ml.imaging.dicom.kinds import JPEG, JPEG2000, NATIVE
from ml.imaging.dicom.native import read_native
from ml.imaging.dicom.refusals import unsupported

_SAMPLES: Final = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
}


def decode_dicom(data: bytes, found: DicomFile) -> Image.Image:
    """Decode the only frame; `info` holds its colour profile where there is one.

    Check the size in `found` before. Raises UndecodableImageError, and what decoders raise.
    """
    meaning = found.read_code("PhotometricInterpretation")
    _check_form(found, meaning)
    depth = found.read_number("BitsStored")
    if found.syntax in JPEG | JPEG2000:
        samples, meaning = decode_compressed(data, found, meaning)
        depth = samples.itemsize * 8  # Pillow brings every precision to a whole byte or two
    elif found.syntax in NATIVE:
        samples = read_native(data, found, meaning)
    else:
        samples = read_rle(data, found)
    if meaning == "PALETTE COLOR":
        image = Image.fromarray(look_up(samples[..., 0], found))
    else:
        image = give_colour(reduce_depth(samples, depth), meaning)
    profile = found.attributes.get("ICCProfile")
    if isinstance(profile, bytes):
        image.info["icc_profile"] = profile
    return image


def _check_form(found: DicomFile, meaning: str) -> None:
    bits, stored = found.read_number("BitsAllocated"), found.read_number("BitsStored")
    known = (
        meaning in _SAMPLES
        and found.read_number("SamplesPerPixel", 1) == _SAMPLES[meaning]
        and bits in (8, 16)
        and 8 <= stored <= bits
        and found.read_number("HighBit", stored - 1) == stored - 1
        and found.read_number("PixelRepresentation") == 0
        and found.read_number("PlanarConfiguration") in (0, 1)
        and not (bits == 16 and meaning.startswith("YBR"))
        and not (meaning == "PALETTE COLOR" and found.syntax in JPEG | JPEG2000)
        and not (stored > 8 and found.syntax in JPEG)
        and found.layout.encapsulated == (found.syntax not in NATIVE)
        and (found.layout.encapsulated or len(found.layout.pixels) == 1)
    )
    if not known:
        raise unsupported()
