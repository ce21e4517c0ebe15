"""Scalar fields over the picture's plane: smooth noise, a honeycomb, an uneven outline."""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

Field = npt.NDArray[np.float32]


def make_noise(rng: np.random.Generator, shape: tuple[int, int], cells: float) -> Field:
    """Smooth noise, roughly -1 to 1, with about `cells` bumps along the shorter side."""
    height, width = shape
    short = min(shape)
    grid = (max(2, round(cells * height / short)) + 1, max(2, round(cells * width / short)) + 1)
    coarse = Image.fromarray(rng.uniform(-1, 1, grid).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def make_cloud(rng: np.random.Generator, shape: tuple[int, int], cells: float, octaves: int) -> Field:
    """Noise over noise, each finer and weaker: the unevenness of natural things."""
    total = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        total += make_noise(rng, shape, cells * 2**octave) / 2**octave
    return total


def make_honeycomb(rng: np.random.Generator, shape: tuple[int, int], meshes: float) -> Field:
    """A net, 1 on its lines and 0 in its holes, with about `meshes` holes along the shorter side.

    Three plane waves at 60° make a honeycomb; noise bends it so that no two meshes are alike.
    """
    height, width = shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) / min(shape)
    bend = 1.1 / meshes
    columns = columns + bend * make_cloud(rng, shape, meshes / 4, 2)
    rows = rows + bend * make_cloud(rng, shape, meshes / 4, 2)
    turn = float(rng.uniform(0, np.pi))
    waves = np.zeros(shape, dtype=np.float32)
    for step in range(3):
        angle = turn + step * math.tau / 3
        across, along = math.tau * meshes * math.cos(angle), math.tau * meshes * math.sin(angle)
        waves += np.cos(columns * across + rows * along)
    # 3 in the middle of a hole, -1.5 where lines cross.
    net: Field = np.clip((0.55 - waves) / 1.6, 0, 1).astype(np.float32)
    return net


def make_outline(
    rng: np.random.Generator, shape: tuple[int, int], *, radius: float, unevenness: float
) -> Field:
    """The distance from the centre in units of an uneven outline: 0 inside, 1 on it, more outside.

    `radius` is in shorter sides; `unevenness` is how far the outline strays from an ellipse.
    """
    height, width = shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    left, top = (float(value) for value in 0.5 + rng.uniform(-0.05, 0.05, 2))
    x = (columns - width * left) / min(shape)
    y = (rows - height * top) / min(shape)
    turn = float(rng.uniform(0, np.pi))
    stretch = float(rng.uniform(1.05, 1.2)) + unevenness * 0.5
    along = (x * math.cos(turn) + y * math.sin(turn)) / stretch
    across = (y * math.cos(turn) - x * math.sin(turn)) * stretch**0.5
    # The waves are summed for 720 directions, then looked up for every pixel.
    directions = np.linspace(-np.pi, np.pi, 721)
    waves = np.ones(721)
    for number in range(2, 12):
        strength = unevenness * rng.normal(0, 1) / number**0.8
        waves += strength * np.cos(number * directions + rng.uniform(0, 2 * np.pi))
    turned = (np.arctan2(across, along) + np.pi) * (720 / (2 * np.pi))
    reach = waves.astype(np.float32)[turned.astype(np.intp)]
    reach = np.clip(reach, 0.45, 1.7) * (1 + unevenness * 0.35 * make_cloud(rng, shape, 7, 3))
    distance: Field = (np.hypot(along, across) / (radius * reach)).astype(np.float32)
    return distance


def fade_out(distance: Field, softness: float) -> Field:
    """1 well below zero, 0 well above, with a soft step of about `softness` between."""
    step: Field = (1 / (1 + np.exp(np.clip(distance / softness, -60, 60)))).astype(np.float32)
    return step
