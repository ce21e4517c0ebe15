"""TIFF files written tag by tag from known samples: what a decoder has to find is known by construction."""

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773


@dataclass
class TiffFile:
    """Samples (height, width, channels) and how to store them; `tags` adds or replaces SHORT tags."""

    samples: np.ndarray
    bits: int = 8
    meaning: int = 2
    order: str = "<"
    planar: int = 1
    compression: int = NONE
    predictor: int = 1
    rows: int = 0
    tile: int = 0
    fill: int = 1
    kind: int = 1
    extra: tuple = ()
    palette: tuple = ()
    tags: dict = field(default_factory=dict)
    subfile: int = 0

    def write(self, *following: "TiffFile") -> bytes:
        """One page, and those that follow."""
        data = (b"II*\0" if self.order == "<" else b"MM\0*") + struct.pack(self.order + "L", 0)
        link = 4
        for page in (self, *following):
            data, link = page._append(data, link)
        return data

    def _append(self, data, link):
        height, width, channels = self.samples.shape
        offsets, counts = [], []
        for piece in self._cut():
            packed = self._pack(piece)
            offsets.append(len(data))
            counts.append(len(packed))
            data += packed + b"\0" * (len(packed) % 2)
        tags = {254: (4, [self.subfile])} if self.subfile else {}
        tags |= {
            256: (3, [width]),
            257: (3, [height]),
            258: (3, [self.bits] * channels),
            259: (3, [self.compression]),
            262: (3, [self.meaning]),
            266: (3, [self.fill]),
            277: (3, [channels]),
            284: (3, [self.planar]),
            317: (3, [self.predictor]),
            339: (3, [self.kind] * channels),
        }
        if self.tile:
            tags |= {322: (3, [self.tile]), 323: (3, [self.tile]), 324: (4, offsets), 325: (4, counts)}
        else:
            tags |= {273: (4, offsets), 278: (3, [self.rows or height]), 279: (4, counts)}
        if self.extra:
            tags[338] = (3, list(self.extra))
        if self.palette:
            tags[320] = (3, list(self.palette))
        tags |= {tag: value if isinstance(value, tuple) else (3, value) for tag, value in self.tags.items()}
        return self._append_directory(data, link, tags)

    def _append_directory(self, data, link, tags):
        entries, start = b"", len(data)
        behind = start + 2 + 12 * len(tags) + 4
        values = b""
        for tag in sorted(tags):
            kind, numbers = tags[tag]
            letter = {1: "B", 3: "H", 4: "L", 5: "L", 7: "B"}[kind]
            body = struct.pack(f"{self.order}{len(numbers)}{letter}", *numbers)
            count = len(numbers) // (2 if kind == 5 else 1)
            if len(body) > 4:
                place = struct.pack(self.order + "L", behind + len(values))
                values += body + b"\0" * (len(body) % 2)
            else:
                place = body.ljust(4, b"\0")
            entries += struct.pack(self.order + "HHL", tag, kind, count) + place
        head = struct.pack(self.order + "H", len(tags))
        data = data[:link] + struct.pack(self.order + "L", start) + data[link + 4 :]
        return data + head + entries + bytes(4) + values, start + 2 + 12 * len(tags)

    def _cut(self):
        planes = (
            [self.samples[..., [one]] for one in range(self.samples.shape[2])]
            if self.planar == 2
            else [self.samples]
        )
        for plane in planes:
            height, width, _ = plane.shape
            if not self.tile:
                step = self.rows or height
                yield from (plane[at : at + step] for at in range(0, height, step))
                continue
            for top in range(0, height, self.tile):
                for left in range(0, width, self.tile):
                    part = plane[top : top + self.tile, left : left + self.tile]
                    missing = [(0, self.tile - part.shape[0]), (0, self.tile - part.shape[1]), (0, 0)]
                    yield np.pad(part, missing)

    def _pack(self, piece):
        if self.predictor == 2:
            piece = piece.copy()
            piece[:, 1:] = piece[:, 1:] - piece[:, :-1]
        rows = [self._pack_row(row.reshape(-1)) for row in piece]
        if self.compression == PACKBITS:
            packed = b"".join(_pack_runs(row) for row in rows)
        else:
            packed = {NONE: bytes, DEFLATE: zlib.compress, LZW: _pack_lzw}[self.compression](b"".join(rows))
        return bytes(int(f"{byte:08b}"[::-1], 2) for byte in packed) if self.fill == 2 else packed

    def _pack_row(self, values):
        if self.kind == 3:
            return values.astype(self.order + "f4").tobytes()
        if self.bits >= 8 and self.bits != 12:
            return values.astype(f"{self.order}u{self.bits // 8}").tobytes()
        text = "".join(f"{int(value):0{self.bits}b}" for value in values)
        text += "0" * (-len(text) % 8)
        return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def _pack_runs(row):
    """PackBits with literal runs only."""
    parts = (row[at : at + 128] for at in range(0, len(row), 128))
    return b"".join(bytes([len(part) - 1]) + part for part in parts)


def _pack_lzw(data):
    """The LZW of TIFF 6.0, which clears its table long before it is full."""
    codes, text = [], b""
    table = {bytes([one]): one for one in range(256)}
    widths = [(256, 9)]
    following = 258
    for one in data:
        longer = text + bytes([one])
        if longer in table:
            text = longer
            continue
        codes.append((table[text], _find_width(following)))
        table[longer] = following
        following += 1
        text = bytes([one])
        if following > 2000:
            codes.append((256, _find_width(following)))
            table = {bytes([one]): one for one in range(256)}
            following = 258
    if text:
        codes.append((table[text], _find_width(following)))
        following += 1
    codes.append((257, _find_width(following)))
    bits = "".join(f"{code:0{width}b}" for code, width in [*widths, *codes])
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def _find_width(following):
    # One code early, as every writer of TIFF does.
    return 9 if following < 512 else 10 if following < 1024 else 11
