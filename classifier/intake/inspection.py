"""File inspection: every image passes here; content decides, limits first, then one full decode."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from PIL import Image

from classifier.domain.image import IntakeImage, Notice, RejectedImageError
from classifier.domain.limits import FORMAT_NAMES, UploadLimits, describe_bytes
from classifier.intake.containers import find_hidden_document
from classifier.intake.quality import judge_quality
from ml.imaging.colour import walk_bands
from ml.imaging.decoding import decode_image, read_header
from ml.imaging.errors import UndecodableImageError

if TYPE_CHECKING:
    from django.core.files.base import File

_EXTENSIONS = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "jpe": "JPEG",
    "jfif": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "tif": "TIFF",
    "tiff": "TIFF",
    "heic": "HEIC",
    "heif": "HEIC",
    "hif": "HEIC",
    "dcm": "DICOM",
    "dicom": "DICOM",
}


def read_upload(file: File[Any], limits: UploadLimits) -> bytes:
    """The bytes of an upload; one that is too large is refused by its size, before it is read into memory.

    Raises RejectedImageError (file_too_large); whether the bytes are an image is for `inspect_image` to say.
    """
    if file.size > limits.max_bytes:
        _check_byte_size(file.size, limits)
    file.seek(0)
    data: bytes = file.read()
    return data


def inspect_image(data: bytes, filename: str, limits: UploadLimits) -> IntakeImage:
    """Accept a file as an image or say why not.

    The file's content decides what it is; its name only gives rise to a notice.

    Raises:
        RejectedImageError: and nothing else, whatever the bytes. Codes: empty_file, file_too_large,
            unsupported_format, mixed_content, animated, too_many_pixels, too_long, too_small,
            truncated, corrupt, burned_in.
    """
    _check_byte_size(len(data), limits)
    offer = ""
    more: list[Notice] = []
    try:
        name = _check_header(data, limits)
        if name == "DICOM":
            pixels, data, offer, more = _take_dicom(data, limits)
        else:
            pixels = decode_image(data, max_pixels=limits.max_pixels)
    except UndecodableImageError as error:
        raise RejectedImageError(error.code, error.message) from error
    quality, gate_notices = judge_quality(pixels)
    return IntakeImage(
        data=data,
        pixels=pixels,
        sha256=hashlib.sha256(data).hexdigest(),
        pixel_sha256=_hash_pixels(pixels),
        format=name,
        width=pixels.width,
        height=pixels.height,
        byte_size=len(data),
        quality=quality,
        warnings=[*_find_name_notices(filename, name), *more],
        offer=offer,
        gate_notices=gate_notices,
        kind=str(quality.get("kind", "")),
    )


def decode_copy(data: bytes, *, max_pixels: int) -> Image.Image:
    """Decode a reduced copy, which is checked and never kept, to upright RGB pixels.

    Raises RejectedImageError with the codes of a file that can't be decoded.
    """
    try:
        return decode_image(data, max_pixels=max_pixels)
    except UndecodableImageError as error:
        raise RejectedImageError(error.code, error.message) from error


def check_claim(*, width: int, height: int, byte_size: int, limits: UploadLimits) -> None:
    """Refuse a picture by what its sender says of it, before it is sent: `width` and `height` in pixels.

    Raises RejectedImageError: empty_file, file_too_large, too_many_pixels, too_long or too_small, as
    `inspect_image` would of the file itself.
    """
    _check_byte_size(byte_size, limits)
    _check_dimensions(width, height, limits)


def _take_dicom(data: bytes, limits: UploadLimits) -> tuple[Image.Image, bytes, str, list[Notice]]:
    """The pixels, the de-identified file that takes the original's place, and what its header told."""
    # Half a second and 40 MB that most processes never need.
    from classifier.dicom import receiving, sealing  # noqa: PLC0415
    from ml.imaging.dicom.facts import read_dicom_facts  # noqa: PLC0415

    facts = read_dicom_facts(data)
    receiving.check_received(facts)
    pixels = decode_image(data, max_pixels=limits.max_pixels)
    sealed = sealing.seal_photograph(data, pixels, facts)
    return pixels, sealed, receiving.describe_facts(facts), receiving.find_notices(facts)


def _check_byte_size(count: int, limits: UploadLimits) -> None:
    if not count:
        message = "This file is empty: 0 bytes were received. Choose the photo again."
        raise RejectedImageError("empty_file", message)
    if count > limits.max_bytes:
        message = (
            f"This file is {describe_bytes(count)}; "
            f"at most {describe_bytes(limits.max_bytes)} are accepted. Send a smaller copy."
        )
        raise RejectedImageError("file_too_large", message)


def _check_header(data: bytes, limits: UploadLimits) -> str:
    """Return the format when everything the header claims keeps the limits."""
    header = read_header(data)
    if header.format not in limits.formats:
        message = f"This file is a {FORMAT_NAMES[header.format]}; {limits.format_words} is needed."
        raise RejectedImageError("unsupported_format", message)
    hidden = find_hidden_document(data)
    if hidden:
        message = (
            f"This {FORMAT_NAMES[header.format]} file also holds {hidden}; send a file that is only a photo."
        )
        raise RejectedImageError("mixed_content", message)
    if header.frames > 1:
        message = (
            f"This file holds {header.frames} pictures or pages; 1 is accepted. Send a single still photo."
        )
        raise RejectedImageError("animated", message)
    _check_dimensions(header.width, header.height, limits)
    return header.format


def _check_dimensions(width: int, height: int, limits: UploadLimits) -> None:
    if width * height > limits.max_pixels:
        message = (
            f"This photo is {width}×{height} pixels, {width * height / 1e6:,.1f} million in all; "
            f"at most {limits.max_pixels / 1e6:,.1f} million are accepted. Send a smaller copy."
        )
        raise RejectedImageError("too_many_pixels", message)
    if max(width, height) > limits.max_side:
        message = (
            f"This photo is {width}×{height} pixels; "
            f"its longer side may have at most {limits.max_side:,}. Crop it to the lesion."
        )
        raise RejectedImageError("too_long", message)
    if min(width, height) < limits.min_side:
        message = (
            f"This photo is {width}×{height} pixels; the model needs at least "
            f"{limits.min_side}×{limits.min_side}. Move closer and take it again."
        )
        raise RejectedImageError("too_small", message)


def _hash_pixels(pixels: Image.Image) -> str:
    """Hash what is seen, so that the same picture saved anew in another file is recognised."""
    digest = hashlib.sha256(f"{pixels.width}x{pixels.height} ".encode())
    for box in walk_bands(pixels.size):  # all at once would be another copy of a large picture
        digest.update(pixels.crop(box).tobytes())
    return digest.hexdigest()


def _find_name_notices(filename: str, name: str) -> list[Notice]:
    extension = filename.rpartition(".")[2].lower() if "." in filename else ""
    claimed = _EXTENSIONS.get(extension)
    if not extension or claimed == name:
        return []
    if claimed is None:
        message = f"This file's name has an unknown ending; it was read as {FORMAT_NAMES[name]}."
    else:
        message = f"This file is named .{extension} but is a {FORMAT_NAMES[name]}; it was read as that."
    return [Notice("extension_mismatch", message)]
