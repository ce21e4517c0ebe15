"""One decode path: every kind of file to the same upright sRGB pixels, or a refusal."""

from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from ml.imaging.decoding import UndecodableImageError, decode_image, read_header, to_array

SIZE = (320, 240)
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "HEIC")


def draw_picture(size=SIZE, seed=3):
    """A smooth picture whose four corners differ, so that every turn shows."""
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    noise = np.random.default_rng(seed).normal(0, 4, (size[1], size[0]))
    channels = [
        60 + 150 * columns / size[0] + noise,
        200 - 140 * rows / size[1] + noise,
        90 + 60 * np.sin(columns / 25) + noise,
    ]
    return Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8))


def encode(image, name, **options):
    target = BytesIO()
    if name == "HEIC":
        pillow_heif.from_pillow(image).save(target, quality=90, **options)
    else:
        image.save(target, name, **options)
    return target.getvalue()


def exif_with(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def difference(image, expected):
    return np.abs(np.asarray(image, int) - np.asarray(expected, int)).mean()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_rgb_without_metadata(name):
    data = encode(draw_picture(), name)
    image = decode_image(data)
    assert (image.mode, image.size, image.info) == ("RGB", SIZE, {})
    assert type(image) is Image.Image
    assert not image.getexif()
    assert difference(image, draw_picture()) < 6
    header = read_header(data)
    assert (header.format, header.width, header.height, header.frames) == (name, *SIZE, 1)


@pytest.mark.parametrize("name", FORMATS)
def test_same_bytes_same_pixels(name):
    data = encode(draw_picture(), name)
    assert decode_image(data).tobytes() == decode_image(data).tobytes()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(name, orientation):
    upright = draw_picture()
    # How a camera held that way stores it: the inverse of what the tag asks for.
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    options = {"quality": 95} if name in ("JPEG", "WEBP") else {}
    data = encode(stored, name, exif=exif_with(orientation), **options)
    assert difference(decode_image(data), upright) < 4
    header = read_header(data)
    assert (header.width, header.height) == upright.size


def test_heic_is_turned_once():
    upright = draw_picture()
    target = BytesIO()
    heif = pillow_heif.from_pillow(upright.transpose(Image.Transpose.ROTATE_90))
    heif.info["exif"] = exif_with(6)
    heif.save(target, quality=95)
    data = target.getvalue()
    assert difference(decode_image(data), upright) < 6
    assert (read_header(data).width, read_header(data).height) == upright.size


@pytest.mark.parametrize("block", [b"II*\x00\xff\xff\xff\xff garbage", b"no TIFF at all"])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_counts_as_upright(name, block):
    data = encode(draw_picture(), name, exif=b"Exif\x00\x00" + block)
    assert decode_image(data).size == SIZE
    assert read_header(data).width == SIZE[0]


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("L", "PNG"),
        ("L", "JPEG"),
        ("1", "PNG"),
        ("1", "TIFF"),
        ("P", "PNG"),
        ("P", "TIFF"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("LAB", "TIFF"),
        ("YCbCr", "TIFF"),
        ("RGBA", "PNG"),
        ("RGBA", "WEBP"),
        ("LA", "PNG"),
    ],
)
def test_every_mode_keeps_its_picture(mode, name):
    picture = draw_picture()
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        source = ImageCms.profileToProfile(picture, *profiles, outputMode="LAB")
    else:
        source = picture.convert(mode)
    image = decode_image(encode(source, name))
    expected = picture if mode in ("CMYK", "LAB", "YCbCr", "RGBA") else source.convert("RGB")
    assert image.mode == "RGB"
    assert difference(image, expected) < 6


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_16_bit_grey_scales_by_its_full_range(name):
    values = np.linspace(0, 65535, 256 * 256).reshape(256, 256).astype(np.uint16)
    pixels = np.asarray(decode_image(encode(Image.fromarray(values), name)))
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[-1, -1].tolist() == [255, 255, 255]
    assert np.array_equal(pixels[..., 0], np.rint(values / 257).astype(np.uint8))


def test_float_grey_from_0_to_1_uses_the_full_range():
    values = np.linspace(0, 1, 256 * 256, dtype=np.float32).reshape(256, 256)
    values[0, 5] = np.nan
    pixels = np.asarray(decode_image(encode(Image.fromarray(values), "TIFF")))
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_transparency_lies_over_white():
    picture = draw_picture().convert("RGBA")
    picture.putalpha(Image.new("L", SIZE, 0))
    assert decode_image(encode(picture, "PNG")).getextrema() == ((255, 255),) * 3
    palette = Image.new("P", SIZE, 1)
    palette.putpalette([0, 0, 0, 200, 30, 30])
    assert decode_image(encode(palette, "PNG", transparency=1)).getpixel((5, 5)) == (255, 255, 255)
    half = Image.new("LA", SIZE, (0, 128))
    assert decode_image(encode(half, "PNG")).getpixel((5, 5)) == (127, 127, 127)


def read_profile(name):
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def swap_red_and_green(profile):
    """A profile whose red primary is green: converting with it must change the picture visibly."""
    return profile.replace(b"rXYZ", b"temp").replace(b"gXYZ", b"rXYZ").replace(b"temp", b"gXYZ")


def test_embedded_profile_is_converted():
    picture = draw_picture()
    srgb = read_profile("sRGB")
    same = decode_image(encode(picture, "PNG", icc_profile=srgb))
    assert difference(same, picture) < 1
    changed = decode_image(encode(picture, "PNG", icc_profile=swap_red_and_green(srgb)))
    assert difference(changed, picture) > 10
    assert changed.info == {}


@pytest.mark.parametrize("profile", [b"not a profile", read_profile("sRGB")[:200], read_profile("LAB")])
def test_unusable_profile_is_ignored(profile):
    picture = draw_picture()
    assert difference(decode_image(encode(picture, "PNG", icc_profile=profile)), picture) == 0


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_a_file_cut_short_is_refused(name, kept):
    data = encode(draw_picture(), name)
    with pytest.raises(UndecodableImageError) as caught:
        decode_image(data[: int(len(data) * kept)])
    assert caught.value.code in ("truncated", "corrupt")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 2}])
@pytest.mark.parametrize("kept", [0.5, 0.8, 0.95])
def test_a_jpeg_cut_and_closed_again_is_refused(options, kept):
    """libjpeg would paint the rest grey and say nothing."""
    data = encode(draw_picture(), "JPEG", **options)
    with pytest.raises(UndecodableImageError) as caught:
        decode_image(data[: int(len(data) * kept)].rstrip(b"\xff") + b"\xff\xd9")
    assert caught.value.code == "truncated"


def draw_scans(image):
    """A sequential JPEG of three scans, one a component: its head, the scans, its end."""
    parts = []
    for plane in image.convert("YCbCr").split():
        data = encode(plane, "JPEG", qtables=[[4] * 64])
        at = data.index(b"\xff\xda")
        parts.append((data[:at], data[at + 10 : -2]))
    tables = parts[0][0]
    frame = tables.index(b"\xff\xc0")
    after = frame + 2 + int.from_bytes(tables[frame + 2 : frame + 4], "big")
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    head = b"\xff\xc0\x00\x11" + tables[frame + 4 : frame + 9] + b"\3" + components
    scans = [
        b"\xff\xda\x00\x08\1" + bytes([number, 0, 0, 63, 0]) + body
        for number, (_, body) in enumerate(parts, start=1)
    ]
    return [tables[:frame] + head + tables[after:], *scans, b"\xff\xd9"]


def test_a_jpeg_of_one_scan_a_component_is_read_whole_or_refused():
    """Without the last two it would be a picture, and grey."""
    image = draw_picture()
    head, light, blue, red, end = draw_scans(image)
    assert difference(decode_image(head + light + blue + red + end), image) < 2
    for cut in ([light], [light, blue], [light, blue, red[: len(red) // 2]], [light[: len(light) // 2]]):
        with pytest.raises(UndecodableImageError) as caught:
            decode_image(head + b"".join(cut) + end)
        assert caught.value.code == "truncated"


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("size", [(320, 240), (321, 241), (16, 8)])
def test_a_picture_that_is_really_grey_is_whole(mode, options, size):
    grey = Image.new(mode, size, (128, 128, 128) if mode == "RGB" else 128)
    assert decode_image(encode(grey, "JPEG", **options)).getpixel((0, 0)) == (128, 128, 128)
    corner = draw_picture(size).convert(mode)
    corner.paste(grey.crop((0, 0, size[0] // 2, size[1] // 2)), (size[0] // 2, size[1] // 2))
    assert decode_image(encode(corner, "JPEG", **options)).size == size


def test_bytes_after_the_picture_are_left_alone():
    for name in ("JPEG", "PNG", "WEBP", "TIFF"):
        data = encode(draw_picture(), name)
        assert decode_image(data + b"trailer of a phone" * 50).tobytes() == decode_image(data).tobytes()


@pytest.mark.parametrize("name", FORMATS)
def test_pixel_limit_holds_before_decoding(name):
    data = encode(draw_picture(), name)
    with pytest.raises(UndecodableImageError, match="320×240") as caught:
        decode_image(data, max_pixels=SIZE[0] * SIZE[1] - 1)
    assert caught.value.code == "too_many_pixels"
    assert decode_image(data, max_pixels=SIZE[0] * SIZE[1]).size == SIZE


@pytest.mark.parametrize(
    ("data", "code", "word"),
    [
        (b"", "empty_file", "0 bytes"),
        (b"GIF89a" + bytes(50), "unsupported_format", "GIF"),
        (b"%PDF-1.7\n", "unsupported_format", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format", "SVG"),
        (b"<!DOCTYPE html><html></html>", "unsupported_format", "web page"),
        (bytes(128) + b"DICM" + bytes(20), "unsupported_format", "DICOM"),
        (b"II*\x00" + bytes(124) + b"DICM", "unsupported_format", "DICOM"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1avif", "unsupported_format", "AVIF"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(40), "unsupported_format", "video"),
        (b"Dear colleague,", "unsupported_format", "text"),
        (b"\x01\x02\x03", "unsupported_format", "doesn't know"),
        (b"\xff\xd8\xff", "corrupt", "damaged"),
    ],
)
def test_other_files_are_named(data, code, word):
    with pytest.raises(UndecodableImageError, match=word) as caught:
        decode_image(data)
    assert caught.value.code == code


def test_frames_are_counted_without_reading_them_all():
    pages = [draw_picture(seed=seed) for seed in range(3)]
    tiff = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert read_header(tiff).frames == 3
    for name in ("WEBP", "PNG"):
        moving = encode(pages[0], name, save_all=True, append_images=pages[1:], duration=100)
        assert read_header(moving).frames == 3
    assert difference(decode_image(tiff), pages[0]) == 0


def test_a_tiff_whose_pages_go_in_a_circle_ends():
    data = bytearray(encode(draw_picture((64, 64)), "TIFF"))
    first = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[first : first + 2], "little")
    link = first + 2 + 12 * entries
    data[link : link + 4] = first.to_bytes(4, "little")
    assert read_header(bytes(data)).frames == 1


def test_a_camera_raw_file_is_named():
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[50706] = b"\x01\x04\x00\x00"
    data = encode(draw_picture(), "TIFF", tiffinfo=info)
    with pytest.raises(UndecodableImageError, match="camera raw"):
        read_header(data)
    with pytest.raises(UndecodableImageError, match="camera raw"):
        decode_image(data)


def test_the_network_input_is_resized_only_when_it_differs():
    image = draw_picture()
    same = to_array(image, (240, 320))
    assert (same.shape, same.dtype) == ((240, 320, 3), np.uint8)
    assert np.array_equal(same, np.asarray(image))
    assert to_array(image, (224, 100)).shape == (224, 100, 3)
    with pytest.raises(ValueError, match="expected an RGB image, received mode L"):
        to_array(image.convert("L"), (224, 224))


def test_downscaling_averages_instead_of_skipping():
    checks = np.indices((256, 256)).sum(axis=0) % 2 * 255
    image = Image.fromarray(checks.astype(np.uint8)).convert("RGB")
    small = to_array(image, (32, 32))
    assert abs(int(small.min()) - 127) < 8
    assert abs(int(small.max()) - 127) < 8


def test_global_limits_of_pillow_stay_as_they_are():
    before = Image.MAX_IMAGE_PIXELS
    decode_image(encode(draw_picture(), "JPEG"))
    assert before == Image.MAX_IMAGE_PIXELS
