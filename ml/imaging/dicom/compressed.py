"""Compressed pictures of DICOM files, each decoder held to the size that the header names."""

from io import BytesIO

import numpy as np
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile

from ml.imaging.dicom.header import DicomFile
from ml.imaging.dicom.kinds import JPEG
from ml.imaging.dicom.native import Samples
from ml.imaging.dicom.refusals import corrupt, truncated
from ml.imaging.dicom.rle import decode_planes
from ml.imaging.structure import is_jpeg_whole


def decode_compressed(data: bytes, found: DicomFile, meaning: str) -> tuple[Samples, str]:
    frame = join_fragments(data, found)
    image: JpegImageFile | Jpeg2KImageFile
    if found.syntax in JPEG:
        image = JpegImageFile(BytesIO(frame))
        # Without a marker that says otherwise, libjpeg takes three components for luma and chroma.
        if meaning == "RGB" and not {"adobe_transform", "jfif"} & image.info.keys():
            image.draft("YCbCr", image.size)
    else:
        image = Jpeg2KImageFile(BytesIO(frame))
    # Before a pixel is decoded: the picture within may claim another size than the header.
    if image.size != found.size or len(image.getbands()) != found.read_number("SamplesPerPixel", 1):
        raise corrupt()
    image.load()
    # OpenJPEG sees to that by itself.
    if found.syntax in JPEG and not is_jpeg_whole(frame, image, progressive="progressive" in image.info):
        raise truncated()
    # Both decoders turn luma and chroma into RGB, but not what the file alone calls so.
    straight = found.syntax in JPEG or meaning in ("RGB", "YBR_ICT", "YBR_RCT")
    samples = np.asarray(image)
    return samples.reshape(*samples.shape[:2], -1), "RGB" if straight and samples.ndim == 3 else meaning


def read_rle(data: bytes, found: DicomFile) -> Samples:
    width, height = found.size
    bytes_each = found.read_number("BitsAllocated") // 8
    count = found.read_number("SamplesPerPixel", 1)
    planes = decode_planes(join_fragments(data, found), width * height, count * bytes_each)
    # Segments hold the more significant byte of a sample first.
    wide = planes.reshape(count, bytes_each, height, width).astype(np.uint16)
    samples = wide[:, 0] if bytes_each == 1 else wide[:, 0] << 8 | wide[:, 1]
    return samples.transpose(1, 2, 0)


def join_fragments(data: bytes, found: DicomFile) -> bytes:
    """The only frame of an encapsulated picture."""
    return b"".join(data[start:end] for start, end in found.layout.pixels)
