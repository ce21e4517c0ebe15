"""Each combination of TIFF tags gives the samples that went in, or is refused: never another picture."""

import itertools
import struct

import numpy as np
import pytest

from ml.imaging.decoding import decode_image, read_header
from ml.imaging.errors import UndecodableImageError
from tests.ml.imaging.tiff_files import DEFLATE, LZW, NONE, PACKBITS, TiffFile

HEIGHT, WIDTH = 13, 21
FORMS = [
    # (photometric, channels, extra samples, bits)
    *((meaning, 1, (), bits) for meaning in (0, 1) for bits in (1, 2, 4, 8, 12, 16, 32)),
    *((1, 2, (kind,), bits) for kind in (0, 1, 2) for bits in (8, 16)),
    *((2, 3, (), bits) for bits in (8, 16, 32)),
    *((2, 4, (kind,), bits) for kind in (0, 1, 2) for bits in (8, 16)),
    *((3, 1, (), bits) for bits in (1, 2, 4, 8)),
    *((5, 4, (), bits) for bits in (8, 16)),
]
PACKINGS = [(NONE, 1), (PACKBITS, 1), (DEFLATE, 1), (DEFLATE, 2), (LZW, 1), (LZW, 2)]
LAYOUTS = [{}, {"rows": 4}, {"tile": 16}]


def draw_samples(channels, bits, seed=1):
    """Smooth, so that a shift shows, and up to the very ends."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [
        (np.sin(rows / (3 + one) + seed) + np.cos(columns / (5 - one / 2)) + 2) / 4 for one in range(channels)
    ]
    return np.rint(np.stack(waves, axis=-1) * ((1 << bits) - 1)).astype(np.uint32 if bits > 16 else np.uint16)


def show(samples, meaning, extra, bits, palette):
    """What it looks like, by the definitions of TIFF 6.0; transparency over white."""
    white = (1 << bits) - 1
    if meaning == 3:
        return np.asarray(palette).reshape(3, -1).T[samples[..., 0]] / 257
    values = samples / white
    alpha = values[..., -1:] if extra and extra[0] else np.ones((HEIGHT, WIDTH, 1))
    colours = values[..., : values.shape[2] - len(extra)]
    if meaning == 0:
        colours = 1 - colours
    if meaning == 5:
        colours = (1 - colours[..., :3]) * (1 - colours[..., 3:])
    premultiplied = extra[:1] == (1,)
    over = colours + 1 - alpha if premultiplied else colours * alpha + 1 - alpha
    return np.broadcast_to(over * 255, (HEIGHT, WIDTH, 3))


def build(form, packing, layout, order, planar, **more):
    meaning, channels, extra, bits = form
    samples = draw_samples(channels, bits)
    if extra[:1] == (1,):  # no colour is stronger than its share
        samples[..., :-1] = samples[..., :-1] * (samples[..., -1:] / ((1 << bits) - 1))
    palette = tuple(int(one) for one in np.linspace(0, 65535, 3 << bits)) if meaning == 3 else ()
    file = TiffFile(
        samples,
        bits=bits,
        meaning=meaning,
        order=order,
        planar=planar,
        compression=packing[0],
        predictor=packing[1],
        extra=extra,
        palette=palette,
        **layout,
        **more,
    )
    return file, show(samples, meaning, extra, bits, palette)


def read(data):
    """The pixels; None where the file is refused as unsupported, and for no other reason."""
    try:
        return np.asarray(decode_image(data), int)
    except UndecodableImageError as error:
        if error.code != "unsupported_format":
            raise
        return None


# Premultiplied colours are divided by 8-bit shares: where little of them is left, much is lost.
TOLERANCES = {1: 3}


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_is_read_rightly_or_refused(form):
    read_ones = 0
    for packing, layout, order, planar in itertools.product(PACKINGS, LAYOUTS, "<>", (1, 2)):
        if packing[1] == 2 and form[3] not in (8, 16):
            continue
        file, expected = build(form, packing, layout, order, planar)
        found = read(file.write())
        if found is None:
            continue
        read_ones += 1
        most = TOLERANCES.get((form[2] or (0,))[0], 2)
        difference = np.abs(found - expected)
        assert difference.max() <= most, (form, packing, layout, order, planar, difference.mean())
    usual = form[3] in (8, 16) and form[:3] not in [(1, 2, (kind,)) for kind in (0, 1, 2)]
    assert read_ones or not usual


@pytest.mark.parametrize(
    ("form", "planar"),
    [((2, 3, (), 16), 2), ((2, 3, (), 8), 2), ((0, 1, (), 16), 1), ((1, 1, (), 12), 1), ((0, 1, (), 8), 2)],
    ids=str,
)
@pytest.mark.parametrize("order", "<>")
def test_deep_planes_and_negatives_are_read(form, planar, order):
    file, expected = build(form, (NONE, 1), {"rows": 5}, order, planar)
    found = read(file.write())
    if form[3] == 12 and order == ">":
        assert found is None
    else:
        assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("compression", [NONE, DEFLATE, LZW])
def test_the_other_order_of_bits(bits, compression):
    file, expected = build((1, 1, (), bits), (compression, 1), {}, "<", 1, fill=2)
    found = read(file.write())
    assert found is None or np.abs(found - expected).max() <= 1
    assert (found is None) == (bits == 16)


def test_planes_in_the_other_order_of_bits_are_refused_or_read():
    for compression in (NONE, DEFLATE):
        file, expected = build((2, 3, (), 8), (compression, 1), {}, "<", 2, fill=2)
        found = read(file.write())
        assert found is None or np.abs(found - expected).max() <= 1


def test_floating_grey_whose_zero_is_white():
    values = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH, 1)
    for order, packing in itertools.product("<>", (NONE, DEFLATE)):
        file = TiffFile(values, bits=32, meaning=0, kind=3, order=order, compression=packing)
        found = read(file.write())
        if found is None:
            assert (order, packing) == (">", DEFLATE)
        else:
            assert np.abs(found - 255 * (1 - values)).max() <= 1


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"bits": 32}, "32 bits"),
        ({"kind": 2}, "signed"),
        ({"kind": 2, "bits": 16}, "signed"),
        ({"compression": 50001}, "WebP"),
        ({"compression": 34712}, "JPEG 2000"),
        ({"compression": 6}, "old-style JPEG"),
        ({"compression": 12345}, "number 12345"),
        ({"meaning": 9}, "colour model"),
        ({"meaning": 5, "tags": {332: [2]}}, "inks other"),
    ],
)
def test_what_is_not_read_is_unsupported_and_not_damaged(changes, word):
    file = TiffFile(draw_samples(1, 8), meaning=1)
    file.write()
    real = {"compression": changes.pop("compression")} if "compression" in changes else {}
    for key, value in changes.items():
        setattr(file, key, value)
    if file.meaning == 5:
        file.samples = draw_samples(4, 8)
    if real:
        file.tags = {259: [real["compression"]]}
    with pytest.raises(UndecodableImageError, match=word) as caught:
        decode_image(file.write())
    assert caught.value.code == "unsupported_format"
    assert "TIFF" in caught.value.message


@pytest.mark.parametrize("first", [True, False])
def test_a_thumbnail_beside_the_picture_is_no_page(first):
    picture, expected = build((2, 3, (), 8), (NONE, 1), {}, "<", 1)
    small = TiffFile(draw_samples(3, 8, seed=5)[:4, :6], subfile=1)
    data = small.write(picture) if first else picture.write(small)
    assert read_header(data).frames == 1
    assert (read_header(data).width, read_header(data).height) == (WIDTH, HEIGHT)
    assert np.abs(read(data) - expected).max() <= 1
    assert read_header(picture.write(picture, small)).frames == 2


def test_strips_that_are_not_the_pictures_are_refused():
    """Uncompressed, the decoder would take whatever stands there."""
    file, _ = build((2, 3, (), 8), (NONE, 1), {"rows": 4}, "<", 1)
    short = file.write()
    assert read(short) is not None
    for tags in ({279: (4, [100] * 4)}, {278: [2]}, {278: [40]}):
        file.tags = tags
        with pytest.raises(UndecodableImageError) as caught:
            decode_image(file.write())
        assert caught.value.code == "corrupt"


def test_counts_that_were_left_at_zero_are_passed_over():
    file, expected = build((2, 3, (), 8), (NONE, 1), {}, "<", 1)
    file.tags = {279: (4, [0])}
    assert np.abs(read(file.write()) - expected).max() <= 1


def test_luma_and_chroma_of_different_resolution_are_refused():
    file = TiffFile(draw_samples(3, 8), meaning=6, tags={530: [2, 2]})
    assert read(file.write()) is None
    file.tags = {530: [1, 1]}
    assert read(file.write()) is not None


def test_a_palette_of_bytes_is_not_black():
    samples = draw_samples(1, 4)
    palette = tuple(int(one) for one in np.linspace(0, 255, 48))
    file = TiffFile(samples, bits=4, meaning=3, palette=palette)
    assert np.array_equal(read(file.write()), np.reshape(palette, (3, 16)).T[samples[..., 0]])


def test_chromaticities_are_converted_and_a_strange_curve_is_refused():
    file = TiffFile(np.full((HEIGHT, WIDTH, 3), (200, 60, 60), np.uint16))
    plain = read(file.write())[0, 0]
    wide = [6800, 10000, 3200, 10000, 2650, 10000, 6900, 10000, 1500, 10000, 600, 10000]
    file.tags = {319: (5, wide)}
    assert read(file.write())[0, 0][0] > plain[0] + 10
    file.tags = {301: (3, [int(one) for one in np.linspace(0, 65535, 256)])}
    with pytest.raises(UndecodableImageError, match="curve of their own"):
        decode_image(file.write())


def test_chromaticities_don_t_make_a_negative_of_deep_grey():
    file, expected = build((0, 1, (), 16), (NONE, 1), {}, "<", 1)
    file.tags = {319: (5, [6800, 10000, 3200, 10000, 2650, 10000, 6900, 10000, 1500, 10000, 600, 10000])}
    assert np.abs(read(file.write()) - expected).max() <= 1


def test_adobe_rgb_by_exif_alone():
    file = TiffFile(np.full((HEIGHT, WIDTH, 3), (200, 60, 60), np.uint16))
    plain = read(file.write())[0, 0]
    file.tags = {34665: (4, [0])}
    file.tags = {34665: (4, [len(file.write())])}
    inner = struct.pack("<HHHLHHL", 1, 0xA001, 3, 1, 2, 0, 0)
    assert read(file.write() + inner)[0, 0][0] > plain[0] + 10


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_way_of_reading_turns_the_picture_alike(orientation):
    form = (2, 3, (), 8)
    plain, _ = build(form, (NONE, 1), {}, "<", 1, tags={274: [orientation]})
    expected = read(plain.write())
    assert expected.shape == ((HEIGHT, WIDTH) if orientation < 5 else (WIDTH, HEIGHT)) + (3,)
    for packing, planar in itertools.product((NONE, DEFLATE), (1, 2)):
        file, _ = build(form, (packing, 1), {"rows": 4}, ">", planar, tags={274: [orientation]})
        assert np.array_equal(read(file.write()), expected)
    deep = TiffFile(plain.samples * 257, bits=16, planar=2, tags={274: [orientation]})
    assert np.array_equal(read(deep.write()), expected)


@pytest.mark.parametrize("compression", [NONE, DEFLATE, LZW])
@pytest.mark.parametrize("order", "<>")
def test_other_models_of_colour(compression, order):
    samples = np.empty((HEIGHT, WIDTH, 3), np.uint16)
    samples[...] = (160, 110, 150)  # luma, blueness, redness
    file = TiffFile(samples, meaning=6, compression=compression, order=order, tags={530: [1, 1]})
    red = 160 + 1.402 * 22
    assert abs(read(file.write())[5, 5] - (red, 160 + 0.344 * 18 - 0.714 * 22, 160 - 1.772 * 18)).max() <= 1.5
    samples[...] = (128, 20, 256 - 30)  # lightness; a and b, signed
    lab = read(TiffFile(samples, meaning=8, compression=compression, order=order).write())
    assert abs(lab[5, 5] - (122, 113, 171)).max() <= 12
