"""What lies between the camera and the skin: hairs, bubbles in the gel, the dermoscope's edge."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from classifier.demo.fields import fade_out

_FINER = 2  # hairs are drawn this much larger, then scaled down: Pillow's lines have hard edges


def add_hairs(image: Image.Image, rng: np.random.Generator, count: int) -> Image.Image:
    """Lay `count` bent hairs over the picture, each with a faint shadow."""
    width, height = image.size
    short = min(image.size)
    mask = Image.new("L", (width * _FINER, height * _FINER))
    pen = ImageDraw.Draw(mask)
    lie = rng.uniform(0, 2 * np.pi)  # hairs of one place lie the same way
    for _ in range(count):
        start = rng.uniform(-0.1, 1.1, 2) * (width, height)
        angle = lie + rng.normal(0, 0.35)
        length = short * rng.uniform(0.35, 1.1)
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        side = np.array([-np.sin(angle), np.cos(angle)]) * length * rng.normal(0, 0.12)
        along = np.linspace(0, 1, 40)[:, None]
        middle = (start + end) / 2 + side
        curve = (1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end
        thickness = max(1, round(_FINER * short * rng.uniform(0.0016, 0.0042)))
        points = [(float(x), float(y)) for x, y in curve * _FINER]
        pen.line(points, fill=int(rng.integers(150, 235)), width=thickness, joint="curve")
    mask = mask.resize(image.size, Image.Resampling.BOX)
    shadow = ImageChops.offset(mask.filter(ImageFilter.GaussianBlur(short * 0.004)), 2, 3)
    image.paste((96, 66, 54), mask=shadow.point(lambda value: value // 3))
    image.paste((44, 29, 24), mask=mask.filter(ImageFilter.GaussianBlur(0.6)))
    return image


def add_bubbles(image: Image.Image, rng: np.random.Generator, count: int) -> Image.Image:
    """Add bubbles of the contact gel: a bright rim, a darker foot, a glint."""
    width, height = image.size
    short = min(image.size)
    pixels = np.array(image, dtype=np.float32)
    for _ in range(count):
        # Bubbles gather towards the edge of the contact plate.
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.32, 0.62)
        centre_x = int(width / 2 + np.cos(angle) * reach * width)
        centre_y = int(height / 2 + np.sin(angle) * reach * height)
        radius = float(short * rng.uniform(0.006, 0.03))
        around = int(radius * 1.6) + 2
        top, left = max(0, centre_y - around), max(0, centre_x - around)
        patch = pixels[top : max(0, centre_y + around), left : max(0, centre_x + around)]
        rows, columns = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]].astype(np.float32)
        y, x = (rows + top - centre_y) / radius, (columns + left - centre_x) / radius
        rim = np.exp(-(((np.hypot(x, y) - 1) / 0.13) ** 2))
        glint = np.exp(-((np.hypot(x + 0.4, y + 0.4) / 0.2) ** 2))
        patch += (np.where(x + y < 0, 60, -38) * rim + 105 * glint)[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def add_vignette(image: Image.Image, rng: np.random.Generator, *, black_edge: bool) -> Image.Image:
    """Darken towards the corners; with `black_edge` the instrument's round edge shows."""
    width, height = image.size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    centre = rng.uniform(-0.02, 0.02, 2)
    apart = np.hypot((columns / width - 0.5 - centre[0]) * width, (rows / height - 0.5 - centre[1]) * height)
    apart /= np.hypot(width, height) / 2
    light = 1.03 - 0.16 * apart**2.4
    if black_edge:
        light *= fade_out(apart - 0.93, 0.008)
    pixels = np.asarray(image, dtype=np.float32) * light[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
