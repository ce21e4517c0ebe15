"""A name planted wherever a file can hold one must not reach a single served byte."""

import struct

import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from classifier.domain.limits import UploadLimits
from classifier.intake import build_derivative, build_thumbnail, inspect_image
from tests.classifier.intake.samples import EXTENSIONS, FORMATS, draw_picture, encode

NAME = "Zebediah Quackenbush"
XMP = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>{NAME}</dc:creator></x:xmpmeta>".encode()


def build_exif():
    exif = Image.Exif()
    exif[0x010E] = NAME  # description
    exif[0x013B] = NAME  # artist
    exif[0x9C9B] = NAME.encode("utf-16-le")  # Windows title
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\x00\x00\x00" + NAME.encode()  # user comment
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.34), 27: NAME.encode()})  # GPS
    return exif.tobytes()


def plant(name):
    picture = draw_picture()
    options = {"exif": build_exif()}
    if name == "JPEG":
        options |= {"comment": NAME, "xmp": XMP}
    elif name == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Patient", NAME)
        text.add_text("Title", NAME, zip=True)
        text.add_itxt("Description", NAME, lang="en", tkey=NAME)
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = text
    elif name == "WEBP":
        options["xmp"] = XMP
    elif name == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        for tag in (270, 285, 305, 315, 316, 33432):
            tags[tag] = NAME
        tags[700] = XMP
        options = {"tiffinfo": tags}
    elif name == "HEIC":
        options["xmp"] = XMP
    return encode(picture, name, **options) + NAME.encode()


def add_application_segment(data):
    body = b"Photoshop 3.0\x008BIM\x04\x04" + NAME.encode()
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[2:]


def spellings():
    for text in (NAME, NAME.split(maxsplit=1)[0], NAME.split()[1]):
        for coding in ("ascii", "utf-16-le", "utf-16-be"):
            yield text.encode(coding)
            yield text.lower().encode(coding)


@pytest.mark.parametrize("name", FORMATS)
def test_no_planted_name_is_served(name, settings):
    settings.DERMAPORT_DERIVATIVE_MAX_SIDE = 2048
    data = plant(name)
    if name == "JPEG":
        data = add_application_segment(data)
    assert NAME.encode() in data[: -len(NAME)] or name == "HEIC"
    image = inspect_image(data, f"{NAME}.{EXTENSIONS[name]}", UploadLimits())
    served = [build_derivative(image.pixels), build_thumbnail(image.pixels)]
    words = "".join(notice.message for notice in image.warnings) + repr(image)
    for output in [*served, words.encode()]:
        for spelling in spellings():
            assert spelling not in output
        for marker in (b"Exif", b"xmp", b"8BIM", b"ICC_PROFILE", b"GPS"):
            assert marker not in output


@pytest.mark.parametrize("build", [build_derivative, build_thumbnail])
def test_pixels_that_carry_metadata_are_cleaned_too(build):
    pixels = draw_picture()
    pixels.info.update(comment=NAME.encode(), exif=build_exif(), xmp=XMP, icc_profile=b"x" * 200)
    served = build(pixels)
    assert NAME.encode() not in served
    # Nothing but what a JPEG needs: JFIF header, tables, frame, scan.
    assert set(list_segments(served)) <= {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}


def list_segments(data):
    at = 2
    while data[at] == 0xFF:
        yield data[at + 1]
        if data[at + 1] == 0xDA:
            break
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
